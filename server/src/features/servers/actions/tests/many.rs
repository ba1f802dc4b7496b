//! Many servers at once: their list, its pages, the result to keep.

use api_types::{
    jobs::{ItemResult, JobItems, JobState},
    routes,
    servers::action::ServerAction,
};
use axum::http::StatusCode;
use sqlx::PgPool;

use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn many_servers_are_one_job_of_pages_and_each_is_acted_on_once(db: PgPool) {
    let (app, ids) = panel_with_many(db, 150, |source| source).await;
    let alice = app.signed_in("alice");
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let asked = ask(&app, &alice, &typed(job(ServerAction::Stop, &all), "stop")).await;
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.total, done.counts.done, done.server_name), (150, 150, None));
    for id in &ids {
        assert_eq!(changes(&app, id).len(), 1);
    }
    let path = |query: &str| format!("{}?{query}", routes::job_items(&asked.id));
    let first: JobItems = alice.get(&path("limit=100&result=done")).await.json();
    let next = first.next.expect("another page");
    let second: JobItems = alice.get(&path(&format!("limit=100&after={next}"))).await.json();
    assert_eq!((first.items.len(), second.items.len(), second.next), (100, 50, None));
    let listed: Vec<String> =
        first.items.iter().chain(&second.items).map(|item| item.server.to_string()).collect();
    assert_eq!(listed, ids);
    let failed: JobItems = alice.get(&path("result=failed")).await.json();
    assert!(failed.items.is_empty());
    alice.get(&path("result=odd")).await.assert_error(StatusCode::BAD_REQUEST, "invalid_result");
    alice.get(&path("limit=1001")).await.assert_error(StatusCode::BAD_REQUEST, "invalid_limit");
    alice.get(&path("after=-9&limit=x")).await.assert_status(StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrations = "../migrations")]
async fn five_thousand_servers_are_each_acted_on_once(db: PgPool) {
    let (app, ids) = panel_with_many(db, 5_000, |source| {
        source
            .with_env("JOBS_PER_SECOND", "10000")
            .with_env("JOBS_CONCURRENCY", "16")
            .with_env("UPSTREAM_CONCURRENCY", "16")
    })
    .await;
    let alice = app.signed_in("alice");
    let asked = ask(&app, &alice, &typed(job(ServerAction::Stop, &all(&ids)), "stop")).await;
    for some in 1..=10 {
        wait(&alice, &asked.id, "the next servers", |job| job.counts.done >= some * 500).await;
    }
    let done = finished(&alice, &asked.id).await.counts;
    assert_eq!((done.total, done.done, done.failed, done.uncertain), (5_000, 5_000, 0, 0));
    let calls = app.cloud.admin().calls();
    let mut acted_on: Vec<_> = calls
        .iter()
        .filter(|call| call.path_and_query.ends_with("/action"))
        .map(|call| &call.path_and_query)
        .collect();
    acted_on.sort();
    acted_on.dedup();
    let made = calls.iter().filter(|call| call.path_and_query.ends_with("/action")).count();
    assert_eq!((made, acted_on.len()), (5_000, 5_000));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_result_is_a_table_in_which_no_name_is_a_formula(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (evil, off) = (add(&app, "=HYPERLINK(\"http://evil\")", "ACTIVE"), add(&app, "off", "SHUTOFF"));
    let asked = ask(&app, &alice, &job(ServerAction::Stop, &[&evil, &off])).await;
    finished(&alice, &asked.id).await;
    let response = alice.get(&routes::job_result(&asked.id)).await;
    assert_eq!(response.header("content-type"), "text/csv; charset=utf-8");
    assert!(response.header("content-disposition").starts_with("attachment; filename=\"stop-"));
    let text = response.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].contains(r#""'=HYPERLINK(""http://evil"")","done""#), "{}", lines[1]);
    assert!(lines[2].contains(r#""off","skipped","status","It is SHUTOFF; needed is ACTIVE or ERROR.""#));
}

#[sqlx::test(migrations = "../migrations")]
async fn twenty_thousand_servers_are_planned_and_one_more_is_too_many(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let ids: Vec<String> = (0..20_001u128).map(|id| uuid::Uuid::from_u128(id).to_string()).collect();
    let mut most: Vec<&str> = ids.iter().map(String::as_str).collect();
    let too_many = job(ServerAction::Delete, &most);
    post(&app, &alice, &too_many).await.assert_error(StatusCode::BAD_REQUEST, "too_many_servers");
    most.pop();
    let planned = ask(&app, &alice, &job(ServerAction::Delete, &most)).await;
    // What nobody knows is tried, not refused.
    assert_eq!((planned.state, planned.counts.waiting), (JobState::Planned, 20_000));
    let items: JobItems = alice.get(&routes::job_items(&planned.id)).await.json();
    assert!(items.items.iter().all(|item| item.result == ItemResult::Waiting));
}
