//! The counters of requests name routes, never paths.

use api_types::routes;
use axum::http::StatusCode;
use server::{metrics::Metric, testing::TestApp};
use sqlx::PgPool;

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
