use std::{future::Future, time::Duration};

use api_types::{ProjectId, Region, ServerId};
use axum::http::StatusCode;
use sqlx::PgPool;

use super::*;
use crate::{
    metrics::Metric,
    testing::{DatabaseProxy, Log, until},
};

const SERVER: ServerId = ServerId([7; 16]);

fn project() -> ProjectId {
    "alpha".parse().expect("a project")
}

fn region() -> Region {
    "RegionOne".parse().expect("a region")
}

fn changes(room: usize, db: PgPool, clock: &Clock) -> Changes {
    let metrics = Metrics::recording();
    Changes::with_room(room, db, 30, clock.clone(), metrics, Duration::from_secs(5))
}

fn change(changes: &Changes, request_id: &str) -> Change {
    Change {
        request_id: request_id.into(),
        at: changes.0.clock.now(),
        project: project(),
        region: region(),
        server: SERVER,
        action: "create",
        detail: None,
        user_id: "u-1".to_owned(),
        user_name: "alice".to_owned(),
        status: StatusCode::ACCEPTED,
        upstream_request_id: None,
    }
}

async fn kept(changes: &Changes) -> Vec<String> {
    let kept = changes.list(&project(), &region(), SERVER, 100).await.expect("a list");
    kept.into_iter().map(|change| change.request_id).collect()
}

fn lines(log: &Log, words: &str) -> Vec<serde_json::Value> {
    let says =
        |line: &serde_json::Value| line["description"].as_str().is_some_and(|text| text.contains(words));
    log.lines().into_iter().filter(says).collect()
}

/// Does something beside the task that writes, on the thread whose log is read.
async fn beside<T>(changes: &Changes, work: impl Future<Output = T>) -> T {
    tokio::select! {
        () = changes.clone().run() => panic!("nobody said that nothing comes any more"),
        done = work => done,
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_noted_is_written_once_and_the_newest_comes_first(db: PgPool) {
    let clock = Clock::movable();
    let (one, other) = (changes(ROOM, db.clone(), &clock), changes(ROOM, db, &clock));
    one.note(change(&one, "req-1"));
    clock.advance(Duration::from_secs(1));
    one.note(change(&one, "req-2"));
    // As where no answer came to a statement that was carried out.
    other.note(change(&other, "req-2"));
    for node in [&one, &other] {
        node.end();
        node.clone().run().await;
    }
    assert_eq!(kept(&other).await, ["req-2", "req-1"]);
    let elsewhere = other.list(&"beta".parse().expect("a project"), &region(), SERVER, 9).await;
    assert!(elsewhere.expect("a list").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_waits_for_postgres_is_written_when_it_is_back_and_what_found_no_room_is_told_once(db: PgPool) {
    let log = Log::listen();
    let proxy = DatabaseProxy::start(&db).await;
    let clock = Clock::movable();
    let room = change(&changes(0, db.clone(), &clock), "req-0").size() * 3;
    let changes = changes(room, proxy.pool(), &clock);
    proxy.refuse();
    beside(&changes, async {
        changes.note(change(&changes, "req-0"));
        until("Postgres to be missed", async || !lines(&log, "they wait").is_empty()).await;
        (1..=5).for_each(|number| changes.note(change(&changes, &format!("req-{number}"))));
        until("the loss to be counted", async || changes.0.metrics.counted(Metric::ChangesLost, &[]) == 2)
            .await;
        proxy.pass();
        until("the rest to be written", async || kept(&changes).await.len() == 4).await;
    })
    .await;
    let told = lines(&log, "will be missing in their history");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["level"], "warn");
    let back = lines(&log, "are kept again");
    assert_eq!((back.len(), &back[0]["lost"]), (1, &serde_json::json!(2)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_stops_waits_for_postgres_a_moment_only_and_says_what_it_lost(db: PgPool) {
    let log = Log::listen();
    let proxy = DatabaseProxy::start(&db).await;
    let changes = changes(ROOM, proxy.pool(), &Clock::movable());
    proxy.refuse();
    (0..3).for_each(|number| changes.note(change(&changes, &format!("req-{number}"))));
    changes.end();
    changes.clone().run().await;
    assert_eq!(changes.0.metrics.counted(Metric::ChangesLost, &[]), 3);
    assert_eq!(lines(&log, "will be missing in their history").len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_that_postgres_does_not_take_keeps_no_other_from_being_written(db: PgPool) {
    let changes = changes(ROOM, db, &Clock::movable());
    beside(&changes, async {
        changes.note(Change { detail: Some("\0".to_owned()), ..change(&changes, "req-1") });
        until("it to be counted", async || changes.0.metrics.counted(Metric::ChangesLost, &[]) == 1).await;
        changes.note(change(&changes, "req-2"));
        until("the next one to be written", async || kept(&changes).await == ["req-2"]).await;
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn changes_are_kept_as_long_as_jobs_and_deleted_in_batches(db: PgPool) {
    let clock = Clock::movable();
    let changes = changes(ROOM, db, &clock);
    (0..CLEAN_BATCH + 1).for_each(|number| changes.note(change(&changes, &format!("req-{number}"))));
    clock.advance(Duration::from_secs(86_400));
    changes.note(change(&changes, "the last"));
    changes.end();
    changes.clone().run().await;
    clock.advance(Duration::from_secs(29 * 86_400 - 60));
    changes.forget_old_once().await.expect("deleted");
    assert_eq!(kept(&changes).await.len(), 100, "none is older than 30 days");
    clock.advance(Duration::from_secs(120));
    changes.forget_old_once().await.expect("deleted");
    assert_eq!(kept(&changes).await, ["the last"]);
}
