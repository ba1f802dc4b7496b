//! The same read of many is one call, for about a second, until something is written.

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use futures_util::future::join_all;
use serde_json::json;
use server::testing::until;
use sqlx::PgPool;
use tokio::sync::watch;

use super::{
    Asking, Log, cloud, compute,
    fake::{Fake, json as json_answer},
};

/// A service that answers reads once the gate is open, with the number of the request.
async fn gated(gate: &watch::Sender<bool>) -> Fake {
    let open = gate.subscribe();
    Fake::start(move |mut connection| {
        let mut open = open.clone();
        async move {
            while connection.request().await.is_some() {
                let _ = open.wait_for(|open| *open).await;
                connection.send(json_answer(r#"{"servers": []}"#).as_bytes()).await;
            }
        }
    })
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn reads_at_the_same_time_are_one_call(db: PgPool) {
    let gate = watch::Sender::new(false);
    let fake = gated(&gate).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let log = Log::listen();
    let reads = join_all((0..20).map(|_| alice.get("compute", "servers")));
    let opened = async {
        until("all to ask", async || app.app.proxy.open_calls(&compute()) == 20).await;
        gate.send_replace(true);
    };
    let (answers, ()) = tokio::join!(reads, opened);
    for answer in answers {
        answer.assert_status(StatusCode::OK);
        assert_eq!(answer.text(), r#"{"servers": []}"#);
    }
    assert_eq!(fake.requests().len(), 1);
    // Each has its own line, with what it got and from where.
    let calls = log.calls();
    let from = |source: &str| {
        calls.iter().filter(|call| call["source"] == source && call["received_bytes"] == 15).count()
    };
    assert_eq!((calls.len(), from("upstream"), from("shared")), (20, 1, 19));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_read_is_remembered_for_a_second_and_a_write_empties_it(db: PgPool) {
    let fake = Fake::answering(json_answer(r#"{"servers": []}"#)).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let asked = || fake.requests().len();
    alice.get("compute", "servers").await;
    alice.get("compute", "servers").await.assert_status(StatusCode::OK);
    assert_eq!(asked(), 1);
    app.clock.advance(std::time::Duration::from_millis(1001));
    alice.get("compute", "servers").await;
    assert_eq!(asked(), 2);

    alice.post("compute", "servers/1/action", &json!({"lock": null})).await.assert_status(StatusCode::OK);
    assert_eq!(asked(), 3);
    alice.get("compute", "servers").await;
    assert_eq!(asked(), 4);
    let region = "RegionOne".parse().expect("a region");
    app.app.proxy.forget(&app.project("alpha"), &region);
    alice.get("compute", "servers").await;
    assert_eq!(asked(), 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn only_the_same_question_of_the_same_person_is_shared(db: PgPool) {
    let fake = Fake::answering(json_answer("{}")).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let path = cloud("compute", "servers");
    let mut asked = 0;
    for headers in [
        &[][..],
        &[("openstack-api-version", "compute 2.79")],
        &[("accept-language", "de")],
        &[("cache-control", "no-cache")],
        &[("cache-control", "no-cache")],
        &[("range", "bytes=0-1")],
        &[("range", "bytes=0-1")],
    ] {
        alice.send(Method::GET, &path, headers, Body::empty()).await.assert_status(StatusCode::OK);
        asked += 1;
        assert_eq!(fake.requests().len(), asked, "{headers:?}");
    }
    let others = [
        Asking::new(&app, "bob", "alpha"),
        Asking::new(&app, "alice", "beta"),
        Asking::new(&app, "alice", "alpha"),
    ];
    for other in others {
        other.get("compute", "servers").await.assert_status(StatusCode::OK);
        asked += 1;
        assert_eq!(fake.requests().len(), asked, "{}", other.project);
    }
    alice.send(Method::HEAD, &path, &[], Body::empty()).await;
    assert_eq!(fake.requests().len(), asked + 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_waits_is_not_left_alone_when_the_one_that_asks_leaves(db: PgPool) {
    let gate = watch::Sender::new(false);
    let fake = gated(&gate).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let first = Box::pin(alice.get("compute", "servers"));
    let open = || app.app.proxy.open_calls(&compute());
    let mut second = Box::pin(alice.get("compute", "servers"));
    let asked = until("the first to ask", async || fake.requests().len() == 1);
    let first = futures_util::future::select(first, Box::pin(asked)).await;
    let futures_util::future::Either::Right(((), first)) = first else { panic!("it is answered too soon") };
    let waits = Box::pin(until("the second to wait", async || open() == 2));
    let futures_util::future::Either::Right(_) = futures_util::future::select(&mut second, waits).await
    else {
        panic!("it is answered too soon")
    };
    let log = Log::listen();
    drop(first);
    assert_eq!(log.calls()[0]["outcome"], "caller_left");
    gate.send_replace(true);
    second.await.assert_status(StatusCode::OK);
    assert_eq!(fake.requests().len(), 2);
}
