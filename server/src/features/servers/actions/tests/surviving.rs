//! Nodes that die in the middle, and nodes that are told to stop.

use std::time::Duration;

use api_types::{
    jobs::{ItemResult, JobState},
    routes,
    servers::action::ServerAction,
};
use axum::http::StatusCode;
use simcloud::{Fault, Latency, Service};
use sqlx::PgPool;

use super::*;
use crate::testing::{TestApp, until};

/// Calls of jobs leave one place to those somebody waits for; with this many, all of a job's are under way at once.
fn roomy(source: crate::config::Source) -> crate::config::Source {
    source.with_env("UPSTREAM_CONCURRENCY", "8")
}

fn reboot() -> ServerAction {
    ServerAction::Reboot { is_hard: false }
}

/// A second node takes over from one that has died, some time later.
fn take_over(dead: &TestApp) -> TestApp {
    dead.clock.advance(LONG);
    dead.another_node()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_dead_node_had_asked_and_nova_took_on_is_done_and_not_asked_again(db: PgPool) {
    let (mut app, ids) = panel_with_many(db, 4, roomy).await;
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let admin = app.cloud.admin();
    let asked = ask(&app, &alice, &planned_first(reboot(), &ids)).await;
    // Nova does what it is asked and then takes its time to answer.
    admin.set_latency(Latency { one_server: Duration::from_secs(600), ..Latency::none() });
    start(&alice, &asked.id).await;
    until("calls under way", async || changes_each(&app, &ids).iter().sum::<usize>() == 4).await;
    app.die();
    admin.set_latency(Latency::none());
    let node = take_over(&app);
    let alice = node.signed_in("alice");
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.done, done.counts.uncertain, done.counts.failed), (4, 0, 0));
    assert_eq!(changes_each(&node, &ids), [1, 1, 1, 1]);
    assert!(items(&alice, &asked.id).await.iter().all(|item| item.upstream_request_id.is_some()));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_nova_never_heard_of_is_uncertain_and_the_rest_goes_on(db: PgPool) {
    let (mut app, ids) = panel_with_many(db, 10, roomy).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let asked = ask(&app, &alice, &planned_first(reboot(), &ids)).await;
    admin.set_fault(REGION, Service::Compute, Some(Fault::Hang));
    start(&alice, &asked.id).await;
    until("calls under way", async || changes_each(&app, &ids).iter().sum::<usize>() == 4).await;
    app.die();
    admin.clear_faults();
    let node = take_over(&app);
    let alice = node.signed_in("alice");
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.done, done.counts.uncertain, done.counts.failed), (6, 4, 0));
    assert!(changes_each(&node, &ids).iter().all(|calls| *calls == 1), "nothing is done twice");
    let items = items(&alice, &asked.id).await;
    assert_eq!(items.iter().filter(|item| item.result == ItemResult::Uncertain).count(), 4);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_canceled_before_its_node_died_is_over_when_its_calls_are_settled(db: PgPool) {
    let (mut app, ids) = panel_with_many(db.clone(), 10, roomy).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let asked = ask(&app, &alice, &planned_first(reboot(), &ids)).await;
    admin.set_latency(Latency { one_server: Duration::from_secs(600), ..Latency::none() });
    start(&alice, &asked.id).await;
    until("calls under way", async || changes_each(&app, &ids).iter().sum::<usize>() == 4).await;
    control(&alice, &asked.id, serde_json::json!({"do": "cancel"})).await.assert_status(StatusCode::OK);
    let canceled = show(&alice, &asked.id).await;
    assert_eq!((canceled.counts.running, canceled.counts.canceled, canceled.finished_at), (4, 6, None));
    app.die();
    admin.set_latency(Latency::none());
    let node = take_over(&app);
    let alice = node.signed_in("alice");
    let over = wait(&alice, &asked.id, "the end", |job| job.finished_at.is_some()).await;
    assert_eq!(over.state, JobState::Canceled);
    assert_eq!((over.counts.done, over.counts.canceled, over.counts.uncertain), (4, 6, 0));
    assert_eq!(changes_each(&node, &ids).iter().sum::<usize>(), 4);
    until("its token to be erased", async || {
        let left = "SELECT COUNT(*) FROM job_secrets WHERE permit IS NOT NULL";
        sqlx::query_scalar::<_, i64>(left).fetch_one(&db).await.expect("a count") == 0
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_call_whose_time_is_over_before_it_was_written_down_is_not_made_late(db: PgPool) {
    let app = panel(db.clone()).await;
    let alice = app.signed_in("alice");
    let server = add(&app, "web-01", "ACTIVE");
    let asked = ask(&app, &alice, &planned_first(reboot(), std::slice::from_ref(&server))).await;
    // Somebody holds the item's row, so that writing it down takes as long as its call may.
    let mut holding = db.begin().await.expect("a transaction");
    sqlx::query("SELECT FROM job_items FOR UPDATE").execute(&mut *holding).await.expect("held");
    start(&alice, &asked.id).await;
    until("the node to wait for the row", async || {
        let waits = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(waits).fetch_one(&db).await.expect("a count") > 0
    })
    .await;
    app.clock.advance(LONG);
    let from_now_on = app.clock.now();
    holding.rollback().await.expect("let go");
    assert_eq!(finished(&alice, &asked.id).await.counts.done, 1);
    let sent_at: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("SELECT sent_at FROM job_items").fetch_one(&db).await.expect("an item");
    assert!(sent_at >= from_now_on, "others count from then on when it is over");
    assert_eq!(changes(&app, &server).len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_no_harm_twice_is_asked_again(db: PgPool) {
    // So many that the plan does not ask for each.
    let (mut app, ids) = panel_with_many(db, 21, roomy).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let tag = ServerAction::Tag { add: vec!["kept".to_owned()], remove: Vec::new() };
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    admin.set_fault(REGION, Service::Compute, Some(Fault::Hang));
    let asked = ask(&app, &alice, &job(tag, &all(&ids))).await;
    until("calls under way", async || changes_each(&app, &ids).iter().sum::<usize>() == 4).await;
    app.die();
    admin.clear_faults();
    let node = take_over(&app);
    let done = finished(&node.signed_in("alice"), &asked.id).await;
    assert_eq!((done.counts.done, done.counts.uncertain), (21, 0));
    let servers = admin.servers(REGION, "alpha");
    assert!(servers.iter().all(|server| server.tags == ["kept"]));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_is_told_to_stop_finishes_its_calls_and_another_goes_on_at_once(db: PgPool) {
    let (mut app, ids) = panel_with_many(db, 40, |source| source).await;
    let alice = app.signed_in("alice");
    let asked = ask(&app, &alice, &planned_first(reboot(), &ids)).await;
    app.cloud.admin().set_fault(REGION, Service::Compute, Some(Fault::Slow(Duration::from_millis(200))));
    start(&alice, &asked.id).await;
    until("calls under way", async || changes_each(&app, &ids).iter().sum::<usize>() >= 4).await;
    app.stop().await;
    let left = show(&alice, &asked.id).await;
    assert_eq!(left.counts.running, 0, "what was under way has its result");
    assert!(left.counts.waiting > 0 && left.counts.done > 0);
    app.cloud.admin().clear_faults();
    // Nobody has to wait for a lease to be over.
    let node = app.another_node();
    let done = finished(&node.signed_in("alice"), &asked.id).await;
    assert_eq!((done.counts.done, done.counts.uncertain), (40, 0));
    assert!(changes_each(&node, &ids).iter().all(|calls| *calls == 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn two_nodes_share_the_jobs_and_no_server_is_acted_on_twice(db: PgPool) {
    let (app, ids) = panel_with_many(db, 60, |source| source).await;
    let other = app.another_node();
    let alice = app.signed_in("alice");
    let mut jobs = Vec::new();
    for (number, some) in ids.chunks(10).enumerate() {
        let client = if number % 2 == 0 { alice.clone() } else { other.signed_in("alice") };
        let asked = ask(&app, &client, &job(ServerAction::Stop, &all(some))).await;
        jobs.push(asked.id);
    }
    for id in &jobs {
        assert_eq!(finished(&alice, id).await.counts.done, 10);
    }
    assert!(changes_each(&app, &ids).iter().all(|calls| *calls == 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn two_nodes_together_begin_no_more_in_a_region_than_one_alone(db: PgPool) {
    // One in a hundred seconds.
    let rare = |source: crate::config::Source| source.with_env("JOBS_PER_SECOND", "0.01");
    let (app, ids) = panel_with_many(db.clone(), 6, rare).await;
    let other = app.another_node();
    let (here, there) = (app.signed_in("alice"), other.signed_in("alice"));
    ask(&app, &here, &job(ServerAction::Stop, &all(&ids[..3]))).await;
    ask(&app, &there, &job(ServerAction::Stop, &all(&ids[3..]))).await;
    until("all to have their turns", async || {
        let line = "SELECT EXTRACT(EPOCH FROM next_at - clock_timestamp())::float8 FROM job_places";
        let seconds = sqlx::query_scalar::<_, f64>(line).fetch_optional(&db).await.expect("an answer");
        seconds.is_some_and(|seconds| seconds > 550.0)
    })
    .await;
    until("the first", async || changes_each(&app, &ids).iter().sum::<usize>() > 0).await;
    assert_eq!(changes_each(&app, &ids).iter().sum::<usize>(), 1);
}

/// A job that is planned and not confirmed yet.
fn planned_first(action: ServerAction, servers: &[String]) -> api_types::jobs::CreateJob {
    api_types::jobs::CreateJob { confirmed: None, ..job(action, &all(servers)) }
}

async fn start(client: &crate::testing::Client, id: &str) {
    let start = serde_json::json!({"do": "start", "confirmed": {"word": "reboot"}});
    control(client, id, start).await.assert_status(StatusCode::OK);
}
