//! Sessions end: unused for too long, or too old; and their rows go.

use std::time::Duration;

use api_types::{routes, session::CurrentSession};
use axum::http::StatusCode;
use server::{
    session::{delete_expired, write_uses_once},
    testing::TestApp,
};
use simcloud::CloudConfig;
use sqlx::PgPool;

async fn app(db: PgPool) -> TestApp {
    let cloud = CloudConfig { token_lifetime: Duration::from_secs(86_400), ..CloudConfig::default() };
    TestApp::with(db, cloud, |source| {
        source.with_env("SESSION_IDLE_SECS", "1800").with_env("SESSION_ABSOLUTE_SECS", "36000")
    })
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_that_is_used_goes_on_and_one_that_is_not_ends(db: PgPool) {
    let app = app(db).await;
    let browser = app.signed_in("alice");
    for _ in 0..3 {
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
        app.clock.advance(Duration::from_secs(1700));
    }
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.clock.advance(Duration::from_secs(1801));
    browser.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
    app.clock.advance(Duration::from_secs(1));
    browser.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn use_on_one_node_keeps_the_session_alive_on_the_others(db: PgPool) {
    let app = app(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let other = app.another_node();
    let there = other.browser();
    there.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(1200));
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
        write_uses_once(&app.app.sessions).await;
    }
    there.get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_ends_at_its_absolute_limit_however_much_it_is_used(db: PgPool) {
    let app = app(db).await;
    let browser = app.signed_in("alice");
    for _ in 0..24 {
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
        app.clock.advance(Duration::from_secs(1500));
    }
    browser.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn uses_are_written_down_once_a_minute_and_together(db: PgPool) {
    let app = app(db.clone()).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let seen = async || {
        let at: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("SELECT last_seen_at FROM sessions").fetch_one(&db).await.expect("a row");
        at
    };
    let at_sign_in = seen().await;
    app.clock.advance(Duration::from_secs(30));
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    write_uses_once(&app.app.sessions).await;
    assert_eq!(seen().await, at_sign_in, "less than a minute later nothing is written");
    app.clock.advance(Duration::from_secs(31));
    browser.at("198.51.100.9").get(routes::SESSION).await.assert_status(StatusCode::OK);
    assert_eq!(seen().await, at_sign_in, "and never by the request itself");
    write_uses_once(&app.app.sessions).await;
    assert!((seen().await - at_sign_in).num_seconds() >= 61);
    let address: String =
        sqlx::query_scalar("SELECT address FROM sessions").fetch_one(&db).await.expect("a row");
    assert_eq!(address, "198.51.100.9");
}

#[sqlx::test(migrations = "../migrations")]
async fn expired_rows_are_deleted_in_batches_and_live_ones_stay(db: PgPool) {
    let app = app(db.clone()).await;
    sqlx::query(
        "INSERT INTO sessions (id, cookie_hash, user_id, user_name, domain_id, domain_name, token, token_expires_at,
            needs_totp, created_at, last_seen_at, expires_at, address, browser)
        SELECT gen_random_uuid(), sha256(n::text::bytea), 'u', 'u', 'd', 'd', '', now(), false, now(),
            now() - interval '1 hour', now() + interval '1 hour', '', ''
        FROM generate_series(1, 450) AS n",
    )
    .execute(&db)
    .await
    .expect("old sessions");
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    assert_eq!(delete_expired(&app.app.sessions).await.expect("deleted"), 450);
    assert_eq!(delete_expired(&app.app.sessions).await.expect("deleted"), 0);
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn expired_project_tokens_of_a_living_session_are_deleted_and_good_ones_stay(db: PgPool) {
    let app = app(db.clone()).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    sqlx::query(
        "INSERT INTO session_project_tokens (session_id, project_id, scope, expires_at)
        SELECT sessions.id, 'old-' || n, '', now() - interval '1 minute'
        FROM sessions, generate_series(1, 450) AS n",
    )
    .execute(&db)
    .await
    .expect("old tokens");
    delete_expired(&app.app.sessions).await.expect("deleted");
    let left: Vec<String> = sqlx::query_scalar("SELECT project_id FROM session_project_tokens")
        .fetch_all(&db)
        .await
        .expect("rows");
    assert_eq!(left, [app.project("alpha").to_string()]);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_project_of_a_user_who_no_longer_comes_is_forgotten(db: PgPool) {
    let app = app(db.clone()).await;
    sqlx::query(
        "INSERT INTO last_projects (user_id, project_id, used_at)
        SELECT 'user-' || n, 'p', now() - n * interval '1 day' FROM generate_series(1, 450) AS n",
    )
    .execute(&db)
    .await
    .expect("last projects");
    delete_expired(&app.app.sessions).await.expect("deleted");
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM last_projects").fetch_one(&db).await.expect("a count");
    assert_eq!(left, 179);
    // Who comes is noted anew, in the same project too.
    let browser = app.signed_in("alice");
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    browser.get(&servers).await.assert_status(StatusCode::OK);
    server::testing::until("the project to be noted", async || {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM last_projects").fetch_one(&db).await.ok()
            == Some(180)
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_outlives_its_token_and_says_so(db: PgPool) {
    let cloud = CloudConfig { token_lifetime: Duration::from_secs(600), ..CloudConfig::default() };
    let app = TestApp::with(db, cloud, |source| source).await;
    let browser = app.signed_in("alice");
    let session: CurrentSession = browser.get(routes::SESSION).await.json();
    assert!(session.token_expires_in_secs > 590 && session.warn_before_expiry_secs == 300);
    app.clock.advance(Duration::from_secs(601));
    let session: CurrentSession = browser.get(routes::SESSION).await.json();
    assert!(session.token_expires_in_secs < 0);
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    browser.get(&servers).await.assert_error(StatusCode::UNAUTHORIZED, "token_expired");
    // A page that is opened afresh has nothing to keep: it begins with the sign-in page.
    browser.get("/account/sessions").await.assert_status(StatusCode::SEE_OTHER);
}
