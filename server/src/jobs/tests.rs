//! What the statements about jobs promise, put to Postgres one by one, in the order in which it goes wrong.

use std::time::Duration;

use api_types::servers::action::ActionKind;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    JobStore, LeasedJob, NewItem, NewJob, Repeated,
    rate::Pace,
    store::{Ended, Permit},
};
use crate::clock::Clock;

const ALICE: &str = "alice";
const LEASE: TimeDelta = TimeDelta::seconds(30);
const CALL: TimeDelta = TimeDelta::seconds(90);

/// Jobs of alice, and a node whose every step a test makes.
struct Desk {
    store: JobStore,
    clock: Clock,
    db: PgPool,
    node: Uuid,
}

impl Desk {
    fn new(db: PgPool) -> Self {
        let clock = Clock::movable();
        Self { store: JobStore::new(db.clone(), clock.clone()), clock, db, node: Uuid::new_v4() }
    }

    /// A job over so many servers, with a password in it or without.
    async fn planned(&self, servers: usize, is_secret: bool) -> Uuid {
        let id = Uuid::new_v4();
        let job = NewJob {
            id,
            user_id: ALICE.to_owned(),
            user_name: ALICE.to_owned(),
            session: "0123abcd".to_owned(),
            project_id: "alpha".to_owned(),
            project_name: "alpha".to_owned(),
            idempotency_key: Uuid::new_v4(),
            request: String::new(),
            action: ActionKind::Stop,
            detail: None,
            sealed_payload: b"payload".to_vec(),
            payload_is_secret: is_secret,
        };
        let item = |number| NewItem {
            place: "RegionOne".to_owned(),
            target: Uuid::new_v4(),
            name: format!("web-{number}"),
            skipped: None,
        };
        let items: Vec<_> = (0..servers).map(item).collect();
        self.store.create_job(&job, &items).await.expect("a plan");
        id
    }

    async fn started(&self, servers: usize) -> Uuid {
        let id = self.planned(servers, false).await;
        assert_eq!(self.start(id, "planned", b"first").await, Permit::Kept { replaced: None });
        id
    }

    async fn start(&self, id: Uuid, from: &str, permit: &[u8]) -> Permit {
        self.store.start_job(ALICE, id, from, permit, "req-start").await.expect("an answer")
    }

    async fn retry(&self, id: Uuid, permit: &[u8]) -> Repeated {
        self.store.retry_items(ALICE, id, false, permit, "req-retry").await.expect("an answer")
    }

    /// The node takes what there is.
    async fn take(&self) -> LeasedJob {
        let mut taken = self.store.lease_jobs(self.node, LEASE, 10).await.expect("jobs");
        assert_eq!(taken.len(), 1);
        taken.remove(0).job
    }

    async fn begins(&self, job: &LeasedJob, number: i32) -> Option<String> {
        self.begins_with(job, number, None).await
    }

    /// Begins an item that is to have so much room among those of many.
    async fn begins_with(&self, job: &LeasedJob, number: i32, room: Option<Duration>) -> Option<String> {
        let request_id = format!("req-{}", Uuid::new_v4());
        let begin = self.store.begin_item(job, self.node, number, &request_id, CALL, room);
        begin.await.expect("an answer").map(|_| request_id)
    }

    /// Takes a stretch of the region's time; gives in how long it begins.
    async fn reserves(&self, length: Duration) -> Duration {
        self.store.reserve_stretch("RegionOne", length, 100 * length).await.expect("an answer")
    }

    /// The first moment of the region's time that nobody has, in microseconds after another one.
    async fn free_from(&self, after: DateTime<Utc>) -> Option<i64> {
        let find = "SELECT (EXTRACT(EPOCH FROM next_at - $1) * 1000000)::bigint FROM job_places
            WHERE place = 'RegionOne'";
        sqlx::query_scalar(find).bind(after).fetch_optional(&self.db).await.expect("an answer")
    }

    async fn end(&self, job: &LeasedJob, number: i32, request_id: &str, result: &str, was_not_done: bool) {
        let ended = Ended {
            job: job.id,
            number,
            request_id,
            result,
            reason: None,
            note: None,
            upstream_request_id: None,
            was_not_done,
            was_not_sent: false,
        };
        assert!(self.store.end_item(&ended).await.expect("an answer"));
    }

