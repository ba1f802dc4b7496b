//! What lies in Postgres is of no use to who reads it.

use api_types::routes;
use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use server::testing::TestApp;
use sha2::{Digest, Sha256};
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
    there.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
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

    let after = app.restarted(|source| source.with_env("SESSION_KEY", NEW_KEY));
    there(&after).get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}
