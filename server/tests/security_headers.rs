//! What browsers are told with every answer.

use api_types::routes;
use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use server::testing::TestApp;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn every_answer_has_them_errors_included(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let project = app.project("alpha");
    let shell = format!("/projects/{project}/servers");
    for path in [
        "/",
        &shell,
        routes::SIGN_IN,
        routes::SESSION,
        "/api/nothing",
        "/nothing",
        "/assets/nothing.js",
        "/%ff",
    ] {
        let answer = browser.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=63072000"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let policy = answer.header("content-security-policy");
        for part in ["default-src", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");
        assert!(answer.header("server").is_empty() && answer.header("x-powered-by").is_empty());
    }
}

/// It is no document: what says what one may do stays away, and its policy allows nothing to whoever shows it as one.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_service_answered_may_do_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let answer = browser.get("/api/cloud/RegionOne/compute/servers?limit=1").await;
    answer.assert_status(StatusCode::OK);
    for (name, value) in [
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=63072000"),
        ("cache-control", "no-store"),
        ("permissions-policy", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let refused = browser.get("/api/cloud/RegionOne/nothing/servers").await;
    assert_eq!(refused.header("x-frame-options"), "DENY", "our own answer");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_panel_may_run_its_own_scripts_and_reach_itself_only(db: PgPool) {
    let app = TestApp::new(db).await;
    let page = app.signed_in("alice").get(&format!("/projects/{}/servers", app.project("alpha"))).await;
    page.assert_status(StatusCode::OK);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
    assert!(policy.contains("style-src 'self';"), "{policy}");
    assert!(policy.contains("connect-src 'self' wss://panel.test;"), "{policy}");
    assert!(policy.contains("object-src 'none'"), "{policy}");
    let text = page.text();
    assert!(
        !text.contains("<style") && !text.contains("style=\"") && !text.contains(" onclick"),
        "nothing inline"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_sign_in_page_allows_its_own_style_by_its_hash_and_no_script(db: PgPool) {
    let app = TestApp::new(db).await;
    let page = app.browser().get(routes::SIGN_IN).await;
    let text = page.text();
    let style =
        text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
    let policy = page.header("content-security-policy");
    assert!(policy.contains(&format!("'sha256-{}'", STANDARD.encode(Sha256::digest(style)))), "{policy}");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
}

#[sqlx::test(migrations = "../migrations")]
async fn answers_that_belong_to_one_person_are_not_kept(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    for path in [routes::SESSION, routes::PROJECTS, routes::SESSIONS] {
        assert_eq!(browser.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(app.browser().get(routes::SIGN_IN).await.header("cache-control"), "no-store");
}
