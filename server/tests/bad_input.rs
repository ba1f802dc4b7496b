//! Oversized, malformed, non-UTF-8 and wrongly typed requests: 4xx, a sentence, a stable code, the request's id.

use api_types::routes::{self, CSRF_HEADER};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use server::testing::TestApp;
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn every_kind_of_bad_request_to_the_api_has_its_answer(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let token = browser.csrf_token().await;
    let json = ("content-type", "application/json");
    let csrf = (CSRF_HEADER, &*token);
    let long_path = format!("/api/projects?search={}", "a".repeat(9_000));
    let long_value = "a".repeat(40_000);
    let long_body = format!("{{\"password\":\"{}\"}}", "a".repeat(70_000));
    let project = app.project("alpha");
    let continue_with = |body: &str| (Method::POST, routes::SESSION_CONTINUE, body.to_owned());

    let cases: Vec<(Method, &str, Vec<u8>, Vec<(&str, &str)>, u16, &str)> = vec![
        (Method::GET, "/api/nothing", vec![], vec![], 404, "not_found"),
        (Method::POST, routes::SESSION, vec![], vec![csrf], 405, "method_not_allowed"),
        (Method::GET, &long_path, vec![], vec![], 414, "uri_too_long"),
        (Method::GET, routes::SESSION, vec![], vec![("x-large", &long_value)], 431, "headers_too_large"),
        (Method::GET, "/api/projects/%ff/servers", vec![], vec![], 400, "not_utf8"),
        (Method::GET, "/api/projects?search=%C3%28", vec![], vec![], 400, "not_utf8"),
        (Method::GET, "/api/projects?limit=-1", vec![], vec![], 400, "bad_request"),
        (Method::GET, "/api/projects?limit=99999999999999999999999", vec![], vec![], 400, "bad_request"),
        (Method::GET, "/api/projects/a%20b/servers", vec![], vec![], 400, "invalid_project_id"),
        (Method::GET, "/api/projects/%2e%2e/servers", vec![], vec![], 400, "invalid_project_id"),
        (Method::DELETE, "/api/sessions/1", vec![], vec![csrf], 400, "bad_request"),
        (Method::DELETE, "/api/sessions?include_current=maybe", vec![], vec![csrf], 400, "bad_request"),
        (Method::POST, routes::SESSION_CONTINUE, vec![], vec![csrf, json], 400, "bad_request"),
        (Method::POST, routes::SESSION_CONTINUE, b"{".to_vec(), vec![csrf, json], 400, "bad_request"),
        (
            Method::POST,
            routes::SESSION_CONTINUE,
            b"{\"password\":\"\xff\"}".to_vec(),
            vec![csrf, json],
            400,
            "bad_request",
        ),
        (
            Method::POST,
            routes::SESSION_CONTINUE,
            b"{\"password\":1}".to_vec(),
            vec![csrf, json],
            422,
            "invalid_body",
        ),
        (Method::POST, routes::SESSION_CONTINUE, b"[]".to_vec(), vec![csrf, json], 422, "invalid_body"),
        (Method::POST, routes::SESSION_CONTINUE, b"{}".to_vec(), vec![csrf, json], 422, "invalid_body"),
        (
            Method::POST,
            routes::SESSION_CONTINUE,
            b"password=x".to_vec(),
            vec![csrf],
            415,
            "unsupported_media_type",
        ),
        (
            Method::POST,
            routes::SESSION_CONTINUE,
            long_body.clone().into_bytes(),
            vec![csrf, json],
            413,
            "body_too_large",
        ),
    ];
    for (method, path, body, headers, status, code) in cases {
        let what = format!("{method} {}", path.chars().take(60).collect::<String>());
        let answer = browser.send(method, path, &headers, body.into()).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        answer.assert_error(StatusCode::from_u16(status).expect("a status"), code);
    }
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let (method, path, body) = continue_with(&format!("{{\"password\":{deep}}}"));
    let answer = browser.send(method, path, &[csrf, json], body.into()).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    browser
        .get(&routes::servers(&project).replace("servers", "nothing"))
        .await
        .assert_error(StatusCode::NOT_FOUND, "not_found");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_sent_is_not_repeated_in_the_answer(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let token = browser.csrf_token().await;
    let headers = [(CSRF_HEADER, &*token), ("content-type", "application/json")];
    let body = r#"{"password": ["hunter2"]}"#;
    let answer = browser.send(Method::POST, routes::SESSION_CONTINUE, &headers, body.into()).await;
    assert!(answer.status.is_client_error());
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_answer_with_a_page(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    for (path, status) in [
        ("/nothing", StatusCode::NOT_FOUND),
        ("/<script>", StatusCode::NOT_FOUND),
        ("/projects/a%20b/servers", StatusCode::BAD_REQUEST),
        ("/%ff", StatusCode::BAD_REQUEST),
        ("/assets/nothing-0123456789abcdef.js", StatusCode::NOT_FOUND),
    ] {
        // What no URI can hold never gets this far.
        if path.contains('<') {
            continue;
        }
        let page = browser.get(path).await;
        page.assert_status(status);
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}: {}",
            page.header("content-type")
        );
        assert!(page.text().contains(page.header("x-request-id")), "{path}: {}", page.text());
    }
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    for body in [&b"user=%ff&password=%fe"[..], b"\xff\xfe", b"%", b"user=a&user=b"] {
        let page = browser.send(Method::POST, routes::SIGN_IN, &headers, Body::from(body)).await;
        assert!(page.status.is_client_error(), "{body:?}: {}", page.status);
        assert!(page.header("content-type").starts_with("text/html"), "{body:?}");
    }
    let page = browser
        .send(Method::POST, routes::SIGN_IN, &[("content-type", "application/json")], "{}".into())
        .await;
    page.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_request_id_from_outside_is_not_taken_over(db: PgPool) {
    let app = TestApp::new(db).await;
    let answer = app.browser().get_with("/api/nothing", &[("x-request-id", "req-mine")]).await;
    assert_ne!(answer.header("x-request-id"), "req-mine");
    assert!(answer.header("x-request-id").starts_with("req-"));
}
