//! The cookie: how it is set, and that neither a planted nor a made-up nor an old one is worth anything.

use std::time::Duration;

use api_types::routes;
use axum::http::StatusCode;
use server::{config::Source, secret::Secret, testing::TestApp};
use simcloud::{CallRecord, CloudConfig, Fault, Service, TEST_PASSWORD};
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn over_https_it_is_host_bound_secure_and_hidden_from_scripts(db: PgPool) {
    let app = TestApp::new(db).await;
    let answer = app.browser().sign_in("alice", TEST_PASSWORD).await;
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    let session =
        cookies.iter().find(|cookie| cookie.starts_with("__Host-meridian=")).expect("a session cookie");
    for attribute in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
    let value = session.split(['=', ';']).nth(1).expect("a value");
    assert_eq!(value.len(), 43, "256 bits in base64");
}

#[sqlx::test(migrations = "../migrations")]
async fn over_plain_http_on_this_machine_it_has_neither_prefix_nor_secure(db: PgPool) {
    let app =
        TestApp::new(db).await.restarted(|source| source.with_env("PUBLIC_URL", "http://127.0.0.1:8080"));
    let answer = app.browser().sign_in("alice", TEST_PASSWORD).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("meridian=") && !cookie.contains("Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_in_always_gives_a_new_one_and_ends_the_session_before(db: PgPool) {
    let app = TestApp::new(db).await;
    let planted = "A".repeat(43);
    let victim = app.browser();
    victim.set_cookie("meridian", &planted);
    // A form that was open in another tab meanwhile.
    let form = victim.get(routes::SIGN_IN).await.hidden("form_token");
    let form_cookie = victim.cookie("meridian-form").expect("the form's own cookie");
    victim.sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
    let first = victim.cookie("meridian").expect("a session");
    assert_ne!(first, planted);
    let attacker = app.browser();
    attacker.set_cookie("meridian", &planted);
    attacker.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");

    victim.set_cookie("meridian-form", &form_cookie);
    let fields = [("form_token", &*form), ("user", "solo"), ("password", TEST_PASSWORD)];
    victim.post_form(routes::SIGN_IN, &fields).await.assert_status(StatusCode::SEE_OTHER);
    assert_ne!(victim.cookie("meridian"), Some(first.clone()));
    attacker.set_cookie("meridian", &first);
    attacker.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn after_signing_out_a_copy_of_it_is_worth_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let thief = app.browser();
    thief.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
    thief.get(routes::SESSION).await.assert_status(StatusCode::OK);
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    assert!(browser.cookie("meridian").is_none(), "it is taken back");
    thief.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn made_up_ones_open_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    for cookie in
        ["", "x", &"A".repeat(43), &"B".repeat(44), &"=".repeat(43), "../../etc/passwd", &"A".repeat(4000)]
    {
        browser.set_cookie("meridian", cookie);
        browser.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
        browser.get("/account/sessions").await.assert_status(StatusCode::SEE_OTHER);
    }
}

/// Tokens that Keystone was told are over.
fn revoked(app: &TestApp) -> usize {
    let is_revocation =
        |call: &CallRecord| call.method == "DELETE" && call.path_and_query.contains("/auth/tokens");
    app.cloud.admin().calls().iter().filter(|call| is_revocation(call)).count()
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_revokes_the_tokens_at_keystone_once_nothing_is_made_with_them(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    server::testing::until("both tokens to be kept", async || {
        let kept = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM given_up_tokens");
        kept.fetch_one(&db).await.is_ok_and(|kept| kept == 2)
    })
    .await;
    app.clock.advance(Duration::from_secs(599));
    assert_eq!(app.app.given_up.revoke_due().await.expect("a database"), 0);
    assert_eq!(revoked(&app), 0, "a server may still be being built with them");
    app.clock.advance(Duration::from_secs(1));
    // Another node does as well: the one that took them may be gone.
    assert_eq!(app.another_node().app.given_up.revoke_due().await.expect("a database"), 2);
    assert_eq!(revoked(&app), 2);
    assert_eq!(app.app.given_up.revoke_due().await.expect("a database"), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn tokens_that_keystone_cannot_be_told_of_are_tried_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.app.given_up.keep(&[Secret::new("gAAAA-one".to_owned())]).await.expect("a database");
    app.clock.advance(Duration::from_secs(600));
    let keystone = app.cloud.admin();
    keystone.set_fault("*", Service::Identity, Some(Fault::Refuse));
    assert_eq!(app.app.given_up.revoke_due().await.expect("a database"), 0);
    keystone.set_fault("*", Service::Identity, None);
    assert_eq!(app.app.given_up.revoke_due().await.expect("a database"), 0, "not at once again");
    app.clock.advance(Duration::from_secs(180));
    assert_eq!(app.app.given_up.revoke_due().await.expect("a database"), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_revokes_the_tokens_at_once_where_it_is_configured_so(db: PgPool) {
    let configure = |source: Source| source.with_env("SESSION_REVOKE_AFTER_SECS", "0");
    let app = TestApp::with(db, CloudConfig::default(), configure).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    server::testing::until("both tokens to be revoked", async || revoked(&app) == 2).await;
}
