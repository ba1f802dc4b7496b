//! Each request has a line, and whatever else is logged on its way is found by its id and its user. The counters of
//! requests name routes, never paths.

use api_types::routes;
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::{
    metrics::Metric,
    testing::{Log, TestApp},
};
use simcloud::{Fault, Service};
use sqlx::PgPool;
use tracing::level_filters::LevelFilter;

#[sqlx::test(migrations = "../migrations")]
async fn whatever_is_logged_on_the_way_of_a_request_has_its_id_and_its_user(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(Fault::Status(500)));
    let server = app.cloud.admin().servers("RegionOne", "alpha").remove(0).id;
    let (region, id) = ("RegionOne".parse().expect("a region"), server.parse().expect("an id"));
    let log = Log::listen_to(LevelFilter::DEBUG);
    let answer = alice.get(&routes::server(&app.project("alpha"), &region, &id)).await;
    assert!(answer.status.is_server_error(), "{}", answer.status);
    let lines = log.lines();
    let ours: Vec<&Value> = lines
        .iter()
        .filter(|line| line["request_id"] == answer.header("x-request-id"))
        .filter(|line| line["target"].as_str().is_some_and(|target| target.starts_with("server::")))
        .collect();
    for line in &ours {
        assert_eq!(line["user"], "alice", "{line}");
        assert_eq!(line["session"].as_str().map(str::len), Some(8), "{line}");
    }
    let of = |facility: &str, level: &str| {
        let is_it = |line: &&&Value| line["facility"] == facility && line["level"] == level;
        ours.iter()
            .filter(is_it)
            .map(|line| line["description"].as_str().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    assert!(of("panel", "debug").contains(&"found the caller's session"), "{ours:?}");
    let asking = "asking Compute in RegionOne - GET http://";
    assert!(of("upstream", "debug").iter().any(|said| said.starts_with(asking)), "{ours:?}");
    assert!(
        of("upstream", "error")
            .iter()
            .any(|said| said.starts_with("received compute response - GET http://")),
        "{ours:?}"
    );
    // The error with its cause, once, and the request.
    let errors: Vec<_> = ours.iter().filter(|line| line.get("causes").is_some()).collect();
    assert!(errors.len() == 1 && errors[0]["project"] == app.project("alpha").as_str(), "{errors:?}");
    let [request] = of("request", "info")[..] else { panic!("one line of {ours:?}") };
    assert!(request.starts_with("GET /api/") && request.ends_with(answer.status.as_str()), "{request}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sign_in_is_told_and_a_refused_one_without_what_was_typed(db: PgPool) {
    let app = TestApp::new(db).await;
    let log = Log::listen();
    let browser = app.browser();
    let refused = browser.sign_in("my-password-by-mistake", "hush-hush").await;
    let signed_in = browser.sign_in("alice", simcloud::TEST_PASSWORD).await;
    signed_in.assert_status(StatusCode::SEE_OTHER);
    let lines = log.lines();
    let told: Vec<_> = lines.iter().filter(|line| line["facility"] == "sign_in").collect();
    let [first, second] = told[..] else { panic!("two of {lines:?}") };
    assert_eq!(
        (&first["description"], &first["code"], &first["request_id"]),
        (&json!("refused a sign-in"), &json!("wrong_credentials"), &json!(refused.header("x-request-id")))
    );
    assert_eq!((&second["description"], &second["user"]), (&json!("signed in"), &json!("alice")));
    assert_eq!(second["request_id"], signed_in.header("x-request-id"));
    assert!(!log.text().contains("hush-hush") && !log.text().contains("by-mistake"), "{}", log.text());
}

#[sqlx::test(migrations = "../migrations")]
async fn requests_are_counted_by_route_and_outcome(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    browser.get(routes::SESSION).await.assert_status(StatusCode::UNAUTHORIZED);
    browser.get("/api/nothing/at/all").await.assert_status(StatusCode::NOT_FOUND);
    let signed_in = app.signed_in("alice");
    for project in ["alpha", "beta"] {
        let path = format!("{}?follow=false", routes::servers(&app.project(project)));
        signed_in.get(&path).await.assert_status(StatusCode::OK);
    }
    let counted = |route: &str, outcome: &str| app.app.metrics.counted(Metric::Request, &[route, outcome]);
    assert_eq!(counted("api-session", "refused"), 1);
    assert_eq!(counted("none", "refused"), 1);
    assert_eq!(counted("api-projects-project-servers", "ok"), 2);
    assert_eq!(counted("sign-in", "redirect"), 1);
}