    /// Begins and ends an item.
    async fn does(&self, job: &LeasedJob, number: i32, result: &str) {
        let request_id = self.begins(job, number).await.expect("it is this node's");
        self.end(job, number, &request_id, result, false).await;
    }

    /// State, and how many wait, run, failed, are uncertain and were canceled.
    async fn shown(&self, id: Uuid) -> (String, [i32; 5]) {
        let row = self.store.find_job(ALICE, id).await.expect("an answer").expect("a job");
        (row.state, [row.waiting, row.running, row.failed, row.uncertain, row.canceled])
    }

    async fn results(&self, id: Uuid) -> Vec<String> {
        let items = self.store.list_items(id, None, -1, 100).await.expect("items");
        items.into_iter().map(|item| item.result).collect()
    }

    /// What is left of a job's secrets: its permit and its payload.
    async fn secrets(&self, id: Uuid) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let find = sqlx::query_as("SELECT permit, payload FROM job_secrets WHERE job_id = $1");
        find.bind(id).fetch_one(&self.db).await.expect("a row")
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_job_did_not_begin_is_canceled_with_it_and_stays_so(db: PgPool) {
    let desk = Desk::new(db);
    let id = desk.started(4).await;
    let job = desk.take().await;
    desk.does(&job, 0, "failed").await;
    let (sent, waits) =
        (desk.begins(&job, 1).await.expect("begun"), desk.begins(&job, 2).await.expect("begun"));
    assert!(desk.store.cancel_job(ALICE, id).await.expect("an answer"));
    assert_eq!(desk.shown(id).await, ("canceled".to_owned(), [0, 2, 1, 0, 1]));
    // What comes back in line finds none: it was not done, or may have been.
    desk.end(&job, 1, &sent, "waiting", false).await;
    desk.end(&job, 2, &waits, "waiting", true).await;
    assert_eq!(desk.results(id).await, ["failed", "uncertain", "canceled", "canceled"]);
    desk.store.leave_job(id, desk.node).await.expect("left");

    assert_eq!(desk.retry(id, b"second").await, Repeated::InLine(Permit::Kept { replaced: None }));
    assert_eq!(desk.results(id).await, ["waiting", "uncertain", "canceled", "canceled"]);
    assert_eq!(desk.shown(id).await, ("running".to_owned(), [1, 0, 0, 1, 2]));
    let job = desk.take().await;
    desk.does(&job, 0, "done").await;
    let left = desk.store.leave_job(id, desk.node).await.expect("an answer").expect("left");
    assert_eq!(left.state, "done");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_release_before_left_in_line_of_a_canceled_job_is_not_done_either(db: PgPool) {
    let desk = Desk::new(db.clone());
    let id = desk.started(2).await;
    let job = desk.take().await;
    desk.does(&job, 0, "failed").await;
    desk.store.leave_job(id, desk.node).await.expect("left");
    let canceled =
        sqlx::query("UPDATE jobs SET state = 'canceled', finished_at = now() WHERE id = $1").bind(id);
    canceled.execute(&db).await.expect("canceled as before");
    assert!(matches!(desk.retry(id, b"second").await, Repeated::InLine(_)));
    assert_eq!(desk.results(id).await, ["waiting", "canceled"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_repeated_of_what_is_paused_planned_well_or_erased(db: PgPool) {
    let desk = Desk::new(db);
    let planned = desk.planned(1, false).await;
    assert_eq!(desk.retry(planned, b"second").await, Repeated::NotStarted);
    assert_eq!(desk.retry(Uuid::new_v4(), b"second").await, Repeated::NotStarted);

    let id = desk.started(2).await;
    let job = desk.take().await;
    assert_eq!(desk.retry(id, b"second").await, Repeated::NothingFailed);
    desk.does(&job, 0, "failed").await;
    assert!(desk.store.pause_job(ALICE, id).await.expect("an answer"));
    assert_eq!(desk.retry(id, b"second").await, Repeated::Paused);
    assert_eq!(desk.shown(id).await, ("paused".to_owned(), [1, 0, 1, 0, 0]));
    desk.store.leave_job(id, desk.node).await.expect("left");

    let secret = desk.planned(1, true).await;
    desk.start(secret, "planned", b"first").await;
    let job = desk.take().await;
    desk.does(&job, 0, "failed").await;
    desk.store.leave_job(secret, desk.node).await.expect("left");
    assert_eq!(desk.store.take_sealed_permit(secret).await.expect("an answer"), Some(b"first".to_vec()));
    assert_eq!(desk.retry(secret, b"second").await, Repeated::Erased);
    assert_eq!(desk.secrets(secret).await, (None, None));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_run_holds_and_begins_nothing_of_the_one_that_follows(db: PgPool) {
    let desk = Desk::new(db);
    let id = desk.started(3).await;
    let before = desk.take().await;
    // Of two calls that were refused the first one holds the job, and its owner is quick.
    assert!(desk.store.hold_job(&before, desk.node, "Signed out.").await.expect("an answer"));
    assert!(!desk.store.hold_job(&before, desk.node, "Signed out.").await.expect("an answer"));
    desk.start(id, "paused", b"second").await;
    assert!(!desk.store.hold_job(&before, desk.node, "Signed out.").await.expect("an answer"));
    assert_eq!(desk.shown(id).await.0, "running");
    assert_eq!(desk.begins(&before, 0).await, None);
    assert!(desk.store.list_places(&before, desk.node).await.expect("places").is_empty());
    let left = desk.store.leave_job(id, desk.node).await.expect("an answer").expect("left");
    assert_ne!(left.run, before.run, "whose permit this node is to end");
    let after = desk.take().await;
    assert!(desk.begins(&after, 0).await.is_some());
    // Nor does a node hold what another one has.
    assert!(!desk.store.hold_job(&after, Uuid::new_v4(), "Signed out.").await.expect("an answer"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_permit_that_is_replaced_is_ended_unless_a_node_has_worked_with_it(db: PgPool) {
    let desk = Desk::new(db);
    let id = desk.started(3).await;
    desk.take().await;
    desk.store.pause_job(ALICE, id).await.expect("paused");
    let replaced = |permit: &[u8]| Permit::Kept { replaced: Some(permit.to_vec()) };
    assert_eq!(desk.start(id, "paused", b"second").await, Permit::Kept { replaced: None });
    // The node has the first one still, and none the second.
    desk.store.pause_job(ALICE, id).await.expect("paused");
    assert_eq!(desk.start(id, "paused", b"third").await, replaced(b"second"));
    desk.store.leave_job(id, desk.node).await.expect("left");
    desk.take().await;
    desk.store.pause_job(ALICE, id).await.expect("paused");
    // The node is gone, but what it asked for may still be under way in the cloud.
    desk.clock.advance(Duration::from_secs(31));
    assert_eq!(desk.start(id, "paused", b"fourth").await, Permit::Kept { replaced: None });
    assert_eq!(desk.start(id, "paused", b"fifth").await, Permit::NotKept);
    assert_eq!(desk.secrets(id).await.0, Some(b"fourth".to_vec()));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_is_repeated_while_it_ends_goes_on_with_the_permit_it_has_or_gets(db: PgPool) {
    let desk = Desk::new(db);
    let id = desk.started(2).await;
    let job = desk.take().await;
    desk.does(&job, 0, "failed").await;
    desk.does(&job, 1, "failed").await;
    // The node is about to let go.
    assert_eq!(desk.retry(id, b"second").await, Repeated::InLine(Permit::NotKept));
    let left = desk.store.leave_job(id, desk.node).await.expect("an answer").expect("left");
    assert_eq!((left.state.as_str(), left.waiting, left.run), ("running", 2, job.run));
    assert_eq!(desk.store.take_sealed_permit(id).await.expect("an answer"), None, "it is in use");

    let job = desk.take().await;
    desk.does(&job, 0, "failed").await;
    desk.does(&job, 1, "done").await;
    desk.store.leave_job(id, desk.node).await.expect("left");
    // It has let go, and did not erase the permit yet.
    let repeated = desk.retry(id, b"third").await;
    assert_eq!(repeated, Repeated::InLine(Permit::Kept { replaced: None }));
    assert_eq!(desk.store.take_sealed_permit(id).await.expect("an answer"), None, "the new one is in use");
    assert_eq!(desk.secrets(id).await.0, Some(b"third".to_vec()));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_node_left_that_died_before_it_let_go_is_ended_and_erased(db: PgPool) {
    let desk = Desk::new(db.clone());
    let id = desk.planned(2, true).await;
    desk.start(id, "planned", b"first").await;
    let job = desk.take().await;
    let request_id = desk.begins(&job, 0).await.expect("begun");
    desk.store.cancel_job(ALICE, id).await.expect("canceled");
    desk.end(&job, 0, &request_id, "done", false).await;

    let left = async || {
        desk.store.end_left_jobs(10).await.expect("ended");
        desk.store.list_left_permits(10).await.expect("jobs")
    };
    assert!(left().await.is_empty(), "its node may be about to let go");
    desk.clock.advance(Duration::from_secs(31));
    assert!(desk.store.lease_jobs(desk.node, LEASE, 10).await.expect("jobs").is_empty());
    assert_eq!(left().await, [id]);
    assert_eq!(desk.store.take_sealed_permit(id).await.expect("an answer"), Some(b"first".to_vec()));
    assert_eq!(desk.secrets(id).await, (None, None));
    assert!(left().await.is_empty());
    let row = desk.store.find_job(ALICE, id).await.expect("an answer").expect("a job");
    assert!(row.finished_at.is_some_and(|at| at <= desk.clock.now()));
    assert_eq!(desk.store.delete_old_jobs(desk.clock.now(), 10).await.expect("deleted"), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_canceled_job_whose_last_call_ends_after_its_node_let_go_is_over(db: PgPool) {
    let desk = Desk::new(db);
    let id = desk.started(1).await;
    let job = desk.take().await;
    let request_id = desk.begins(&job, 0).await.expect("begun");
    desk.store.cancel_job(ALICE, id).await.expect("canceled");
    desk.store.leave_job(id, desk.node).await.expect("left");
    desk.end(&job, 0, &request_id, "done", false).await;
    desk.store.end_left_jobs(10).await.expect("ended");
    let row = desk.store.find_job(ALICE, id).await.expect("an answer").expect("a job");
    assert!(row.finished_at.is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn items_are_given_out_only_while_their_job_runs(db: PgPool) {
    let desk = Desk::new(db);
    let id = desk.started(3).await;
    let job = desk.take().await;
    let places = async || desk.store.list_places(&job, desk.node).await.expect("places");
    assert_eq!(places().await, ["RegionOne"]);
    desk.begins(&job, 0).await.expect("begun");
    desk.store.pause_job(ALICE, id).await.expect("paused");
    // What runs is settled by whoever holds the job; what waits does not come in its way.
    assert!(places().await.is_empty());
    assert!(desk.store.is_wanted(id, desk.node).await.expect("an answer"));
    desk.store.cancel_job(ALICE, id).await.expect("canceled");
    assert!(!desk.store.is_wanted(id, desk.node).await.expect("an answer"));
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_that_are_not_over_are_listed_however_many_and_old_they_are(db: PgPool) {
    let desk = Desk::new(db);
    let mut not_over = Vec::new();
    for number in 0..4 {
        not_over.push(if number % 2 == 0 { desk.planned(1, false).await } else { desk.started(1).await });
        desk.clock.advance(Duration::from_secs(1));
    }
    for _ in 0..3 {
        let id = desk.planned(1, false).await;
        desk.store.cancel_job(ALICE, id).await.expect("canceled");
        desk.clock.advance(Duration::from_secs(1));
    }
    let listed = desk.store.list_jobs(ALICE, 2).await.expect("jobs");
    let states: Vec<_> = listed.iter().map(|job| job.state.as_str()).collect();
    assert_eq!(states, ["canceled", "canceled", "running", "planned", "running", "planned"]);
    let older: Vec<_> = listed[2..].iter().rev().map(|job| job.id).collect();
    assert_eq!(older, not_over);
    assert!(desk.store.list_jobs("bob", 2).await.expect("jobs").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn neither_lists_nor_the_cleaning_read_every_job_there_is(db: PgPool) {
    // One connection, so that its own counts tell what it did.
    let options = (*db.connect_options()).clone();
    let one = PgPoolOptions::new().max_connections(1).connect_with(options).await.expect("a connection");
    let desk = Desk::new(one);
    let id = desk.started(1).await;
    for statement in [
        "INSERT INTO jobs (id, user_id, user_name, session, project_id, project_name, idempotency_key, action, state,
            total, waiting, done, created_at, finished_at)
        SELECT gen_random_uuid(), 'bob', 'bob', '', '', '', gen_random_uuid(), 'stop', 'done', 1, 0, 1, now(), now()
        FROM generate_series(1, 20000)",
        "INSERT INTO job_secrets (job_id, payload, payload_is_secret)
        SELECT id, 'payload', false FROM jobs WHERE user_id = 'bob'",
        "ANALYZE jobs",
        "ANALYZE job_secrets",
    ] {
        sqlx::query(statement).execute(&desk.db).await.expect("rows");
    }
    let whole_reads = async || -> i64 {
        for statement in ["SELECT pg_stat_force_next_flush()", "SELECT pg_stat_clear_snapshot()"] {
            sqlx::query(statement).execute(&desk.db).await.expect("counted");
        }
        let count =
            "SELECT SUM(seq_scan)::bigint FROM pg_stat_user_tables WHERE relname IN ('jobs', 'job_secrets')";
        sqlx::query_scalar(count).fetch_one(&desk.db).await.expect("a count")
    };
    let before = whole_reads().await;
    let long_ago = desk.clock.now() - TimeDelta::days(30);
    desk.store.delete_old_jobs(long_ago, 20).await.expect("deleted");
    desk.store.end_left_jobs(20).await.expect("ended");
    assert!(desk.store.list_left_permits(20).await.expect("jobs").is_empty());
    assert_eq!(desk.store.list_jobs(ALICE, 50).await.expect("jobs").len(), 1);
    assert_eq!(desk.take().await.id, id);
    desk.planned(1, false).await;
    assert_eq!(whole_reads().await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn turns_of_all_nodes_in_one_region_are_as_far_apart_as_those_of_one(db: PgPool) {
    let desk = Desk::new(db);
    let (then, start) = (Utc::now(), Instant::now());
    let mut nodes = [(); 3].map(|()| Pace::new(10.0, start));
    let mut turns = Vec::new();
    for number in 0..90 {
        // The third joins later, and the others are not quite as quick as each other.
        let which = if number < 30 { number % 2 } else { number % 7 % 3 };
        let pace = &mut nodes[which];
        turns.push(loop {
            if let Some(at) = pace.reserve(start) {
                break at;
            }
            let length = pace.wanted();
            desk.reserves(length).await;
            // As long after the start as it is by the database's clock.
            let over_at = desk.free_from(then).await.expect("a time");
            pace.grant(start + Duration::from_micros(over_at.unsigned_abs()) - length, length);
        });
    }
    turns.sort();
    let apart = turns.windows(2).map(|two| two[1] - two[0]).min();
    assert_eq!(apart, Some(Duration::from_millis(100)));
}

#[sqlx::test(migrations = "../migrations")]
async fn no_node_waits_for_what_was_taken_before_the_clock_was_put_back(db: PgPool) {
    let desk = Desk::new(db);
    let length = Duration::from_secs(10);
    assert_eq!(desk.reserves(length).await, Duration::ZERO);
    let put_back = sqlx::query("UPDATE job_places SET next_at = next_at + interval '1 day'");
    put_back.execute(&desk.db).await.expect("put back");
    assert!(desk.reserves(length).await <= 100 * length);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_many_make_room_for_one_that_somebody_waits_for_and_only_where_there_are_many(db: PgPool) {
    let desk = Desk::new(db);
    let then = Utc::now();
    let id = desk.started(4).await;
    let job = desk.take().await;
    let room = Some(Duration::from_secs(60));
    desk.begins_with(&job, 0, room).await.expect("begun");
    assert_eq!(desk.free_from(then).await, None, "there are none of many");

    desk.reserves(Duration::from_secs(100)).await;
    let before = desk.free_from(then).await.expect("a time");
    desk.begins_with(&job, 1, room).await.expect("begun");
    assert_eq!(desk.free_from(then).await, Some(before + 60_000_000));
    // Those of many have had their turn, and one that is not begun needs none.
    desk.begins_with(&job, 2, None).await.expect("begun");
    desk.store.cancel_job(ALICE, id).await.expect("canceled");
    assert_eq!(desk.begins_with(&job, 3, room).await, None);
    assert_eq!(desk.free_from(then).await, Some(before + 60_000_000));

    // What the many had is over.
    let over = sqlx::query("UPDATE job_places SET next_at = $1").bind(then);
    over.execute(&desk.db).await.expect("over");
    let id = desk.planned(1, false).await;
    desk.start(id, "planned", b"first").await;
    let job = desk.take().await;
    desk.begins_with(&job, 0, room).await.expect("begun");
    assert_eq!(desk.free_from(then).await, Some(0));
}
