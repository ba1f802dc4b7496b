//! The page that lists my sessions.

use api_types::{routes, session::SessionList};
use axum::http::StatusCode;
use server::testing::TestApp;
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn my_sessions_are_listed_with_address_and_browser_and_nobody_elses(db: PgPool) {
    let app = TestApp::new(db).await;
    let phone = app.signed_in("alice").at("2001:db8::7");
    phone.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.signed_in("solo").get(routes::SESSION).await.assert_status(StatusCode::OK);
    let desk = app.signed_in("alice");
    let list: SessionList = desk.get(routes::SESSIONS).await.json();
    assert_eq!(list.items.len(), 2);
    assert!(list.items[0].is_current && !list.items[1].is_current, "the newest first");
    assert_eq!(
        (list.items[0].address.as_str(), list.items[1].address.as_str()),
        ("192.0.2.1", "2001:db8::7")
    );
    assert_eq!(list.items[0].browser, "Unknown browser");
    assert!(list.items[0].created_at >= list.items[1].created_at);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_list_shows_signs_nobody_in(db: PgPool) {
    let app = TestApp::new(db).await;
    let desk = app.signed_in("alice");
    let list: SessionList = desk.get(routes::SESSIONS).await.json();
    let thief = app.browser();
    thief.set_cookie("meridian", &list.items[0].id);
    thief.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
    assert!(!desk.get(routes::SESSIONS).await.text().contains(&desk.cookie("meridian").expect("a session")));
}

#[sqlx::test(migrations = "../migrations")]
async fn somebody_elses_session_cannot_be_ended(db: PgPool) {
    let app = TestApp::new(db).await;
    let (alice, solo) = (app.signed_in("alice"), app.signed_in("solo"));
    let list: SessionList = alice.get(routes::SESSIONS).await.json();
    let path = routes::session_by_id(&list.items[0].id);
    solo.delete(&path).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    solo.delete(&routes::session_by_id("not-an-id"))
        .await
        .assert_error(StatusCode::BAD_REQUEST, "bad_request");
    alice.delete(&path).await.assert_status(StatusCode::NO_CONTENT);
    assert!(alice.cookie("meridian").is_none(), "its own cookie goes with it");
}
