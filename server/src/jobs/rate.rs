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
mod tests;
