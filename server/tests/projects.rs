//! The switcher's list of projects.

use api_types::{projects::ProjectList, routes};
use axum::http::StatusCode;
use server::testing::TestApp;
use simcloud::{Fault, MANY_PROJECTS, Service};
use sqlx::PgPool;
use std::time::Duration;

#[sqlx::test(migrations = "../migrations")]
async fn thousands_of_projects_are_searched_and_keystone_is_asked_once(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("many");
    let all: ProjectList = browser.get(routes::PROJECTS).await.json();
    assert_eq!((all.items.len(), all.total), (50, MANY_PROJECTS));
    app.cloud.admin().reset_calls();
    let found: ProjectList = browser.get("/api/projects?search=PROJECT-012&limit=200").await.json();
    assert_eq!((found.items.len(), found.total), (10, 10));
    assert_eq!(found.items[0].name, "project-0120");
    assert_eq!(found.items[0].domain, "Default");
    let by_id: ProjectList = browser.get(&format!("/api/projects?search={}", found.items[3].id)).await.json();
    assert_eq!(by_id.items, [found.items[3].clone()]);
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_list_that_was_had_is_shown_while_keystone_is_down(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let before: ProjectList = browser.get(routes::PROJECTS).await.json();
    assert_eq!(
        before.items.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(),
        ["alpha", "beta"]
    );
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    app.clock.advance(Duration::from_secs(120));
    let after: ProjectList = browser.get(routes::PROJECTS).await.json();
    assert_eq!(after, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_limit_out_of_bounds_is_refused_with_a_sentence(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    for limit in ["0", "201"] {
        let answer = browser.get(&format!("/api/projects?limit={limit}")).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "invalid_limit");
    }
    browser.get("/api/projects?limit=many").await.assert_error(StatusCode::BAD_REQUEST, "bad_request");
}
