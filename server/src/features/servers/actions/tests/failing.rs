//! A cloud that fails, is slow, or asks for fewer.

use api_types::{
    jobs::{ItemResult, JobState},
    routes,
    servers::action::ServerAction,
};
use axum::http::StatusCode;
use simcloud::{Fault, Latency, Service};
use sqlx::PgPool;

use super::*;
use crate::testing::until;

#[sqlx::test(migrations = "../migrations")]
async fn who_asks_for_fewer_is_asked_again_and_nothing_fails(db: PgPool) {
    let (app, ids) = panel_with_many(db, 5, |source| source).await;
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let admin = app.cloud.admin();
    admin.set_fault(REGION, Service::Compute, Some(Fault::Status(429)));
    let asked = ask(&app, &alice, &job(ServerAction::Stop, &all(&ids))).await;
    until("refusals", async || changes_each(&app, &ids).iter().sum::<usize>() > 0).await;
    admin.clear_faults();
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.done, done.counts.failed, done.counts.uncertain), (5, 0, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_region_that_is_down_is_waited_for_by_many_and_told_of_to_one(db: PgPool) {
    let (app, ids) = panel_with_many(db, 12, |source| {
        source.with_env("UPSTREAM_BREAKER_FAILURES", "3").with_env("UPSTREAM_BREAKER_OPEN_SECS", "0.2")
    })
    .await;
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let admin = app.cloud.admin();
    admin.set_fault(REGION, Service::Compute, Some(Fault::Status(503)));
    let asked = ask(&app, &alice, &job(ServerAction::Stop, &all(&ids))).await;
    let one = ask(&app, &alice, &job(ServerAction::Stop, &all(&ids[..1]))).await;
    let told = finished(&alice, &one.id).await;
    // Where nobody can be asked whether it was done after all, that is not known.
    assert_eq!(told.counts.failed + told.counts.uncertain, 1);
    until("refusals", async || admin.call_count(REGION, Service::Compute) > 2).await;
    let waiting = show(&alice, &asked.id).await;
    assert_eq!((waiting.state, waiting.counts.failed), (JobState::Running, 0));
    admin.clear_faults();
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.done, done.counts.failed, done.counts.uncertain), (12, 0, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_call_without_an_answer_is_looked_up_and_not_made_again(db: PgPool) {
    let app = panel_with(db, |source| source.with_env("UPSTREAM_TIMEOUT_SECS", "0.4")).await;
    let alice = app.signed_in("alice");
    let (taken_on, lost) = (add(&app, "taken-on", "ACTIVE"), add(&app, "lost", "ACTIVE"));
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let admin = app.cloud.admin();

    // Nova does it and does not get to say so.
    admin.set_latency(Latency { one_server: std::time::Duration::from_secs(5), ..Latency::none() });
    let reboot = || ServerAction::Reboot { is_hard: false };
    let asked = ask(&app, &alice, &job(reboot(), &[&taken_on])).await.id;
    until("the call", async || changes(&app, &taken_on).len() == 1).await;
    admin.set_latency(Latency::none());
    let done = finished(&alice, &asked).await;
    assert_eq!((done.counts.done, done.counts.uncertain), (1, 0));
    assert!(items(&alice, &asked).await[0].upstream_request_id.is_some());
    assert_eq!(changes(&app, &taken_on).len(), 1);

    // Nova never gets to it.
    admin.set_fault(REGION, Service::Compute, Some(Fault::Hang));
    let asked = ask(&app, &alice, &job(reboot(), &[&lost])).await.id;
    until("the call", async || changes(&app, &lost).len() == 1).await;
    admin.clear_faults();
    let over = finished(&alice, &asked).await;
    assert_eq!((over.counts.done, over.counts.uncertain), (0, 1));
    assert_eq!(items(&alice, &asked).await[0].result, ItemResult::Uncertain);
    assert_eq!(changes(&app, &lost).len(), 1, "what is uncertain is not repeated by itself");

    let again = serde_json::json!({"do": "retry_failed", "uncertain_too": true});
    control(&alice, &asked, again).await.assert_status(StatusCode::OK);
    wait(&alice, &asked, "the second try", |job| job.counts.done == 1).await;
    assert_eq!(changes(&app, &lost).len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_gateway_says_was_not_done_is_looked_up_before_it_is_believed(db: PgPool) {
    let (app, ids) =
        panel_with_many(db, 4, |source| source.with_env("UPSTREAM_BREAKER_FAILURES", "100")).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let planned = async |servers: &[String]| {
        let reboot = job(ServerAction::Reboot { is_hard: true }, &all(servers));
        ask(&app, &alice, &api_types::jobs::CreateJob { confirmed: None, ..reboot }).await.id
    };
    let start = async |id: &str| {
        let start = serde_json::json!({"do": "start", "confirmed": {}});
        control(&alice, id, start).await.assert_status(StatusCode::OK);
    };

    // Nova took it on, and the gateway lost it then.
    let many = planned(&ids).await;
    admin.set_fault(REGION, Service::Compute, Some(Fault::LostAnswer(503)));
    start(&many).await;
    let done = finished(&alice, &many).await;
    assert_eq!((done.counts.done, done.counts.failed, done.counts.uncertain), (4, 0, 0));
    assert_eq!(changes_each(&app, &ids), [1, 1, 1, 1]);

    // Nova never heard of it: of many it is asked again, of one it is said.
    admin.clear_faults();
    let (many, one) = (planned(&ids[..2]).await, planned(&ids[2..3]).await);
    admin.reset_calls();
    admin.set_fault(REGION, Service::Compute, Some(Fault::Status(503)));
    start(&many).await;
    until("the calls", async || changes_each(&app, &ids[..2]) == [1, 1]).await;
    admin.clear_faults();
    let done = finished(&alice, &many).await;
    assert_eq!((done.counts.done, done.counts.failed, done.counts.uncertain), (2, 0, 0));
    admin.set_fault(REGION, Service::Compute, Some(Fault::Status(503)));
    start(&one).await;
    until("the call", async || changes(&app, &ids[2]).len() == 1).await;
    admin.clear_faults();
    assert_eq!(finished(&alice, &one).await.counts.failed, 1);
    let ItemResult::Failed { error } = items(&alice, &one).await.remove(0).result else {
        panic!("it failed")
    };
    assert_eq!(error.upstream_status, Some(503));
    assert_eq!(changes_each(&app, &ids[..3]), [2, 2, 1]);
}
