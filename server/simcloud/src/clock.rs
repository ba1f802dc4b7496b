//! The cloud's clock: the machine's time plus an offset that tests move forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A clock that everything in the cloud reads, so that token expiry and life cycles can be tested
/// by moving it instead of waiting. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The cloud's present.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Moves the cloud's present forward.
    pub fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

/// Nova's and Glance's form of a time, to the second: `2026-11-20T19:02:48Z`.
pub fn seconds_z(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Nova's other form, without a zone and with empty microseconds: `2026-11-20T19:02:49.000000`.
pub fn micros(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S.000000").to_string()
}

/// Keystone's form: `2026-11-20T20:02:22.000000Z`.
pub fn micros_z(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

/// The time cut to whole seconds, as the services' databases keep it.
pub fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}
