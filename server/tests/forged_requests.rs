//! Another site cannot act with a person's cookie.

use api_types::routes::{self, CSRF_HEADER};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use server::testing::TestApp;
use simcloud::TEST_PASSWORD;
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn a_state_change_needs_the_sessions_token(db: PgPool) {
    let app = TestApp::new(db).await;
    let (alice, solo) = (app.signed_in("alice"), app.signed_in("solo"));
    let others = solo.csrf_token().await;
    for token in ["", "x", &others] {
        let answer =
            alice.send(Method::DELETE, routes::SESSIONS, &[(CSRF_HEADER, token)], Body::empty()).await;
        answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    }
    let answer = alice.send(Method::DELETE, routes::SESSIONS, &[], Body::empty()).await;
    answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    alice.delete(routes::SESSIONS).await.assert_status(StatusCode::NO_CONTENT);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_state_change_from_another_origin_is_refused_even_with_the_token(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    let token = alice.csrf_token().await;
    let foreign = [
        "https://evil.example",
        "http://panel.test",
        "https://panel.test:8443",
        "https://panel.test.evil.example",
        "null",
        "",
    ];
    for origin in foreign {
        let headers = [(CSRF_HEADER, &*token), ("origin", origin)];
        let answer = alice.send(Method::DELETE, routes::SESSIONS, &headers, Body::empty()).await;
        answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    }
    for site in ["cross-site", "same-site"] {
        let headers = [(CSRF_HEADER, &*token), ("sec-fetch-site", site)];
        let answer = alice.send(Method::DELETE, routes::SESSIONS, &headers, Body::empty()).await;
        answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_api_is_not_read_by_other_sites_either(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let answer = alice.get_with(routes::SESSION, &[("sec-fetch-site", "cross-site")]).await;
    answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    assert!(answer.header("access-control-allow-origin").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_websocket_needs_our_own_origin(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let live = routes::servers_live(&app.project("alpha"));
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    alice.get_with(&live, &upgrade).await.assert_error(StatusCode::FORBIDDEN, "forged_request");
    for origin in ["https://evil.example", "null"] {
        let headers: Vec<_> = upgrade.iter().copied().chain([("origin", origin)]).collect();
        alice.get_with(&live, &headers).await.assert_error(StatusCode::FORBIDDEN, "forged_request");
    }
    let headers: Vec<_> = upgrade.iter().copied().chain([("origin", alice.origin())]).collect();
    // Without a connection below it the upgrade itself cannot happen here; it is no longer called forged.
    assert_ne!(alice.get_with(&live, &headers).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_form_must_come_back_from_the_browser_it_was_given_to(db: PgPool) {
    let app = TestApp::new(db).await;
    let (attacker, victim) = (app.browser(), app.browser());
    let theirs = attacker.get(routes::SIGN_IN).await.hidden("form_token");
    victim.get(routes::SIGN_IN).await.assert_status(StatusCode::OK);
    let fields = |token: &str| {
        [
            ("form_token", token.to_owned()),
            ("user", "alice".to_owned()),
            ("password", TEST_PASSWORD.to_owned()),
        ]
    };
    for token in ["", "x", &theirs] {
        let fields = fields(token);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = victim.post_form(routes::SIGN_IN, &fields).await;
        page.assert_status(StatusCode::FORBIDDEN);
        assert!(page.text().contains("did not send back the cookie"), "{}", page.text());
        assert!(victim.cookie("meridian").is_none());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_by_a_forged_form_does_not_work(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    alice.post_form(routes::SIGN_OUT, &[]).await.assert_status(StatusCode::FORBIDDEN);
    alice.post_form(routes::SIGN_OUT, &[("csrf_token", "x")]).await.assert_status(StatusCode::FORBIDDEN);
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let token = alice.csrf_token().await;
    let answer = alice.post_form(routes::SIGN_OUT, &[("csrf_token", &token)]).await;
    answer.assert_status(StatusCode::SEE_OTHER);
    alice.get(routes::SIGN_OUT).await.assert_status(StatusCode::METHOD_NOT_ALLOWED);
}

#[sqlx::test(migrations = "../migrations")]
async fn on_this_machine_every_name_of_it_is_our_own(db: PgPool) {
    let app =
        TestApp::new(db).await.restarted(|source| source.with_env("PUBLIC_URL", "http://127.0.0.1:8080"));
    let browser = app.browser();
    let form = browser.get(routes::SIGN_IN).await.hidden("form_token");
    let body = format!("form_token={form}&user=alice&password={TEST_PASSWORD}");
    let sign_in = async |origin: &str, host: &str| {
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("origin", origin), ("host", host)];
        browser.send(Method::POST, routes::SIGN_IN, &headers, body.clone().into()).await.status
    };
    assert_eq!(sign_in("http://evil.example", "evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(sign_in("http://localhost:9000", "127.0.0.1:9000").await, StatusCode::FORBIDDEN);
    assert_eq!(sign_in("http://localhost:9000", "localhost:9000").await, StatusCode::SEE_OTHER);
}
