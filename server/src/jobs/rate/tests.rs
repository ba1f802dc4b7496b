//! The rate of a place over several nodes, and what a node learns of it.

use std::pin::pin;

use sqlx::PgPool;

use super::*;
use crate::{
    clock::Clock,
    testing::{DatabaseProxy, Log, until},
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The pace of a node that is alone: it has the time that it asks for.
fn reserve(pace: &mut Pace, now: Instant) -> Instant {
    loop {
        if let Some(at) = pace.reserve(now) {
            return at;
        }
        let length = pace.wanted();
        pace.grant(pace.stretch.end.max(now), length);
    }
}

#[test]
fn items_are_spread_over_the_second_and_time_not_used_is_not_saved_up() {
    let now = Instant::now();
    let mut pace = Pace::new(10.0, now);
    let first: Vec<_> = (0..3).map(|_| reserve(&mut pace, now) - now).collect();
    assert_eq!(first, [ms(0), ms(100), ms(200)]);
    let later = now + ms(10_000);
    assert_eq!(reserve(&mut pace, later), later);
    assert_eq!(reserve(&mut pace, later), later + ms(100));
}

#[test]
fn who_asks_for_fewer_gets_half_after_a_pause_and_the_rest_back_when_it_goes_well() {
    let now = Instant::now();
    let mut pace = Pace::new(10.0, now);
    pace.pause(now, ms(7_000), true);
    assert_eq!(pace.paused_at(now), Some(now + ms(7_000)));
    let then = now + ms(7_000);
    assert_eq!((pace.paused_at(then), reserve(&mut pace, then)), (None, then));
    assert_eq!(reserve(&mut pace, then), then + ms(200));
    for _ in 0..100 {
        pace.went_well();
    }
    let at = reserve(&mut pace, now + ms(20_000));
    assert_eq!(reserve(&mut pace, now + ms(20_000)) - at, ms(100));
}

#[test]
fn never_more_begin_in_a_second_than_were_configured() {
    let now = Instant::now();
    let mut pace = Pace::new(10.0, now);
    let begun: Vec<_> = (0..50).map(|_| reserve(&mut pace, now) - now).collect();
    assert_eq!(begun[49], ms(4_900));
    assert!(begun.windows(11).all(|eleven| eleven[10] - eleven[0] >= ms(1_000)));
}

#[test]
fn a_node_asks_for_more_while_it_uses_all_and_for_less_when_it_does_not() {
    let now = Instant::now();
    let mut pace = Pace::new(10.0, now);
    let mut asked = Vec::new();
    let mut next = now;
    for used in [0, 1, 2, 4, 5, 1, 0] {
        pace.grant(next, pace.wanted());
        asked.push(pace.stretch.end - pace.stretch.start);
        for _ in 0..used {
            assert!(pace.reserve(now).is_some_and(|at| pace.stretch.contains(&at)));
        }
        next = pace.stretch.end;
    }
    assert_eq!(asked, [100, 100, 200, 400, 500, 500, 200].map(ms));
    assert_eq!(pace.wanted(), ms(100));
    // One that was asked for fewer needs more time for as many, and has it in one piece.
    (0..10).for_each(|_| pace.pause(now, ms(0), true));
    assert_eq!(pace.wanted(), SLOWEST);
    pace.grant(next, SLOWEST);
    assert!(pace.reserve(now).is_some() && pace.reserve(now).is_none());
}

fn node(db: &PgPool, per_second: f64) -> Rates {
    let store = JobStore::new(db.clone(), Clock::movable());
    Rates::new(store, JobsConfig { per_second, ..JobsConfig::default() })
}

#[sqlx::test(migrations = "../migrations")]
async fn what_one_node_takes_of_a_place_another_has_to_wait_for(db: PgPool) {
    let (one, other) = (node(&db, 0.01), node(&db, 0.01));
    drop(one.turn("here").await);
    // A hundred seconds for each.
    let at = other.reserve(&other.place("here")).await;
    assert!(at > Instant::now() + Duration::from_secs(50));
    let at = one.reserve(&one.place("here")).await;
    assert!(at > Instant::now() + Duration::from_secs(150));
    // What is elsewhere is no matter of this place.
    drop(other.turn("there").await);
}

#[sqlx::test(migrations = "../migrations")]
async fn every_turn_of_every_node_has_its_share_of_the_places_time(db: PgPool) {
    let begun_at: f64 = sqlx::query_scalar("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")
        .fetch_one(&db)
        .await
        .expect("a time");
    let nodes = [node(&db, 200.0), node(&db, 200.0)];
    let take = async |rates: &Rates| {
        for _ in 0..40 {
            drop(rates.turn("here").await);
        }
    };
    tokio::join!(take(&nodes[0]), take(&nodes[1]));
    let next_at: f64 = sqlx::query_scalar("SELECT EXTRACT(EPOCH FROM next_at)::float8 FROM job_places")
        .fetch_one(&db)
        .await
        .expect("a time");
    // Eighty turns of five milliseconds.
    assert!(next_at - begun_at > 0.399, "{}", next_at - begun_at);
}

#[sqlx::test(migrations = "../migrations")]
async fn turns_are_waited_for_while_the_database_is_away(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    proxy.refuse();
    let log = Log::listen();
    let rates = node(&proxy.pool(), 10.0);
    let mut turn = pin!(rates.turn("here"));
    tokio::select! {
        _ = &mut turn => panic!("nobody gave it"),
        () = until("it to be refused", async || log.text().contains("turns could not be taken")) => {}
    }
    proxy.pass();
    turn.await;
}
