//! How fast: so many items a second in one place, whatever the number of jobs and nodes, and fewer when it asks for that.
//!
//! The nodes share a place's time out among themselves in Postgres. A node takes a stretch of it, up to half a second
//! long, and begins its items in there at its own pace without asking again. What it does not use of a stretch passes;
//! so it takes at most twice as long a stretch as it used of the last one. Where two nodes' stretches meet, two items may
//! be closer than usual, and any second has one more than configured at most.
//!
//! That a place is to be left alone for a while, or called less often, each node learns by itself. A slower one takes
//! longer stretches for as many items, so the place gets fewer in all.

use std::{collections::HashMap, ops::Range, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until},
};

use super::JobStore;
use crate::config::JobsConfig;

/// The places, as this node works in them. Cheap to clone.
#[derive(Clone)]
pub struct Rates(Arc<Shared>);

struct Shared {
    store: JobStore,
    config: JobsConfig,
    places: Mutex<HashMap<String, Arc<Place>>>,
}

struct Place {
    name: String,
    pace: Mutex<Pace>,
    room: Arc<Semaphore>,
    /// Whoever is first in it asks Postgres for all.
    line: tokio::sync::Mutex<()>,
}

/// When this node's next one may begin. Pure: the time is passed in, and so is what Postgres says.
#[derive(Debug)]
pub struct Pace {
    /// Between two at the configured rate.
    usual: Duration,
    interval: Duration,
    next_at: Instant,
    paused_until: Instant,
    /// The part of the place's time that is this node's.
    stretch: Range<Instant>,
    /// Turns given out of it.
    given: u32,
}

/// The right to do one item now.
pub struct Turn {
    _room: Option<OwnedSemaphorePermit>,
}

impl Rates {
    pub fn new(store: JobStore, config: JobsConfig) -> Self {
        Self(Arc::new(Shared { store, config, places: Mutex::default() }))
    }

    /// Waits for the turn of one item out of many; without end while Postgres does not answer.
    pub async fn turn(&self, place: &str) -> Turn {
        let place = self.place(place);
        // Never closed, so never refused; without one it would just be done.
        let room = place.room.clone().acquire_owned().await.ok();
        loop {
            sleep_until(self.reserve(&place).await).await;
            // The place may have asked for a pause meanwhile.
            if place.pace.lock().paused_at(Instant::now()).is_none() {
                return Turn { _room: room };
            }
        }
    }

    /// Nothing begins in this place for a while; where it asked for fewer, it goes on at half the rate.
    pub fn pause(&self, place: &str, wait: Duration, slows: bool) {
        self.place(place).pace.lock().pause(Instant::now(), wait, slows);
    }

    /// It answers: back to the usual rate, little by little.
    pub fn went_well(&self, place: &str) {
        self.place(place).pace.lock().went_well();
    }

    /// Items under way at the same time in one place, on this node.
    pub fn concurrency(&self) -> usize {
        self.0.config.concurrency
    }

    /// Between two in one place, at the configured rate.
    pub fn interval(&self) -> Duration {
        interval(self.0.config.per_second)
    }

    /// The next turn in a place, for whoever asks and nobody else on any node.
    async fn reserve(&self, place: &Place) -> Instant {
        let _first = place.line.lock().await;
        loop {
            let now = Instant::now();
            let paused = place.pace.lock().paused_at(now);
            if let Some(until) = paused {
                sleep_until(until).await;
                continue;
            }
            let reserved = place.pace.lock().reserve(now);
            if let Some(at) = reserved {
                return at;
            }
            let length = place.pace.lock().wanted();
            let longest_line = LONGEST_LINE * length.max(AHEAD);
            match self.0.store.reserve_stretch(&place.name, length, longest_line).await {
                Ok(begins_in) => place.pace.lock().grant(Instant::now() + begins_in, length),
                Err(error) => {
                    tracing::warn!(place = place.name, %error, "turns could not be taken");
                    sleep(DATABASE_PAUSE).await;
                }
            }
        }
    }

    fn place(&self, name: &str) -> Arc<Place> {
        let mut places = self.0.places.lock();
        if let Some(place) = places.get(name) {
            return place.clone();
        }
        let place = Arc::new(Place {
            name: name.to_owned(),
            pace: Mutex::new(Pace::new(self.0.config.per_second, Instant::now())),
            room: Arc::new(Semaphore::new(self.0.config.concurrency)),
            line: tokio::sync::Mutex::default(),
        });
        places.insert(name.to_owned(), place.clone());
        place
    }
}

impl Pace {
    pub fn new(per_second: f64, now: Instant) -> Self {
        let usual = interval(per_second);
        Self { usual, interval: usual, next_at: now, paused_until: now, stretch: now..now, given: 0 }
    }

    /// Takes the next place in line; gives when it is. `None`: this node's stretch is over before that, and it needs
    /// another one.
    pub fn reserve(&mut self, now: Instant) -> Option<Instant> {
        let at = self.next_at.max(now).max(self.paused_until).max(self.stretch.start);
        if at >= self.stretch.end {
            return None;
        }
        self.next_at = at + self.interval;
        self.given += 1;
        Some(at)
    }

    /// How long a stretch to ask for: for twice as many as the last one was used for, within bounds.
    pub fn wanted(&self) -> Duration {
        let most = AHEAD.as_nanos() / self.interval.as_nanos().max(1);
        let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
        self.interval * self.given.saturating_mul(2).clamp(1, most)
    }

    /// So much of the place's time is this node's, in place of what was before.
    pub fn grant(&mut self, from: Instant, length: Duration) {
        self.stretch = from..from + length;
        self.given = 0;
    }

    /// Until when nothing may begin; `None`: it may.
    pub fn paused_at(&self, now: Instant) -> Option<Instant> {
        (now < self.paused_until).then_some(self.paused_until)
    }

    pub fn pause(&mut self, now: Instant, wait: Duration, slows: bool) {
        self.paused_until = self.paused_until.max(now + wait.min(LONGEST_PAUSE));
        if slows {
            self.interval = (self.interval * 2).min(SLOWEST.max(self.usual));
        }
    }

    pub fn went_well(&mut self) {
        self.interval = self.interval.mul_f64(RECOVERY).max(self.usual);
    }
}

fn interval(per_second: f64) -> Duration {
    Duration::from_secs_f64(1.0 / per_second)
}

/// Turns are taken so far ahead: few questions to Postgres, and the others' turn comes soon.
const AHEAD: Duration = Duration::from_millis(500);
/// So many stretches are more than nodes stand in line with.
const LONGEST_LINE: u32 = 100;
/// A database that fails is asked again after so long.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);
/// A region that asks for an hour is asked again before that: it may have meant something else.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// One every five seconds is little enough for any service.
const SLOWEST: Duration = Duration::from_secs(5);
/// Some fourteen good answers double the rate again.
const RECOVERY: f64 = 0.95;

#[cfg(test)]
mod tests {
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
}
