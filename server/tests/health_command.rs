//! `meridian health`: one line, and the exit code that agents expect.

use std::process::Command;

use axum::http::StatusCode;
use server::testing::TestApp;
use simcloud::{CloudConfig, Fault, Service};
use sqlx::PgPool;
use tokio::net::TcpListener;

/// The exit code and what it prints, which is one line.
async fn ask(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
    command.arg("health").args(arguments).env_clear();
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it runs");
    let output = output.expect("the program runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(said.matches('\n').count(), 1, "{said:?}");
    (output.status.code(), said.trim_end().to_owned())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_in_service_without_something_going_away_or_out_has_a_code_each(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| source).await;
    let other = app.another_node();
    let served = app.serve().await;
    app.app.health.look().await;
    other.app.health.look().await;
    let (code, said) = ask(&["--url", &served.url()]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with(&format!("MERIDIAN OK - {}/health answers OK", served.url())), "{said}");
    assert!(said.contains("| time=0."), "{said}");

    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    for _ in 0..3 {
        other.app.health.look().await;
        app.app.health.look().await;
    }
    let expected = "MERIDIAN WARNING - in service without: keystone";
    assert_eq!(ask(&["--url", &served.url()]).await, (Some(1), expected.to_owned()));

    let alone = app.restarted(|source| source.with_env("HEALTH_WHEN_BAD_EVERYWHERE", "fail"));
    alone.app.health.look().await;
    let out = alone.serve().await;
    let expected = "MERIDIAN CRITICAL - NOT OK: keystone";
    assert_eq!(ask(&["--url", &out.url()]).await, (Some(2), expected.to_owned()));

    app.cloud.admin().clear_faults();
    for _ in 0..2 {
        app.app.health.look().await;
    }
    app.app.shutdown.drain();
    let (code, said) = ask(&["--url", &format!("{}/health", served.url())]).await;
    assert_eq!((code, said.as_str()), (Some(1), "MERIDIAN WARNING - the node is going away: draining"));
    let (code, _) = ask(&["--url", &format!("{}/health/live", served.url())]).await;
    assert_eq!(code, Some(0), "its process lives");
}

#[tokio::test]
async fn nobody_there_and_nobody_who_answers_are_critical() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (code, said) = ask(&["--url", &address, "--timeout", "0.2"]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("did not answer within 0.2 s"), "{said}");
    drop(listener);
    let (code, said) = ask(&["--url", &address]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot be reached"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_known_is_unknown_and_never_critical() {
    let stranger = axum::Router::new().fallback(async || (StatusCode::NOT_FOUND, "<h1>Not here</h1>"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move { axum::serve(listener, stranger).await });
    let (code, said) = ask(&["--url", &address]).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.ends_with("is no panel: it answers 404"), "{said}");
    serving.abort();
    for arguments in
        [&["--url", "nowhere"][..], &["--timeout", "soon"], &["--colour"], &["--url"], &["--url", "ftp://a"]]
    {
        let (code, said) = ask(arguments).await;
        assert_eq!(code, Some(3), "{arguments:?}: {said}");
        assert!(said.starts_with("MERIDIAN UNKNOWN - "), "{said}");
    }
}
