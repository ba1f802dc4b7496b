//! While Postgres does not answer, nobody is signed out.

use std::time::Duration;

use api_types::routes;
use axum::http::StatusCode;
use server::{
    metrics::Metric,
    testing::{DatabaseProxy, TestApp, until},
};
use simcloud::CloudConfig;
use sqlx::PgPool;

async fn app(db: &PgPool) -> (DatabaseProxy, TestApp) {
    let proxy = DatabaseProxy::start(db).await;
    let cloud = CloudConfig { token_lifetime: Duration::from_secs(86_400), ..CloudConfig::default() };
    let app = TestApp::with(proxy.pool(), cloud, |source| {
        source.with_env("SESSION_MEMORY_GRACE_SECS", "600").with_env("DATABASE_TIMEOUT_SECS", "0.5")
    })
    .await;
    (proxy, app)
}

#[sqlx::test(migrations = "../migrations")]
async fn sessions_used_lately_are_served_from_memory(db: PgPool) {
    let (proxy, app) = app(&db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    for take_away in [DatabaseProxy::refuse, DatabaseProxy::hang] {
        take_away(&proxy);
        app.clock.advance(Duration::from_secs(200));
        for _ in 0..5 {
            browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
        }
        let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
        browser.get(&servers).await.assert_status(StatusCode::OK);
    }
    assert!(app.app.metrics.counted(Metric::SessionLookup, &["grace"]) > 0);
    proxy.pass();
    until("the session to be read again", async || {
        app.clock.advance(Duration::from_secs(1));
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
        app.app.metrics.counted(Metric::SessionLookup, &["database"]) > 0
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn no_request_waits_for_a_database_that_hangs(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    // Longer than any test may take: a request that waits for it is never answered.
    let app = TestApp::with(proxy.patient_pool(), CloudConfig::default(), |source| source).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    proxy.hang();
    for _ in 0..20 {
        app.clock.advance(Duration::from_secs(20));
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
    proxy.pass();
}

#[sqlx::test(migrations = "../migrations")]
async fn past_the_grace_the_answer_is_try_again_and_never_sign_in(db: PgPool) {
    let (proxy, app) = app(&db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    proxy.refuse();
    app.clock.advance(Duration::from_secs(700));
    let error = browser
        .get(routes::SESSION)
        .await
        .assert_error(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable");
    assert!(error.retry_after_secs.is_some());
    let page = browser.get("/account/sessions").await;
    page.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.header("set-cookie").is_empty(), "the cookie stays");
    // A cookie this node has not seen may well be good.
    let stranger = app.browser();
    stranger.set_cookie("meridian", &"A".repeat(43));
    stranger.get(routes::SESSION).await.assert_error(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable");
    proxy.pass();
    until("the session to be served again", async || {
        browser.get(routes::SESSION).await.status == StatusCode::OK
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_signs_out_meanwhile_is_out_here_at_once_and_everywhere_later(db: PgPool) {
    let (proxy, app) = app(&db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let copy = app.browser();
    copy.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
    let token = browser.csrf_token().await;
    proxy.refuse();
    let headers = [(routes::CSRF_HEADER, &*token)];
    let answer =
        browser.send(axum::http::Method::POST, routes::SIGN_OUT, &headers, axum::body::Body::empty()).await;
    answer.assert_status(StatusCode::NO_CONTENT);
    assert_ne!(copy.get(routes::SESSION).await.status, StatusCode::OK);
    proxy.pass();
    until("the row to be deleted", async || {
        server::session::write_uses_once(&app.app.sessions).await;
        let rows: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&db).await.expect("a count");
        rows == 0
    })
    .await;
    copy.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_request_normally_costs_no_query(db: PgPool) {
    let (_proxy, app) = app(&db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    until("revocations to be heard", async || server::session::hears(&app.app.sessions)).await;
    let before = app.app.metrics.counted(Metric::SessionQuery, &[]);
    for _ in 0..50 {
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
    assert_eq!(app.app.metrics.counted(Metric::SessionQuery, &[]), before);
}
