//! The cookie before the present one works for half a minute, then never again, and harms nobody.

use std::time::Duration;

use api_types::{routes, session::ContinueSession};
use axum::http::StatusCode;
use server::{
    session::hears,
    testing::{Client, TestApp, until},
};
use simcloud::TEST_PASSWORD;
use sqlx::PgPool;

/// A browser at this node with this cookie.
fn with_cookie(node: &TestApp, cookie: &str) -> Client {
    let browser = node.browser();
    browser.set_cookie("meridian", cookie);
    browser
}

/// Two nodes that both know a session by its cookie, which is then replaced: the old one and the new one.
async fn replaced(db: PgPool) -> (TestApp, TestApp, String, String) {
    let one = TestApp::new(db).await;
    let other = one.another_node();
    until("both nodes to listen", async || hears(&one.app.sessions) && hears(&other.app.sessions)).await;
    let browser = one.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let old = browser.cookie("meridian").expect("a session");
    with_cookie(&other, &old).get(routes::SESSION).await.assert_status(StatusCode::OK);
    let body = ContinueSession { password: TEST_PASSWORD.to_owned(), totp: None };
    browser.post(routes::SESSION_CONTINUE, &body).await.assert_status(StatusCode::OK);
    let new = browser.cookie("meridian").expect("a session");
    assert_ne!(old, new);
    (one, other, old, new)
}

#[sqlx::test(migrations = "../migrations")]
async fn it_is_over_after_half_a_minute_on_every_node_that_knew_it(db: PgPool) {
    let (one, other, old, new) = replaced(db).await;
    for node in [&one, &other] {
        with_cookie(node, &old).get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
    one.clock.advance(Duration::from_secs(31));
    with_cookie(&one, &old)
        .get(routes::SESSION)
        .await
        .assert_error(StatusCode::UNAUTHORIZED, "session_ended");
    // In memory a session is good for a minute: the other node has to have heard that the cookie changed.
    until("the other node to hear of the new cookie", async || {
        with_cookie(&other, &old).get(routes::SESSION).await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    for node in [&one, &other] {
        with_cookie(node, &new).get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn sent_again_later_it_ends_nobodys_session(db: PgPool) {
    let (one, other, old, new) = replaced(db.clone()).await;
    // As if the other node had heard nothing: it still believes the old cookie until it asks.
    one.clock.advance(Duration::from_secs(61));
    for node in [&one, &other] {
        let session = node.app.sessions.clone();
        let held = session.find(&secret(node, &new), None).await.expect("the session goes on");
        with_cookie(node, &old)
            .get(routes::SESSION)
            .await
            .assert_error(StatusCode::UNAUTHORIZED, "session_ended");
        assert!(!held.has_ended(), "who holds the session goes on");
        with_cookie(node, &new).get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
    // A node that knows the session by its old cookie only.
    let body = ContinueSession { password: TEST_PASSWORD.to_owned(), totp: None };
    let third = one.another_node();
    with_cookie(&third, &new).get(routes::SESSION).await.assert_status(StatusCode::OK);
    let browser = with_cookie(&one, &new);
    browser.post(routes::SESSION_CONTINUE, &body).await.assert_status(StatusCode::OK);
    one.clock.advance(Duration::from_secs(61));
    with_cookie(&third, &new).get(routes::SESSION).await.assert_status(StatusCode::UNAUTHORIZED);
    let newest = browser.cookie("meridian").expect("a session");
    with_cookie(&third, &newest).get(routes::SESSION).await.assert_status(StatusCode::OK);
}

fn secret(node: &TestApp, cookie: &str) -> server::session::CookieSecret {
    let header = format!("{}={cookie}", node.app.cookies.name("meridian"));
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("cookie", header.parse().expect("a header"));
    node.app.cookies.secret(&headers, "meridian").expect("a secret")
}
