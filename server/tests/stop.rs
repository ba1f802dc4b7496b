//! Stopping: nothing new, and what is under way finishes.

use std::time::Duration;

use server::testing::{TestApp, until};
use simcloud::CloudConfig;
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[sqlx::test(migrations = "../migrations")]
async fn a_request_under_way_is_answered_and_a_new_connection_is_not(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("SIGN_IN_REFUSAL_STEP_SECS", "0.5")
    })
    .await;
    let browser = app.browser();
    let form = browser.get("/sign-in").await.hidden("form_token");
    let body = format!("form_token={form}&user=alice&password=wrong");
    let served = app.serve().await;
    let mut under_way = TcpStream::connect(served.address).await.expect("a connection");
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nhost: panel.test\r\norigin: https://panel.test\r\ncookie: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        browser.cookie_header(),
        body.len(),
    );
    under_way.write_all(request.as_bytes()).await.expect("sent");
    until("the request to be under way", async || {
        app.cloud.admin().call_count("*", simcloud::Service::Identity) > 0
    })
    .await;
    served.stop();
    until("new connections to be refused", async || TcpStream::connect(served.address).await.is_err()).await;
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(5), under_way.read_to_string(&mut answer)).await;
    read.expect("in time").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_connection_with_nothing_to_answer_does_not_hold_the_stop_up(db: PgPool) {
    let app = TestApp::new(db).await;
    let served = app.serve().await;
    let mut idle = TcpStream::connect(served.address).await.expect("a connection");
    idle.write_all(b"GET /sign-in HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.expect("an answer");
    served.stop();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), idle.read_to_end(&mut rest))
        .await
        .expect("closed in time")
        .expect("read");
}
