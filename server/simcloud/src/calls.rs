//! The log of the requests the cloud received, which tests read to see who asked for what.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::Serialize;

use crate::faults::Service;

/// How many calls are kept; the counts go on beyond it.
const KEPT: usize = 10_000;

/// A request one of the services received.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord {
    /// Empty for the identity service.
    pub region: String,
    pub service: Service,
    pub method: String,
    /// As it was sent: `/v2.1/servers/detail?limit=1000`.
    pub path_and_query: String,
    /// `None` while it is not answered, and for good when the caller left or the service hangs.
    pub status: Option<u16>,
    pub at: DateTime<Utc>,
    /// The name of the token's user, where there was a good token.
    pub user: Option<String>,
    /// The name of the project the token is scoped to.
    pub project: Option<String>,
    /// The microversion header as sent.
    pub microversion: Option<String>,
    /// The caller's own id of what the request belongs to: `X-OpenStack-Request-ID`, where it is one.
    pub global_request_id: Option<String>,
}

/// The calls in the order of their arrival.
#[derive(Debug, Default)]
pub struct CallLog {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: VecDeque<CallRecord>,
    /// The number of the first record still kept.
    first: u64,
    counts: HashMap<(String, Service), u64>,
    in_flight: HashMap<(String, Service), u64>,
}

impl CallLog {
    pub fn begin(&self, record: CallRecord) -> CallInFlight<'_> {
        let mut inner = self.inner.lock();
        let key = (record.region.clone(), record.service);
        *inner.counts.entry(key.clone()).or_default() += 1;
        *inner.in_flight.entry(key.clone()).or_default() += 1;
        let number = inner.first + inner.records.len() as u64;
        inner.records.push_back(record);
        if inner.records.len() > KEPT {
            inner.records.pop_front();
            inner.first += 1;
        }
        CallInFlight { log: self, number, key }
    }

    pub fn records(&self) -> Vec<CallRecord> {
        self.inner.lock().records.iter().cloned().collect()
    }

    /// Requests received since the start or the last reset.
    pub fn count(&self, region: &str, service: Service) -> u64 {
        let inner = self.inner.lock();
        let matching = inner.counts.iter().filter(|((of, kind), _)| {
            *kind == service && (region == "*" || service == Service::Identity || of == region)
        });
        matching.map(|(_, count)| count).sum()
    }

    /// Requests received, whose caller still waits.
    pub fn in_flight(&self, region: &str, service: Service) -> u64 {
        let region = if service == Service::Identity { "" } else { region };
        self.inner.lock().in_flight.get(&(region.to_owned(), service)).copied().unwrap_or(0)
    }

    pub fn reset(&self) {
        let mut inner = self.inner.lock();
        inner.first += inner.records.len() as u64;
        inner.records.clear();
        inner.counts.clear();
    }
}

/// A call being answered; dropped when its caller has the answer or has left.
pub struct CallInFlight<'a> {
    log: &'a CallLog,
    number: u64,
    key: (String, Service),
}

impl CallInFlight<'_> {
    pub fn answered(&self, status: u16) {
        let mut inner = self.log.inner.lock();
        // Reset or pushed out meanwhile: there is no record left to complete.
        let Some(index) = self.number.checked_sub(inner.first) else { return };
        if let Some(record) = usize::try_from(index).ok().and_then(|index| inner.records.get_mut(index)) {
            record.status = Some(status);
        }
    }
}

impl Drop for CallInFlight<'_> {
    fn drop(&mut self) {
        let mut inner = self.log.inner.lock();
        if let Some(count) = inner.in_flight.get_mut(&self.key) {
            *count = count.saturating_sub(1);
        }
    }
}
