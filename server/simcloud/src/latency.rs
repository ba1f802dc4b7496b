//! What a request costs and who computes it: the durations of the recordings, and a number of API
//! workers per region and service that compute one request each at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::faults::Service;

/// How long answers take. The recorded values: a page of 1,000 servers 6.3 s in detail and 2.3 s
/// light, one server 0.06 s, a sign-in 0.3 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// One row of a detailed list of servers.
    #[serde(with = "millis")]
    pub detail_row: Duration,
    /// One row of a light list of servers, or of a list of ports.
    #[serde(with = "millis")]
    pub light_row: Duration,
    /// One server, and the base of every list of servers. Small lists (flavors, images, networks)
    /// cost a quarter of it.
    #[serde(with = "millis")]
    pub one_server: Duration,
    /// A sign-in with a password. Changing the scope of a token costs a fifteenth.
    #[serde(with = "millis")]
    pub token: Duration,
    /// API workers per region and service; a request occupies one while it is computed. 0: no limit.
    pub workers: usize,
}

impl Latency {
    /// Answers as fast as the machine can, on any number of workers.
    pub fn none() -> Self {
        Latency {
            detail_row: Duration::ZERO,
            light_row: Duration::ZERO,
            one_server: Duration::ZERO,
            token: Duration::ZERO,
            workers: 0,
        }
    }

    /// The recorded durations, on this many workers per region and service.
    pub fn realistic(workers: usize) -> Self {
        Latency {
            detail_row: Duration::from_millis(6),
            light_row: Duration::from_micros(2_300),
            one_server: Duration::from_millis(60),
            token: Duration::from_millis(300),
            workers,
        }
    }

    /// The time one worker is busy with an answer of this cost.
    pub fn of(&self, cost: Cost) -> Duration {
        match cost {
            Cost::Free => Duration::ZERO,
            Cost::Small => self.one_server / 4,
            Cost::OneServer => self.one_server,
            Cost::DetailedPage { rows } => self.one_server + self.detail_row * rows,
            Cost::LightPage { rows } => self.one_server + self.light_row * rows,
            Cost::Password => self.token,
            Cost::Token => self.token / 15,
        }
    }
}

/// What an answer took to compute, in the units of [`Latency`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cost {
    /// Refused before any work: no token, a malformed request.
    #[default]
    Free,
    /// A short list or a single thing that is not a server.
    Small,
    /// One server shown, created or acted upon.
    OneServer,
    /// A page of servers in detail.
    DetailedPage { rows: u32 },
    /// A page of servers' names, or of ports.
    LightPage { rows: u32 },
    /// A password checked.
    Password,
    /// A token made from a token, or checked.
    Token,
}

/// The workers of every region and service.
#[derive(Debug)]
pub struct Workers {
    latency: RwLock<Latency>,
    pools: Mutex<HashMap<(String, Service), Arc<Semaphore>>>,
}

impl Workers {
    pub fn new(latency: Latency) -> Self {
        Workers { latency: RwLock::new(latency), pools: Mutex::default() }
    }

    pub fn latency(&self) -> Latency {
        *self.latency.read()
    }

    /// Changes durations at once and the number of workers for requests that arrive from now on.
    pub fn set_latency(&self, latency: Latency) {
        *self.latency.write() = latency;
        self.pools.lock().clear();
    }

    /// Waits for a free worker of a region's service. `None` when their number is not limited.
    pub async fn occupy(&self, region: &str, service: Service) -> Option<OwnedSemaphorePermit> {
        let workers = self.latency().workers;
        if workers == 0 {
            return None;
        }
        let pool = {
            let mut pools = self.pools.lock();
            let pool = pools.entry((region.to_owned(), service));
            pool.or_insert_with(|| Arc::new(Semaphore::new(workers))).clone()
        };
        pool.acquire_owned().await.ok()
    }

    /// Keeps the worker busy for as long as the answer costs. The worker goes on when the caller has
    /// left, as Nova's does: it does not notice before it writes.
    pub async fn compute(&self, worker: Option<OwnedSemaphorePermit>, cost: Cost) {
        let busy = self.latency().of(cost);
        if busy.is_zero() {
            return;
        }
        let work = tokio::spawn(async move {
            tokio::time::sleep(busy).await;
            drop(worker);
        });
        // The task only sleeps; it ends early only when the runtime shuts down.
        let _ended = work.await;
    }
}

/// Durations as milliseconds in JSON, with fractions: `2.3`.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(value.as_secs_f64() * 1000.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(millis / 1000.0).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detailed_page_of_1000_costs_what_was_recorded() {
        let cost = Latency::realistic(2).of(Cost::DetailedPage { rows: 1000 });
        assert_eq!(cost, Duration::from_millis(6_060));
    }

    #[test]
    fn latency_reads_back_from_its_json() {
        let latency = Latency::realistic(8);
        let json = serde_json::to_string(&latency).expect("json");
        assert_eq!(serde_json::from_str::<Latency>(&json).expect("latency"), latency);
    }

    #[tokio::test(start_paused = true)]
    async fn two_workers_need_twice_the_time_for_four_requests() {
        let latency = Latency { one_server: Duration::from_secs(1), ..Latency::realistic(2) };
        let workers = Arc::new(Workers::new(latency));
        let started = tokio::time::Instant::now();
        let requests = (0..4).map(|_| {
            let workers = workers.clone();
            async move {
                let worker = workers.occupy("RegionOne", Service::Compute).await;
                workers.compute(worker, Cost::OneServer).await;
            }
        });
        futures_util::future::join_all(requests).await;
        assert_eq!(started.elapsed().as_secs(), 2);
    }
}
