//! A session that ends on one node ends on all of them, in moments.

use std::time::Duration;

use api_types::{
    routes,
    session::{SessionList, SessionSummary},
};
use axum::http::StatusCode;
use server::{
    session::hears,
    testing::{Client, DatabaseProxy, TestApp, until},
};
use simcloud::{CloudConfig, TEST_PASSWORD};
use sqlx::PgPool;

/// The same browser at another node.
fn follow(browser: &Client, node: &TestApp) -> Client {
    let there = node.browser();
    there.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
    there
}

async fn two_nodes(db: PgPool) -> (TestApp, TestApp) {
    let one = TestApp::new(db).await;
    let other = one.another_node();
    until("both nodes to listen", async || hears(&one.app.sessions) && hears(&other.app.sessions)).await;
    (one, other)
}

#[sqlx::test(migrations = "../migrations")]
async fn any_node_serves_any_session(db: PgPool) {
    let (one, other) = two_nodes(db).await;
    let browser = one.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    one.cloud.admin().reset_calls();
    let there = follow(&browser, &other);
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let servers = format!("{}?follow=false", routes::servers(&one.project("alpha")));
    there.get(&servers).await.assert_status(StatusCode::OK);
    // The node asks whether it has met an operator, and for no token.
    let calls = one.cloud.admin().calls();
    let asked = calls.iter().filter(|call| call.path_and_query.contains("/auth/tokens")).count();
    assert_eq!(asked, 0, "the project's token was in Postgres");
    // Its token against forged requests is the same on both.
    assert_eq!(browser.csrf_token().await, there.csrf_token().await);
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_here_ends_the_session_there(db: PgPool) {
    let (one, other) = two_nodes(db).await;
    let browser = one.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let there = follow(&browser, &other);
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    until("the other node to hear of it", async || {
        there.get(routes::SESSION).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_holds_the_session_hears_of_its_end(db: PgPool) {
    let (one, other) = two_nodes(db.clone()).await;
    let browser = one.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let there = follow(&browser, &other);
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let cookie = one.app.cookies.name("meridian");
    let header = format!("{cookie}={}", browser.cookie("meridian").expect("a session"));
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("cookie", header.parse().expect("a header"));
    let secret = other.app.cookies.secret(&headers, "meridian").expect("a secret");
    let held = other.app.sessions.find(&secret, None).await.expect("a session");
    assert!(!held.has_ended());
    // By hand, as an operator would.
    sqlx::query("DELETE FROM sessions").execute(&db).await.expect("deleted");
    tokio::time::timeout(Duration::from_secs(5), held.ended()).await.expect("it ends within seconds");
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_everywhere_ends_the_others_and_keeps_this_one(db: PgPool) {
    let (one, other) = two_nodes(db).await;
    let (desk, phone) = (one.signed_in("alice"), other.signed_in("alice"));
    let stranger = other.signed_in("solo");
    for browser in [&desk, &phone, &stranger] {
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
    desk.delete(routes::SESSIONS).await.assert_status(StatusCode::NO_CONTENT);
    until("the phone to be out", async || {
        phone.get(routes::SESSION).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    desk.get(routes::SESSION).await.assert_status(StatusCode::OK);
    stranger.get(routes::SESSION).await.assert_status(StatusCode::OK);
    desk.delete(&format!("{}?include_current=true", routes::SESSIONS))
        .await
        .assert_status(StatusCode::NO_CONTENT);
    assert!(desk.cookie("meridian").is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn one_session_is_revoked_by_its_name_in_the_list(db: PgPool) {
    let (one, other) = two_nodes(db).await;
    let (desk, phone) = (one.signed_in("alice"), other.signed_in("alice"));
    phone.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let list: SessionList = desk.get(routes::SESSIONS).await.json();
    assert_eq!(list.items.len(), 2);
    let lost: &SessionSummary = list.items.iter().find(|session| !session.is_current).expect("the phone");
    desk.delete(&routes::session_by_id(&lost.id)).await.assert_status(StatusCode::NO_CONTENT);
    until("the phone to be out", async || {
        phone.get(routes::SESSION).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_hears_nothing_reads_sessions_again_soon(db: PgPool) {
    let one = TestApp::new(db.clone()).await;
    let proxy = DatabaseProxy::start(&db).await;
    let deaf = TestApp::with(proxy.pool(), CloudConfig::default(), |source| {
        source.with_env("OS_AUTH_URL", &one.cloud.keystone_url()).with_env("SESSION_CACHE_DEAF_SECS", "3")
    })
    .await;
    let browser = one.browser();
    browser.sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
    until("the node to listen", async || hears(&deaf.app.sessions)).await;
    let there = follow(&browser, &deaf);
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
    proxy.refuse();
    until("the node to be deaf", async || !hears(&deaf.app.sessions)).await;
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
    proxy.pass();
    // Three seconds on, the session in memory is too old to be believed, heard or not.
    deaf.clock.advance(Duration::from_secs(3));
    until("the node to read it again", async || {
        there.get(routes::SESSION).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_ended_unheard_is_found_by_asking(db: PgPool) {
    let (one, _other) = two_nodes(db.clone()).await;
    let browser = one.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    sqlx::query("ALTER TABLE sessions DISABLE TRIGGER announce_ended_session")
        .execute(&db)
        .await
        .expect("silenced");
    sqlx::query("DELETE FROM sessions").execute(&db).await.expect("deleted");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    one.app.sessions.confirm_known().await.expect("asked");
    browser.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}
