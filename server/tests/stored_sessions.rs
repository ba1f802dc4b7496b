//! What lies in Postgres is of no use to who reads it.

use api_types::{routes, session::ContinueSession};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use server::testing::{Client, TestApp};
use sha2::{Digest, Sha256};
use simcloud::TEST_PASSWORD;
use sqlx::PgPool;

const NEW_KEY: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const OLD_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[sqlx::test(migrations = "../migrations")]
async fn the_cookie_is_stored_as_its_hash_and_the_tokens_encrypted(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let secret = URL_SAFE_NO_PAD.decode(browser.cookie("meridian").expect("a session")).expect("base64");
    let (hash, sealed): (Vec<u8>, Vec<u8>) =
        sqlx::query_as("SELECT cookie_hash, token FROM sessions").fetch_one(&db).await.expect("a row");
    assert_eq!(hash, Sha256::digest(&secret).to_vec());
    assert_ne!(hash, secret);
    let scope: Vec<u8> =
        sqlx::query_scalar("SELECT scope FROM session_project_tokens").fetch_one(&db).await.expect("a row");
    let calls = app.cloud.admin().calls();
    assert!(!calls.is_empty());
    for stored in [&sealed, &scope] {
        assert_eq!(stored[0], 1, "a version, a key's name, a nonce, a ciphertext");
        assert!(!String::from_utf8_lossy(stored).contains("gAAAA"), "no Fernet token in the clear");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_copied_onto_another_session_opens_nothing(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let (alice, solo) = (app.signed_in("alice"), app.signed_in("solo"));
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    solo.get(routes::SESSION).await.assert_status(StatusCode::OK);
    sqlx::query(
        "UPDATE sessions SET token = (SELECT token FROM sessions WHERE user_name = 'alice') WHERE user_name = 'solo'",
    )
    .execute(&db)
    .await
    .expect("copied");
    let node = app.another_node();
    let there = node.browser();
    there.set_cookie("meridian", &solo.cookie("meridian").expect("a session"));
    there.get(routes::SESSION).await.assert_error(StatusCode::SERVICE_UNAVAILABLE, "session_unreadable");
}

#[sqlx::test(migrations = "../migrations")]
async fn keys_are_rotated_without_signing_anybody_out(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let there = |node: &TestApp| {
        let there = node.browser();
        there.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
        there
    };
    let during = app.restarted(|source| {
        source.with_env("SESSION_KEY", NEW_KEY).with_env("SESSION_PREVIOUS_KEY", OLD_KEY)
    });
    there(&during).get(routes::SESSION).await.assert_status(StatusCode::OK);
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    there(&during).get(&servers).await.assert_status(StatusCode::OK);
    // A page that was open before the change still has the token it was given.
    let token = browser.csrf_token().await;
    let headers = [(routes::CSRF_HEADER, &*token)];
    let answer = there(&during)
        .send(axum::http::Method::DELETE, routes::SESSIONS, &headers, axum::body::Body::empty())
        .await;
    answer.assert_status(StatusCode::NO_CONTENT);
}

/// A node with these keys, on the database and the cloud of the first one.
fn node(app: &TestApp, key: &str, previous: Option<&str>) -> TestApp {
    app.restarted(|source| {
        let source = source.with_env("SESSION_KEY", key);
        match previous {
            Some(previous) => source.with_env("SESSION_PREVIOUS_KEY", previous),
            None => source.without_env("SESSION_PREVIOUS_KEY"),
        }
    })
}

fn follow(browser: &Client, node: &TestApp) -> Client {
    let there = node.browser();
    there.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
    there
}

/// Opens a session here and continues it: with both, the token is sealed with the key of this node.
async fn renewed(node: &TestApp) -> Client {
    let browser = node.signed_in("alice");
    let body = ContinueSession { password: TEST_PASSWORD.to_owned(), totp: None };
    browser.post(routes::SESSION_CONTINUE, &body).await.assert_status(StatusCode::OK);
    browser
}

#[sqlx::test(migrations = "../migrations")]
async fn in_the_documented_order_every_node_reads_what_another_sealed(db: PgPool) {
    let app = TestApp::new(db).await;
    let steps = [(OLD_KEY, None), (OLD_KEY, Some(NEW_KEY)), (NEW_KEY, Some(OLD_KEY)), (NEW_KEY, None)];
    for pair in steps.windows(2).take(2) {
        let [before, after] = [node(&app, pair[0].0, pair[0].1), node(&app, pair[1].0, pair[1].1)];
        for (here, there) in [(&before, &after), (&after, &before)] {
            let browser = renewed(here).await;
            let there = follow(&browser, there);
            there.get(routes::SESSION).await.assert_status(StatusCode::OK);
            // A page from one node, its request to the other.
            let token = browser.csrf_token().await;
            let headers = [(routes::CSRF_HEADER, &*token)];
            let answer = there.send(Method::DELETE, routes::SESSIONS, &headers, Body::empty()).await;
            answer.assert_status(StatusCode::NO_CONTENT);
        }
    }
    // The last step: sessions sealed with the new key go on.
    let browser = renewed(&node(&app, NEW_KEY, Some(OLD_KEY))).await;
    let there = follow(&browser, &node(&app, NEW_KEY, None));
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_without_the_key_says_so_and_ends_nothing(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    for (sealed_with, lacks) in [(NEW_KEY, node(&app, OLD_KEY, None)), (OLD_KEY, node(&app, NEW_KEY, None))] {
        let has = node(&app, sealed_with, None);
        let browser = renewed(&has).await;
        let there = follow(&browser, &lacks);
        let unreadable = (StatusCode::SERVICE_UNAVAILABLE, "session_unreadable");
        there.get(routes::SESSION).await.assert_error(unreadable.0, unreadable.1);
        let token = browser.csrf_token().await;
        let headers = [(routes::CSRF_HEADER, &*token)];
        let answer = there.send(Method::DELETE, routes::SESSIONS, &headers, Body::empty()).await;
        answer.assert_error(unreadable.0, unreadable.1);
        let page = there.get("/account/sessions").await;
        page.assert_status(StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.text().contains("href=\"/sign-in\""), "{}", page.text());
        assert!(there.cookie("meridian").is_some(), "the cookie is not taken away");
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
        follow(&browser, &has).get(routes::SESSION).await.assert_status(StatusCode::OK);
        // Who does not want to wait signs in anew.
        there.sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
        there.get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
}

/// The session held in memory was continued on a node with another key: its token is asked for, and cannot be read.
#[sqlx::test(migrations = "../migrations")]
async fn a_token_that_cannot_be_read_is_no_verdict_of_keystones(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("cookie", browser.cookie_header().parse().expect("a header"));
    let secret = app.app.cookies.secret(&headers, "meridian").expect("a secret");
    let session = app.app.sessions.find(&secret, None).await.expect("a session");
    let scope = app.app.scopes.scope(&session, &app.project("alpha")).await.expect("a scope");
    let there = follow(&browser, &node(&app, NEW_KEY, Some(OLD_KEY)));
    let body = ContinueSession { password: TEST_PASSWORD.to_owned(), totp: None };
    there.post(routes::SESSION_CONTINUE, &body).await.assert_status(StatusCode::OK);
    let error = app.app.scopes.refresh(&session, &scope).await.expect_err("nothing is known");
    assert_eq!(error.code(), "session_unreadable");
    assert!(!session.has_ended());
}
