//! Only Keystone's word ends a session.

use api_types::routes;
use axum::http::StatusCode;
use server::{
    session::Verdict,
    testing::{Client, TestApp},
};
use simcloud::{Fault, Service};
use sqlx::PgPool;

async fn open(app: &TestApp, browser: &Client, project: &str) -> server::testing::TestResponse {
    browser.get(&format!("{}?follow=false", routes::servers(&app.project(project)))).await
}

async fn session(app: &TestApp, browser: &Client) -> std::sync::Arc<server::session::Session> {
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("cookie", browser.cookie_header().parse().expect("a header"));
    let secret = app.app.cookies.secret(&headers, "meridian").expect("a secret");
    app.app.sessions.find(&secret, None).await.expect("a session")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_project_without_a_role_does_not_exist_and_the_session_stays(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("solo");
    for project in ["alpha", "gamma"] {
        open(&app, &browser, project).await.assert_error(StatusCode::NOT_FOUND, "project_not_found");
    }
    let unknown = format!("/api/projects/{}/servers", "f".repeat(32));
    browser.get(&unknown).await.assert_error(StatusCode::NOT_FOUND, "project_not_found");
    open(&app, &browser, "beta").await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refused_project_is_not_asked_for_again_and_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("solo");
    open(&app, &browser, "alpha").await.assert_status(StatusCode::NOT_FOUND);
    app.cloud.admin().reset_calls();
    for _ in 0..5 {
        open(&app, &browser, "alpha").await.assert_status(StatusCode::NOT_FOUND);
    }
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_keystone_that_is_down_ends_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    open(&app, &browser, "beta").await.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
    // The project that is open already goes on.
    open(&app, &browser, "alpha").await.assert_status(StatusCode::OK);
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn many_requests_for_one_project_ask_keystone_once(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().reset_calls();
    let requests = (0..20).map(|_| open(&app, &browser, "beta"));
    for answer in futures_util::future::join_all(requests).await {
        answer.assert_status(StatusCode::OK);
    }
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_service_that_refuses_a_good_token_ends_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let session = session(&app, &browser).await;
    let scope = app.app.scopes.scope(&session, &app.project("alpha")).await.expect("a scope");
    let verdict = app.app.scopes.refresh(&session, &scope).await.expect("a verdict");
    let Verdict::Valid(renewed) = verdict else { panic!("{verdict:?}") };
    assert_ne!(renewed.token, scope.token);
    // Who comes with the old token a moment later is given the new one, and Keystone is left alone.
    app.cloud.admin().reset_calls();
    let verdict = app.app.scopes.refresh(&session, &scope).await.expect("a verdict");
    assert!(matches!(verdict, Verdict::Valid(same) if same.token == renewed.token));
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0);
    assert!(!session.has_ended());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_that_keystone_has_revoked_ends_the_session(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let session = session(&app, &browser).await;
    let scope = app.app.scopes.scope(&session, &app.project("alpha")).await.expect("a scope");
    app.cloud.admin().revoke_tokens_of("alice");

    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    app.app.scopes.refresh(&session, &scope).await.expect_err("nothing is known while Keystone is down");
    assert!(!session.has_ended());

    app.cloud.admin().set_fault("*", Service::Identity, None);
    let mut verdict = None;
    server::testing::until("Keystone's word", async || {
        verdict = app.app.scopes.refresh(&session, &scope).await.ok();
        verdict.is_some()
    })
    .await;
    assert!(matches!(verdict, Some(Verdict::Ended)), "{verdict:?}");
    assert!(session.has_ended());
    browser.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_that_is_not_keystones_verdict_ends_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let session = session(&app, &browser).await;
    let scope = app.app.scopes.scope(&session, &app.project("alpha")).await.expect("a scope");
    for status in [403, 404, 409, 500, 503] {
        app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Status(status)));
        app.app.scopes.refresh(&session, &scope).await.expect_err("no verdict");
        let answer = open(&app, &browser, "beta").await;
        assert!(answer.status.is_server_error(), "{status}: {}", answer.text());
        assert!(!session.has_ended(), "{status}");
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
}
