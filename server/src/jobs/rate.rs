//! How fast: so many items a second in one place, whatever the number of jobs, and fewer when it asks for that.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

use crate::config::JobsConfig;

/// The places of this node. Cheap to clone.
#[derive(Clone)]
pub struct Rates(Arc<Shared>);

struct Shared {
    config: JobsConfig,
    places: Mutex<HashMap<String, Arc<Place>>>,
}

struct Place {
    pace: Mutex<Pace>,
    room: Arc<Semaphore>,
}

/// When the next one may begin. Pure: the time is passed in.
#[derive(Debug)]
pub struct Pace {
    /// Between two at the configured rate.
    usual: Duration,
    interval: Duration,
    next_at: Instant,
    paused_until: Instant,
}

/// The right to do one item now.
pub struct Turn {
    _room: Option<OwnedSemaphorePermit>,
}

impl Rates {
    pub fn new(config: JobsConfig) -> Self {
        Self(Arc::new(Shared { config, places: Mutex::default() }))
    }

    /// Waits for the turn of one item out of many.
    pub async fn turn(&self, place: &str) -> Turn {
        let place = self.place(place);
        // Never closed, so never refused; without one it would just be done.
        let room = place.room.clone().acquire_owned().await.ok();
        let mut at = place.pace.lock().reserve(Instant::now());
        loop {
            sleep_until(at).await;
            // The place may have asked for a pause meanwhile.
            match place.pace.lock().paused_at(Instant::now()) {
                Some(until) => at = until,
                None => return Turn { _room: room },
            }
        }
    }

    /// The turn of an item that somebody waits for: at once, and those of many wait for it.
    pub fn turn_at_once(&self, place: &str) -> Turn {
        self.place(place).pace.lock().reserve(Instant::now());
        Turn { _room: None }
    }

    /// Nothing begins in this place for a while; where it asked for fewer, it goes on at half the rate.
    pub fn pause(&self, place: &str, wait: Duration, slows: bool) {
        self.place(place).pace.lock().pause(Instant::now(), wait, slows);
    }

    /// It answers: back to the usual rate, little by little.
    pub fn went_well(&self, place: &str) {
        self.place(place).pace.lock().went_well();
    }

    /// Items under way at the same time in one place.
    pub fn concurrency(&self) -> usize {
        self.0.config.concurrency
    }

    fn place(&self, name: &str) -> Arc<Place> {
        let mut places = self.0.places.lock();
        if let Some(place) = places.get(name) {
            return place.clone();
        }
        let place = Arc::new(Place {
            pace: Mutex::new(Pace::new(self.0.config.per_second, Instant::now())),
            room: Arc::new(Semaphore::new(self.0.config.concurrency)),
        });
        places.insert(name.to_owned(), place.clone());
        place
    }
}

impl Pace {
    pub fn new(per_second: f64, now: Instant) -> Self {
        let usual = Duration::from_secs_f64(1.0 / per_second);
        Self { usual, interval: usual, next_at: now, paused_until: now }
    }

    /// Takes the next place in line; gives when it is.
    pub fn reserve(&mut self, now: Instant) -> Instant {
        let at = self.next_at.max(now).max(self.paused_until);
        self.next_at = at + self.interval;
        at
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

/// A region that asks for an hour is asked again before that: it may have meant something else.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// One every five seconds is little enough for any service.
const SLOWEST: Duration = Duration::from_secs(5);
/// Some fourteen good answers double the rate again.
const RECOVERY: f64 = 0.95;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn items_are_spread_over_the_second_and_time_not_used_is_not_saved_up() {
        let now = Instant::now();
        let mut pace = Pace::new(10.0, now);
        let first: Vec<_> = (0..3).map(|_| pace.reserve(now) - now).collect();
        assert_eq!(first, [ms(0), ms(100), ms(200)]);
        let later = now + ms(10_000);
        assert_eq!(pace.reserve(later), later);
        assert_eq!(pace.reserve(later), later + ms(100));
    }

    #[test]
    fn who_asks_for_fewer_gets_half_after_a_pause_and_the_rest_back_when_it_goes_well() {
        let now = Instant::now();
        let mut pace = Pace::new(10.0, now);
        pace.pause(now, ms(7_000), true);
        assert_eq!(pace.reserve(now), now + ms(7_000));
        assert_eq!(pace.reserve(now), now + ms(7_200));
        for _ in 0..100 {
            pace.went_well();
        }
        let at = pace.reserve(now + ms(20_000));
        assert_eq!(pace.reserve(now + ms(20_000)) - at, ms(100));
    }

    #[test]
    fn never_more_begin_in_a_second_than_were_configured() {
        let now = Instant::now();
        let mut pace = Pace::new(10.0, now);
        let begun: Vec<_> = (0..50).map(|_| pace.reserve(now) - now).collect();
        assert_eq!(begun[49], ms(4_900));
        assert!(begun.windows(11).all(|eleven| eleven[10] - eleven[0] >= ms(1_000)));
    }

    #[tokio::test]
    async fn somebody_who_waits_goes_first_and_the_many_make_room() {
        let rates = Rates::new(JobsConfig { per_second: 0.01, ..JobsConfig::default() });
        drop(rates.turn("here").await);
        // The next of many has to wait for a hundred seconds; this one waits for nobody.
        drop(rates.turn_at_once("here"));
        let next_at = rates.place("here").pace.lock().next_at;
        assert!(next_at > Instant::now() + Duration::from_secs(150));
        // What is elsewhere is no matter of this place.
        drop(rates.turn("there").await);
    }
}
