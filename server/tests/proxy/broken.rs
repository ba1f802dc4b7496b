//! Services that do not keep to HTTP: a clear error, and nothing of one answer in the next.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use http_body_util::BodyExt;
use serde_json::json;
use server::{config::Source, testing::until};
use sqlx::PgPool;

use super::{
    Asking, Log, cloud,
    fake::{Fake, json as json_answer, ok},
};

fn impatient(source: Source) -> Source {
    source
        .with_env("UPSTREAM_TIMEOUT_SECS", "0.3")
        .with_env("PROXY_IDLE_SECS", "0.3")
        .with_env("UPSTREAM_BREAKER_FAILURES", "1000")
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_http_is_an_error_that_tells_nothing_of_it(db: PgPool) {
    let floods: [(&str, Vec<u8>); 6] = [
        ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        ("bytes", vec![0xff; 5000]),
        ("a status that is none", b"HTTP/1.1 9999 hush\r\n\r\n".to_vec()),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nhush!".to_vec()),
        (
            "a flood of headers",
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-hush: 1\r\n".repeat(5000)).into_bytes(),
        ),
        (
            "a header without end",
            format!("HTTP/1.1 200 OK\r\nx: hush{}\r\n\r\n", "y".repeat(2 << 20)).into_bytes(),
        ),
    ];
    let sent: Arc<Vec<Vec<u8>>> = Arc::new(floods.iter().map(|(_, bytes)| bytes.clone()).collect());
    let fake = Fake::start(move |mut connection| {
        let sent = sent.clone();
        async move {
            while let Some(request) = connection.request().await {
                let which =
                    request.split(['/', ' ']).find_map(|part| part.parse::<usize>().ok()).expect("a number");
                connection.send(&sent[which]).await;
            }
        }
    })
    .await;
    let app = fake.app_with(db, impatient).await;
    let alice = Asking::new(&app, "alice", "alpha");
    for (number, (what, _)) in floods.iter().enumerate() {
        let log = Log::listen();
        let answer = alice.get("compute", &format!("{number}")).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{what}: {}", answer.text());
        answer.assert_error(StatusCode::BAD_GATEWAY, "upstream_malformed");
        assert!(!answer.text().contains("hush"), "{what}: {}", answer.text());
        assert_eq!(log.calls()[0]["level"], "error", "{what}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_shorter_than_it_says_is_an_error_or_breaks_off(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        let Some(request) = connection.request().await else { return };
        let kind = if request.contains("/file") { "application/octet-stream" } else { "application/json" };
        let framing =
            if request.contains("chunked") { "transfer-encoding: chunked" } else { "content-length: 1000" };
        let begun = if request.contains("chunked") { "40\r\n{\"a\": 1" } else { "{\"a\": 1" };
        connection
            .send(format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{framing}\r\n\r\n{begun}").as_bytes())
            .await;
    })
    .await;
    let app = fake.app_with(db, impatient).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let answer = alice.get("compute", "document").await;
    answer.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
    // What goes by cannot be taken back: the browser sees that it broke off, and the log says why.
    for path in ["file", "file?chunked", "document?chunked"] {
        let log = Log::listen();
        let body = alice.open(&cloud("compute", path)).await.into_body();
        assert!(body.collect().await.is_err(), "{path}");
        let call = log.calls().remove(0);
        assert_eq!(
            (&call["outcome"], &call["level"], &call["status"]),
            (&json!("upstream_unreachable"), &json!("error"), &json!(200)),
            "{path}"
        );
        assert!(
            call["description"].as_str().is_some_and(|text| text.starts_with("compute response broke off")),
            "{call}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_follows_a_whole_answer_is_in_nobody_elses(db: PgPool) {
    let answers = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(move |mut connection| {
        let answers = answers.clone();
        async move {
            while connection.request().await.is_some() {
                let number = answers.fetch_add(1, Ordering::SeqCst);
                let mut bytes = json_answer(&format!("{{\"answer\": {number}}}"));
                // More than was announced: the answer to a request that nobody made.
                bytes.push_str(&json_answer("{\"answer\": \"smuggled\"}"));
                connection.send(bytes.as_bytes()).await;
            }
        }
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    for number in 0..10 {
        let answer = alice.get("compute", &format!("servers?n={number}")).await;
        answer.assert_status(StatusCode::OK);
        assert_eq!(answer.text(), format!("{{\"answer\": {number}}}"));
    }
    assert_eq!(fake.connections(), 10, "none was used again");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_good_connection_is_used_again_and_a_broken_one_is_not(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            if request.contains("/break") {
                connection
                    .send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{")
                    .await;
                return;
            }
            connection.send(json_answer("{}").as_bytes()).await;
        }
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    for number in 0..3 {
        alice.get("compute", &format!("servers?n={number}")).await.assert_status(StatusCode::OK);
    }
    assert_eq!(fake.connections(), 1);
    alice.get("compute", "break").await.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
    alice.get("compute", "servers").await.assert_status(StatusCode::OK);
    assert_eq!(fake.connections(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_service_that_takes_too_long_is_given_up(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        let Some(request) = connection.request().await else { return };
        let kind = if request.contains("/file") { "application/octet-stream" } else { "application/json" };
        if !request.contains("/head") {
            connection
                .send(
                    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 100\r\n\r\n{{")
                        .as_bytes(),
                )
                .await;
        }
        connection.left().await;
    })
    .await;
    let app = fake.app_with(db, impatient).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.get("compute", "head").await.assert_error(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout");
    alice.get("compute", "document").await.assert_error(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout");
    let log = Log::listen();
    let body = alice.open(&cloud("compute", "file")).await.into_body();
    assert!(body.collect().await.is_err());
    assert_eq!(log.calls()[0]["outcome"], "upstream_timeout");
    until("the connections to be closed", async || fake.closed() == 3).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_read_is_made_a_second_time_and_a_write_is_not(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        // The first connections end without an answer.
        if connection.request().await.is_some() && connection.number >= 2 {
            connection.send(json_answer("{}").as_bytes()).await;
        }
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let answer = alice.post("compute", "servers/1/action", &json!({"lock": null})).await;
    answer.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
    assert_eq!(fake.requests().len(), 1);
    alice.get("compute", "servers/1").await.assert_status(StatusCode::OK);
    let requests = fake.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[1], requests[2]);
    let delete = alice.send(Method::DELETE, &cloud("compute", "servers/1"), &[], Body::empty()).await;
    delete.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_service_that_keeps_failing_is_left_alone_for_a_while(db: PgPool) {
    let failing =
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let fake = Fake::answering(failing).await;
    let app = fake.app_with(db, |source| source.with_env("UPSTREAM_BREAKER_FAILURES", "2")).await;
    let alice = Asking::new(&app, "alice", "alpha");
    for _ in 0..2 {
        alice.get("compute", "servers").await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    let asked = fake.requests().len();
    let log = Log::listen();
    alice.get("compute", "servers").await.assert_error(StatusCode::SERVICE_UNAVAILABLE, "circuit_open");
    assert_eq!(fake.requests().len(), asked);
    assert_eq!(
        (&log.calls()[0]["outcome"], &log.calls()[0]["level"]),
        (&json!("circuit_open"), &json!("info"))
    );
    // Only this service of this region.
    alice.get("network", "networks").await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_protocol_nobody_asked_for_is_refused(db: PgPool) {
    let switching = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let fake = Fake::answering(switching).await;
    let app = fake.app_with(db, impatient).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.get("compute", "servers").await.assert_error(StatusCode::BAD_GATEWAY, "upstream_malformed");
    let encoded = Fake::answering(ok("application/json", "content-encoding: gzip\r\n", "{}")).await;
    app.cloud.admin().set_address(
        "RegionOne",
        simcloud::Service::Compute,
        Some(&format!("http://{}/v2.1", encoded.address)),
    );
    let bob = Asking::new(&app, "bob", "alpha");
    bob.get("compute", "servers").await.assert_error(StatusCode::BAD_GATEWAY, "upstream_malformed");
}
