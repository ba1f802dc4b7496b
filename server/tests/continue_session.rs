//! The password again, and the session goes on with a new token.

use std::time::Duration;

use api_types::{
    routes,
    session::{ContinueSession, CurrentSession},
};
use axum::http::StatusCode;
use server::testing::{TestApp, until};
use simcloud::{CloudConfig, Fault, Service, TEST_PASSWORD};
use sqlx::PgPool;

fn body(password: &str, totp: Option<&str>) -> ContinueSession {
    ContinueSession { password: password.to_owned(), totp: totp.map(str::to_owned) }
}

async fn app(db: PgPool) -> TestApp {
    let cloud = CloudConfig { token_lifetime: Duration::from_secs(600), ..CloudConfig::default() };
    TestApp::with(db, cloud, |source| source).await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_right_password_brings_a_new_token_and_a_new_cookie_for_the_same_session(db: PgPool) {
    let app = app(db).await;
    let browser = app.signed_in("alice");
    let before: CurrentSession = browser.get(routes::SESSION).await.json();
    let old_cookie = browser.cookie("meridian").expect("a session");
    app.cloud.admin().advance(Duration::from_secs(500));
    app.clock.advance(Duration::from_secs(500));
    let after: CurrentSession = {
        let answer = browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, None)).await;
        answer.assert_status(StatusCode::OK);
        answer.json()
    };
    assert!(after.token_expires_in_secs > 550, "{}", after.token_expires_in_secs);
    assert_eq!(after.user, before.user);
    assert_eq!(after.csrf_token, before.csrf_token, "the page in another tab goes on working");
    assert_ne!(browser.cookie("meridian"), Some(old_cookie.clone()));

    // What was under way with the old cookie still arrives; half a minute later it is worth nothing.
    let late = app.another_node();
    let late = late.browser();
    late.set_cookie("meridian", &old_cookie);
    late.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.clock.advance(Duration::from_secs(61));
    let later = app.another_node();
    let later = later.browser();
    later.set_cookie("meridian", &old_cookie);
    later.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");

    // The new token is the one that is used.
    app.cloud.admin().advance(Duration::from_secs(200));
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    browser.get(&servers).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn it_works_after_the_token_has_expired_as_well(db: PgPool) {
    let app = app(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().advance(Duration::from_secs(700));
    app.clock.advance(Duration::from_secs(700));
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    browser.get(&servers).await.assert_error(StatusCode::UNAUTHORIZED, "token_expired");
    browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, None)).await.assert_status(StatusCode::OK);
    browser.get(&servers).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_password_is_refused_counted_and_leaves_the_session(db: PgPool) {
    let app = app(db).await.restarted(|source| source.with_env("SIGN_IN_LOCKOUT_USER_FAILURES", "2"));
    let browser = app.signed_in("alice");
    for _ in 0..2 {
        let answer = browser.post(routes::SESSION_CONTINUE, &body("wrong", None)).await;
        answer.assert_error(StatusCode::FORBIDDEN, "wrong_credentials");
    }
    let answer = browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, None)).await;
    let error = answer.assert_error(StatusCode::TOO_MANY_REQUESTS, "locked_out");
    assert_eq!(error.retry_after_secs, Some(900));
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_with_a_second_factor_needs_it_again(db: PgPool) {
    let app = app(db).await;
    let browser = app.browser();
    browser.sign_in("mfa", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
    let form = browser.get(routes::SIGN_IN_TOTP).await;
    let code = app.cloud.admin().totp_code("mfa");
    let fields = [("form_token", &*form.hidden("form_token")), ("code", &*code)];
    browser.post_form(routes::SIGN_IN_TOTP, &fields).await.assert_status(StatusCode::SEE_OTHER);

    // Keystone takes a code once; the next one comes half a minute later.
    app.cloud.admin().advance(Duration::from_secs(60));
    let answer = browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, None)).await;
    answer.assert_error(StatusCode::FORBIDDEN, "second_factor_needed");
    let answer = browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, Some("000000"))).await;
    answer.assert_error(StatusCode::FORBIDDEN, "wrong_credentials");
    let code = app.cloud.admin().totp_code("mfa");
    let answer = browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, Some(&code))).await;
    answer.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_keystone_that_is_down_leaves_the_session_and_counts_nothing(db: PgPool) {
    let app = app(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    let answer = browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, None)).await;
    answer.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
    app.cloud.admin().set_fault("*", Service::Identity, None);
    until("Keystone to be asked again", async || {
        browser.post(routes::SESSION_CONTINUE, &body(TEST_PASSWORD, None)).await.status == StatusCode::OK
    })
    .await;
}
