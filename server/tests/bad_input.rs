//! Oversized, malformed, non-UTF-8 and wrongly typed requests: 4xx, a sentence, a stable code, the request's id.

use api_types::routes::{self, CSRF_HEADER};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use server::testing::TestApp;
use sqlx::PgPool;

/// One bad request: what is sent, and what comes back.
struct Case<'a> {
    method: Method,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Vec<u8>,
    answer: (u16, &'a str),
}

#[sqlx::test(migrations = "../migrations")]
async fn every_kind_of_bad_request_to_the_api_has_its_answer(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let token = browser.csrf_token().await;
    let csrf = (CSRF_HEADER, token.as_str());
    let json = ("content-type", "application/json");
    let long_path = format!("/api/projects?search={}", "a".repeat(9_000));
    let long_value = "a".repeat(40_000);
    let long_body = format!("{{\"password\":\"{}\"}}", "a".repeat(70_000));
    let deep_body = format!("{{\"password\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));

    let get = |path, answer| Case { method: Method::GET, path, headers: vec![], body: vec![], answer };
    let delete = |path, answer| Case { method: Method::DELETE, headers: vec![csrf], ..get(path, answer) };
    let post = |body: &[u8], answer| Case {
        method: Method::POST,
        headers: vec![csrf, json],
        body: body.to_vec(),
        ..get(routes::SESSION_CONTINUE, answer)
    };
    let cases = [
        get("/api/nothing", (404, "not_found")),
        get("/api/projects/a/nothing", (404, "not_found")),
        get(&long_path, (414, "uri_too_long")),
        Case { headers: vec![("x-large", &long_value)], ..get(routes::SESSION, (431, "headers_too_large")) },
        get("/api/projects/%ff/servers", (400, "not_utf8")),
        get("/api/projects?search=%C3%28", (400, "not_utf8")),
        get("/api/projects?limit=-1", (400, "bad_request")),
        get("/api/projects?limit=99999999999999999999999", (400, "bad_request")),
        get("/api/projects/a%20b/servers", (400, "invalid_project_id")),
        get("/api/projects/%2e%2e/servers", (400, "invalid_project_id")),
        delete(routes::SESSION, (405, "method_not_allowed")),
        delete("/api/sessions/1", (400, "bad_request")),
        delete("/api/sessions?include_current=maybe", (400, "bad_request")),
        post(b"", (400, "bad_request")),
        post(b"{", (400, "bad_request")),
        post(b"{\"password\":\"\xff\"}", (400, "bad_request")),
        post(b"{\"password\":1}", (422, "invalid_body")),
        post(b"[]", (422, "invalid_body")),
        post(b"{}", (422, "invalid_body")),
        post(deep_body.as_bytes(), (422, "invalid_body")),
        post(long_body.as_bytes(), (413, "body_too_large")),
        Case { headers: vec![csrf], ..post(b"password=x", (415, "unsupported_media_type")) },
    ];
    for Case { method, path, headers, body, answer: (status, code) } in cases {
        let what: String =
            format!("{method} {path} {}", String::from_utf8_lossy(&body)).chars().take(80).collect();
        let answer = browser.send(method, path, &headers, body.into()).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        answer.assert_error(answer.status, code);
    }
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
        ("/projects/a%20b/servers", StatusCode::BAD_REQUEST),
        ("/%ff", StatusCode::BAD_REQUEST),
        ("/assets/nothing-0123456789abcdef.js", StatusCode::NOT_FOUND),
    ] {
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
