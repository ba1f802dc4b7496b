//! Bodies go by without being held, and end when either side leaves.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use api_types::routes::{self, PROJECT_HEADER};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::json;
use server::testing::until;
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::{
    Asking, Log, cloud, compute,
    fake::{Fake, json as json_answer},
};

const MIB: usize = 1 << 20;
const WHOLE: usize = 64 * MIB;
/// What may be on its way between the two ends: the kernel's buffers of two connections, mostly.
const ON_ITS_WAY: usize = 16 * MIB;

#[sqlx::test(migrations = "../migrations")]
async fn a_download_is_taken_from_the_service_as_fast_as_the_browser_takes_it(db: PgPool) {
    let sent = Arc::new(AtomicUsize::new(0));
    let is_stuck = Arc::new(AtomicBool::new(false));
    let (counter, stuck) = (sent.clone(), is_stuck.clone());
    let fake = Fake::start(move |mut connection| {
        let (sent, is_stuck) = (counter.clone(), stuck.clone());
        async move {
            connection.request().await;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {WHOLE}\r\n\r\n"
            );
            connection.send(head.as_bytes()).await;
            let piece = vec![7; 64 << 10];
            while sent.load(Ordering::SeqCst) < WHOLE {
                let left = piece.len().min(WHOLE - sent.load(Ordering::SeqCst));
                match connection.stream.try_write(&piece[..left]) {
                    Ok(length) => drop(sent.fetch_add(length, Ordering::SeqCst)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        is_stuck.store(true, Ordering::SeqCst);
                        if connection.stream.writable().await.is_err() {
                            return;
                        }
                    }
                    Err(_) => return,
                }
            }
        }
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let log = Log::listen();
    let mut body = alice.open(&cloud("image", "images/1/file")).await.into_body();
    // Nobody reads, so the service gets stuck, long before the end.
    until("the service to get stuck", async || is_stuck.load(Ordering::SeqCst)).await;
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        received += frame.expect("a frame").data_ref().map_or(0, Bytes::len);
        let on_its_way = sent.load(Ordering::SeqCst) - received;
        assert!(on_its_way < ON_ITS_WAY, "{on_its_way} bytes are held after {received}");
    }
    assert_eq!(received, WHOLE);
    let call = log.calls().remove(0);
    assert_eq!((&call["outcome"], &call["received_bytes"]), (&json!("ok"), &json!(WHOLE)));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_upload_is_taken_from_the_browser_as_fast_as_the_service_takes_it(db: PgPool) {
    let (made, read) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (made_so_far, counter) = (made.clone(), read.clone());
    let fake = Fake::start(move |mut connection| {
        let (made, read) = (made_so_far.clone(), counter.clone());
        async move {
            let head = connection.head().await.expect("a head").to_ascii_lowercase();
            assert!(head.contains(&format!("content-length: {WHOLE}\r\n")), "{head}");
            assert!(head.contains("content-type: application/octet-stream"), "{head}");
            while read.load(Ordering::SeqCst) < WHOLE {
                let length = connection.read(256 << 10).await;
                assert_ne!(length, 0, "the upload broke off");
                let read = read.fetch_add(length, Ordering::SeqCst) + length;
                let on_its_way = made.load(Ordering::SeqCst) - read;
                assert!(on_its_way < ON_ITS_WAY, "{on_its_way} bytes are held after {read}");
            }
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let log = Log::listen();
    let piece = Bytes::from(vec![7; 64 << 10]);
    let counter = made.clone();
    let pieces = stream::iter(0..WHOLE / piece.len()).map(move |_| {
        counter.fetch_add(piece.len(), Ordering::SeqCst);
        Ok::<_, Infallible>(piece.clone())
    });
    let body = Body::new(Announced { body: Body::from_stream(pieces), left: WHOLE as u64 });
    let headers = [("content-type", "application/octet-stream")];
    let answer = alice.send(Method::PUT, &cloud("image", "images/1/file"), &headers, body).await;
    answer.assert_status(StatusCode::NO_CONTENT);
    assert_eq!(read.load(Ordering::SeqCst), WHOLE);
    assert_eq!(log.calls()[0]["sent_bytes"], json!(WHOLE));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_that_leaves_ends_the_call(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        let Some(request) = connection.request().await else { return };
        if request.contains("/file") {
            connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 1000000\r\n\r\nabc").await;
        }
        connection.left().await;
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let log = Log::listen();
    let mut body = alice.open(&cloud("image", "images/1/file")).await.into_body();
    assert_eq!(body.frame().await.expect("a frame").expect("data").data_ref().map(Bytes::len), Some(3));
    drop(body);
    until("the service to notice", async || fake.closed() == 1).await;
    assert_eq!(
        (&log.calls()[0]["outcome"], &log.calls()[0]["level"]),
        (&json!("caller_left"), &json!("info"))
    );

    // Before there is an answer.
    let asking = Box::pin(alice.get("compute", "servers"));
    let asked = Box::pin(until("the service to be asked", async || fake.requests().len() == 2));
    drop(futures_util::future::select(asking, asked).await);
    until("the service to notice", async || fake.closed() == 2).await;
    until("the call to be over", async || app.app.proxy.open_calls(&compute()) == 0).await;
    assert_eq!(log.calls()[1]["outcome"], "caller_left");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_upload_that_stands_still_or_breaks_off_is_given_up(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        if connection.head().await.is_some() {
            connection.left().await;
        }
    })
    .await;
    let app = fake.app_with(db, |source| source.with_env("PROXY_IDLE_SECS", "0.2")).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let path = cloud("image", "images/1/file");
    let headers = [("content-type", "application/octet-stream")];
    let (sender, receiver) = mpsc::unbounded_channel::<io::Result<Bytes>>();
    let pieces =
        stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    sender.send(Ok(Bytes::from_static(b"begun"))).expect("a listener");
    let answer = alice.send(Method::PUT, &path, &headers, Body::from_stream(pieces)).await;
    answer.assert_error(StatusCode::REQUEST_TIMEOUT, "request_timeout");
    drop(sender);

    let pieces = stream::iter([Ok(Bytes::from_static(b"begun")), Err(io::Error::other("gone"))]);
    let answer = alice.send(Method::PUT, &path, &headers, Body::from_stream(pieces)).await;
    answer.assert_error(StatusCode::BAD_REQUEST, "bad_request");
    until("the service to notice", async || fake.closed() == 2).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_slow_upload_that_moves_may_take_longer_than_any_deadline(db: PgPool) {
    let fake = Fake::answering(json_answer("{}")).await;
    let app = fake
        .app_with(db, |source| {
            source.with_env("UPSTREAM_TIMEOUT_SECS", "0.3").with_env("PROXY_IDLE_SECS", "5")
        })
        .await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    // Ten pieces, each well within the time for one, all together beyond the deadline for an answer.
    let ticks = tokio::time::interval(Duration::from_millis(60));
    let pieces = stream::unfold((ticks, 0), async |(mut ticks, number)| {
        ticks.tick().await;
        (number < 10).then(|| (Ok::<_, Infallible>(Bytes::from_static(b"x")), (ticks, number + 1)))
    });
    let body = Body::new(Announced { body: Body::from_stream(pieces), left: 10 });
    let headers = [("content-type", "application/octet-stream")];
    let answer = alice.send(Method::PUT, &cloud("image", "images/1/file"), &headers, body).await;
    answer.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_long_body_keeps_no_place_from_short_ones(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            if request.contains("/file") {
                connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 1000000\r\n\r\nabc").await;
                return connection.left().await;
            }
            connection.send(json_answer("{}").as_bytes()).await;
        }
    })
    .await;
    let app = fake
        .app_with(db, |source| {
            source
                .with_env("UPSTREAM_CONCURRENCY", "1")
                .with_env("UPSTREAM_TRANSFERS", "2")
                .with_env("UPSTREAM_TIMEOUT_SECS", "0.5")
        })
        .await;
    let alice = Asking::new(&app, "alice", "alpha");
    let mut downloads = Vec::new();
    for _ in 0..2 {
        let answer = alice.open(&cloud("image", "images/1/file")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        downloads.push(answer);
    }
    alice.get("image", "images").await.assert_status(StatusCode::OK);
    // One more transfer is one too many: it waits for its turn, and then says so.
    alice.get("image", "images/2/file").await.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_busy");
    drop(downloads);
    let project = app.project("alpha");
    until("a place for a transfer", async || {
        let answer =
            alice.client.open(&cloud("image", "images/3/file"), &[(PROJECT_HEADER, project.as_str())]).await;
        answer.status() == StatusCode::OK
    })
    .await;
    alice.client.get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_session_has_so_many_transfers_and_leaves_the_others_to_others(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        connection.request().await;
        // Of no known length, as slow as it likes.
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{").await;
        connection.left().await;
    })
    .await;
    let app = fake
        .app_with(db, |source| {
            source.with_env("UPSTREAM_TRANSFERS", "3").with_env("PROXY_TRANSFERS_PER_SESSION", "2")
        })
        .await;
    let (alice, bob) = (Asking::new(&app, "alice", "alpha"), Asking::new(&app, "bob", "alpha"));
    let path = |number: u8| cloud("image", &format!("images/{number}"));
    let open = [alice.open(&path(1)).await, alice.open(&path(2)).await];
    assert!(open.iter().all(|answer| answer.status() == StatusCode::OK));
    alice.get("image", "images/3").await.assert_error(StatusCode::TOO_MANY_REQUESTS, "too_many_calls");
    assert_eq!(bob.open(&path(4)).await.status(), StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_document_that_comes_slowly_keeps_no_place_at_the_service(db: PgPool) {
    let fake = Fake::answering(json_answer("{}")).await;
    let app = fake.app_with(db, |source| source.with_env("UPSTREAM_CONCURRENCY", "1")).await;
    let (alice, bob) = (Asking::new(&app, "alice", "alpha"), Asking::new(&app, "bob", "alpha"));
    let (sender, receiver) = mpsc::unbounded_channel::<io::Result<Bytes>>();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let pieces = stream::unfold(receiver, move |mut receiver| {
        let counter = counter.clone();
        async move {
            let piece = receiver.recv().await?;
            counter.fetch_add(1, Ordering::SeqCst);
            Some((piece, receiver))
        }
    });
    sender.send(Ok(Bytes::from_static(b"{"))).expect("a listener");
    let path = cloud("compute", "servers/1/action");
    let headers = [("content-type", "application/json")];
    let slow = alice.send(Method::POST, &path, &headers, Body::from_stream(pieces));
    let others = async {
        until("the first piece to be here", async || taken.load(Ordering::SeqCst) == 1).await;
        bob.get("compute", "servers/2").await.assert_status(StatusCode::OK);
        assert_eq!(fake.requests().len(), 1, "what is not here is not asked for");
        sender.send(Ok(Bytes::from_static(b"}"))).expect("a listener");
        drop(sender);
    };
    let (answer, ()) = tokio::join!(slow, others);
    answer.assert_status(StatusCode::OK);
    assert!(fake.requests()[1].contains("content-length: 2"), "{}", fake.requests()[1]);
}

/// A body whose length is known before.
struct Announced {
    body: Body,
    left: u64,
}

impl hyper::body::Body for Announced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        let polled = std::pin::Pin::new(&mut self.body).poll_frame(context);
        if let std::task::Poll::Ready(Some(Ok(frame))) = &polled {
            self.left -= frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.left)
    }
}
