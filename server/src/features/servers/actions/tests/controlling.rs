//! Pausing, going on, canceling, repeating; by one person in two tabs, and after the sign-out.

use std::time::Duration;

use api_types::{
    jobs::{ItemResult, JobList, JobState},
    routes,
    servers::action::ServerAction,
};
use axum::http::StatusCode;
use serde_json::json;
use simcloud::{Fault, Service};
use sqlx::PgPool;

use super::*;
use crate::testing::{Client, TestApp};

/// A job over servers that takes a while, seen to be under way.
async fn under_way(app: &TestApp, client: &Client, servers: &[String]) -> String {
    let asked = ask(app, client, &typed(job(ServerAction::Stop, &all(servers)), "stop")).await;
    wait(client, &asked.id, "a first server", |job| job.counts.done > 0).await;
    asked.id
}

/// Stops these servers while the cloud refuses it, until the first has failed.
async fn failing(app: &TestApp, client: &Client, servers: &[String]) -> String {
    client.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().set_fault(REGION, Service::Compute, Some(Fault::Status(409)));
    let id = ask(app, client, &typed(job(ServerAction::Stop, &all(servers)), "stop")).await.id;
    wait(client, &id, "a first failure", |job| job.counts.failed > 0).await;
    id
}

fn slow(source: crate::config::Source) -> crate::config::Source {
    source.with_env("JOBS_PER_SECOND", "40")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_job_begins_nothing_and_goes_on_where_it_was(db: PgPool) {
    let (app, ids) = panel_with_many(db.clone(), 60, slow).await;
    let alice = app.signed_in("alice");
    let id = under_way(&app, &alice, &ids).await;
    control(&alice, &id, json!({"do": "pause"})).await.assert_status(StatusCode::OK);
    let paused = wait(&alice, &id, "calls under way to end", |job| job.counts.running == 0).await;
    assert_eq!((paused.state, paused.held_because.as_deref()), (JobState::Paused, None));
    assert!(paused.counts.waiting > 0);
    let made: usize = changes_each(&app, &ids).iter().sum();
    assert_eq!(made, paused.counts.done as usize);
    // The token is given back while nothing is done with it.
    let permits = "SELECT COUNT(*) FROM job_secrets WHERE permit IS NOT NULL";
    crate::testing::until("the permit to go", async || {
        sqlx::query_scalar::<_, i64>(permits).fetch_one(&db).await.expect("a count") == 0
    })
    .await;
    // Again is fine, and nothing.
    control(&alice, &id, json!({"do": "pause"})).await.assert_status(StatusCode::OK);
    control(&alice, &id, json!({"do": "resume"})).await.assert_status(StatusCode::OK);
    assert_eq!(finished(&alice, &id).await.counts.done, 60);
    assert!(changes_each(&app, &ids).iter().all(|calls| *calls == 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_canceled_job_leaves_the_rest_alone_and_is_over(db: PgPool) {
    let (app, ids) = panel_with_many(db, 60, slow).await;
    let alice = app.signed_in("alice");
    let id = under_way(&app, &alice, &ids).await;
    // Two tabs, contrary wishes: whatever comes first, canceled is canceled.
    let (pause, cancel) = tokio::join!(
        control(&alice, &id, json!({"do": "pause"})),
        control(&alice, &id, json!({"do": "cancel"})),
    );
    cancel.assert_status(StatusCode::OK);
    assert!(matches!(pause.status, StatusCode::OK | StatusCode::CONFLICT));
    let over = wait(&alice, &id, "the end", |job| job.finished_at.is_some()).await;
    assert_eq!((over.state, over.counts.running), (JobState::Canceled, 0));
    assert!(over.counts.canceled > 0 && over.counts.done > 0 && over.counts.waiting == 0);
    control(&alice, &id, json!({"do": "cancel"})).await.assert_status(StatusCode::OK);
    for what in ["pause", "resume"] {
        control(&alice, &id, json!({"do": what})).await.assert_error(StatusCode::CONFLICT, "job_finished");
    }
    let start = json!({"do": "start", "confirmed": {"word": "stop"}});
    control(&alice, &id, start).await.assert_error(StatusCode::CONFLICT, "job_finished");
    let made: usize = changes_each(&app, &ids).iter().sum();
    assert_eq!(made, show(&alice, &id).await.counts.done as usize);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_failed_is_asked_for_again_and_what_was_done_is_not(db: PgPool) {
    let (app, ids) = panel_with_many(db, 3, |source| source).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    admin.set_fault(REGION, Service::Compute, Some(Fault::Status(409)));
    let asked = ask(&app, &alice, &job(ServerAction::Stop, &all(&ids[..2]))).await;
    let failed = finished(&alice, &asked.id).await;
    assert_eq!(failed.counts.failed, 2);
    admin.clear_faults();
    let again = control(&alice, &asked.id, json!({"do": "retry_failed"})).await;
    again.assert_status(StatusCode::OK);
    let done = wait(&alice, &asked.id, "the second try", |job| job.counts.done == 2).await;
    assert_eq!(done.counts.failed, 0);
    finished(&alice, &asked.id).await;
    let nothing = control(&alice, &asked.id, json!({"do": "retry_failed"})).await;
    nothing.assert_error(StatusCode::CONFLICT, "nothing_failed");
    assert!(items(&alice, &asked.id).await.iter().all(|item| item.result == ItemResult::Done));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_failed_of_a_canceled_job_is_asked_for_again_and_what_was_canceled_is_not(db: PgPool) {
    let (app, ids) = panel_with_many(db, 60, slow).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let id = failing(&app, &alice, &ids).await;
    control(&alice, &id, json!({"do": "cancel"})).await.assert_status(StatusCode::OK);
    let over = wait(&alice, &id, "the end", |job| job.finished_at.is_some()).await.counts;
    assert_eq!((over.failed + over.canceled, over.waiting), (60, 0));
    let canceled: api_types::jobs::JobItems =
        alice.get(&format!("{}?result=canceled", routes::job_items(&id))).await.json();
    assert_eq!(canceled.items.len(), over.canceled as usize);
    assert!(canceled.items.iter().all(|item| item.result == ItemResult::Canceled));
    admin.clear_faults();
    admin.reset_calls();
    control(&alice, &id, json!({"do": "retry_failed"})).await.assert_status(StatusCode::OK);
    let done = finished(&alice, &id).await.counts;
    assert_eq!((done.done, done.canceled, done.failed), (over.failed, over.canceled, 0));
    assert_eq!(changes_each(&app, &ids).iter().sum::<usize>(), over.failed as usize);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_job_is_resumed_before_anything_of_it_is_repeated(db: PgPool) {
    let (app, ids) = panel_with_many(db, 60, slow).await;
    let alice = app.signed_in("alice");
    let id = failing(&app, &alice, &ids).await;
    control(&alice, &id, json!({"do": "pause"})).await.assert_status(StatusCode::OK);
    let again = control(&alice, &id, json!({"do": "retry_failed"})).await;
    again.assert_error(StatusCode::CONFLICT, "job_paused");
    assert_eq!(show(&alice, &id).await.state, JobState::Paused);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_did_nothing_has_nothing_to_repeat(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let asked = ask(&app, &alice, &job(ServerAction::Start, &[&add(&app, "runs", "ACTIVE")])).await;
    assert_eq!((asked.state, asked.counts.skipped), (JobState::Done, 1));
    let again = control(&alice, &asked.id, json!({"do": "retry_failed", "uncertain_too": true})).await;
    again.assert_error(StatusCode::CONFLICT, "nothing_failed");
}

/// How many tokens Keystone gave, and how many it was told to end, since the last reset.
fn tokens(app: &TestApp) -> (usize, usize) {
    let calls = app.cloud.admin().calls();
    let count = |method: &str, status: u16| {
        let of_tokens = |call: &&simcloud::CallRecord| call.path_and_query.starts_with("/v3/auth/tokens");
        let is_it = |call: &&simcloud::CallRecord| call.method == method && call.status == Some(status);
        calls.iter().filter(of_tokens).filter(is_it).count()
    };
    (count("POST", 201), count("DELETE", 204))
}

/// How many jobs have a token.
async fn kept_permits(db: &PgPool) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM job_secrets WHERE permit IS NOT NULL");
    count.fetch_one(db).await.expect("a number")
}

/// Alice's browser, which has all tokens of its own; from here on all others are jobs'.
async fn settled_in(app: &TestApp) -> Client {
    let alice = app.signed_in("alice");
    let asked = ask(app, &alice, &job(ServerAction::Unlock, &[&add(app, "first", "ACTIVE")])).await;
    assert_eq!(asked.counts.skipped, 1);
    app.cloud.admin().reset_calls();
    alice
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_that_was_used_is_erased_and_left_to_the_cloud_however_often_a_job_was_paused(db: PgPool) {
    let (app, ids) = panel_with_many(db.clone(), 60, slow).await;
    let alice = settled_in(&app).await;
    let id = under_way(&app, &alice, &ids).await;
    for _ in 0..4 {
        // At once: its node has not let go yet.
        control(&alice, &id, json!({"do": "pause"})).await.assert_status(StatusCode::OK);
        control(&alice, &id, json!({"do": "resume"})).await.assert_status(StatusCode::OK);
    }
    let done = finished(&alice, &id).await;
    assert_eq!((done.counts.done, done.counts.failed, done.counts.uncertain), (60, 0, 0));
    assert!(changes_each(&app, &ids).iter().all(|calls| *calls == 1));
    crate::testing::until("the last to be erased", async || kept_permits(&db).await == 0).await;
    let (given, ended) = tokens(&app);
    // The first and the last did something; what did nothing may have been ended.
    assert!(given == 5 && ended <= 3, "{ended} of {given}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_is_started_though_the_browser_goes_away_while_its_token_is_made(db: PgPool) {
    let (app, ids) = panel_with_many(db.clone(), 2, |source| source).await;
    let alice = settled_in(&app).await;
    let stop = api_types::jobs::CreateJob { confirmed: None, ..job(ServerAction::Stop, &all(&ids)) };
    let planned = ask(&app, &alice, &stop).await;
    let admin = app.cloud.admin();
    admin.set_fault("", Service::Identity, Some(Fault::Slow(Duration::from_millis(300))));
    tokio::select! {
        biased;
        () = crate::testing::until("Keystone to be asked", async || admin.in_flight("", Service::Identity) > 0) => {}
        _ = control(&alice, &planned.id, json!({"do": "start", "confirmed": {}})) => panic!("Keystone is slow"),
    }
    assert_eq!(finished(&alice, &planned.id).await.counts.done, 2);
    crate::testing::until("its token to be erased", async || kept_permits(&db).await == 0).await;
    assert_eq!(tokens(&app), (1, 0), "Nova goes on with it");
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_contrary_wishes_at_once_the_one_that_can_be_is_done_and_the_other_says_why_not(db: PgPool) {
    let app = panel(db).await;
    let (one, two) = (app.signed_in("alice"), app.signed_in("alice"));
    let server = add(&app, "web-01", "ACTIVE");
    let (stop, start) = (job(ServerAction::Stop, &[&server]), job(ServerAction::Start, &[&server]));
    let (stop, start) = tokio::join!(ask(&app, &one, &stop), ask(&app, &two, &start));
    assert_eq!(finished(&one, &stop.id).await.counts.done, 1);
    // It runs, or is on its way to be off, whichever was seen.
    assert_eq!(finished(&two, &start.id).await.counts.skipped, 1);
    assert!(matches!(items(&two, &start.id).await[0].result, ItemResult::Skipped { .. }));
    assert_eq!(changes(&app, &server).len(), 1);
    assert_eq!(status_of(&app, &server).1.as_deref(), Some("powering-off"));
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_does_not_stop_what_was_confirmed(db: PgPool) {
    let (app, ids) = panel_with_many(db, 60, slow).await;
    let (tab, elsewhere) = (app.signed_in("alice"), app.signed_in("alice"));
    let id = under_way(&app, &tab, &ids).await;
    let token: api_types::session::CurrentSession = tab.get(routes::SESSION).await.json();
    tab.post_form(routes::SIGN_OUT, &[("csrf_token", &token.csrf_token)]).await;
    assert_eq!(finished(&elsewhere, &id).await.counts.done, 60);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_whose_token_ends_is_held_and_goes_on_with_a_fresh_sign_in(db: PgPool) {
    let (app, ids) = panel_with_many(db, 60, slow).await;
    let alice = app.signed_in("alice");
    let id = under_way(&app, &alice, &ids).await;
    app.cloud.admin().revoke_tokens_of("alice");
    // The old session is over with its token; this one is new.
    let fresh = app.signed_in("alice");
    let held = wait(&fresh, &id, "the job to be held", |job| job.state == JobState::Paused).await;
    assert!(held.held_because.is_some_and(|sentence| sentence.ends_with('.')));
    assert_eq!(held.counts.failed, 0);
    control(&fresh, &id, json!({"do": "resume"})).await.assert_status(StatusCode::OK);
    let done = finished(&fresh, &id).await;
    assert_eq!((done.counts.done, done.held_because), (60, None));
    let accepted = |server: &String| {
        let calls = app.cloud.admin().calls();
        let of_it = |call: &&simcloud::CallRecord| call.path_and_query.contains(server.as_str());
        calls.iter().filter(of_it).filter(|call| call.status == Some(202)).count()
    };
    assert!(ids.iter().all(|server| accepted(server) == 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_old_is_deleted_and_what_is_not_stays(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (one, two) = (add(&app, "one", "ACTIVE"), add(&app, "two", "ACTIVE"));
    let planned = ask(&app, &alice, &job(ServerAction::Delete, &[&one, &two])).await;
    let done = ask(&app, &alice, &job(ServerAction::Stop, &[&one])).await;
    finished(&alice, &done.id).await;
    let known = async || {
        let list: JobList = alice.get(routes::JOBS).await.json();
        list.jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let clean = async || {
        let before = app.clock.now() - chrono::TimeDelta::days(30);
        app.app.jobs.store().delete_old_jobs(before, 10).await.expect("deleted")
    };
    assert_eq!(known().await, [done.id.clone(), planned.id.clone()], "the newest first");
    assert_eq!(clean().await, 0);
    app.clock.advance(Duration::from_secs(3_601));
    assert_eq!((clean().await, known().await), (1, vec![done.id]));
    app.clock.advance(Duration::from_secs(30 * 86_400));
    assert_eq!(clean().await, 1);
}
