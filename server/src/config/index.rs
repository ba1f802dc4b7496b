//! How the index of servers is kept true and small.

use std::time::Duration;

use super::reader::Reader;

/// Limits and intervals of the server index.
#[derive(Clone, Debug)]
pub struct IndexConfig {
    /// Time between refreshes while any server is in transition. `index.poll_transition_secs`,
    /// `INDEX_POLL_TRANSITION_SECS`, default 2.
    pub poll_transition: Duration,
    /// Time between refreshes otherwise. `index.poll_idle_secs`, `INDEX_POLL_IDLE_SECS`, default 15.
    pub poll_idle: Duration,
    /// Longest wait for one answer about changes; a region that hangs is noticed after it.
    /// `index.refresh_timeout_secs`, `INDEX_REFRESH_TIMEOUT_SECS`, default 5.
    pub refresh_timeout: Duration,
    /// Longest time between refreshes while a region fails. `index.back_off_max_secs`, `INDEX_BACK_OFF_MAX_SECS`,
    /// default 120.
    pub back_off_max: Duration,
    /// Time between full comparisons: every page is read again, slowly. `index.reconcile_secs`, `INDEX_RECONCILE_SECS`, default 600.
    pub reconcile: Duration,
    /// An index nobody looked at for so long is dropped. `index.evict_idle_secs`, `INDEX_EVICT_IDLE_SECS`, default 600.
    pub evict_idle: Duration,
    /// Bytes all indexes of this node may hold; beyond it the longest idle go first. `index.max_bytes`,
    /// `INDEX_MAX_BYTES`, default 1 GiB.
    pub max_bytes: usize,
    /// Streams of servers one session may have open on this node. `index.streams_per_session`,
    /// `INDEX_STREAMS_PER_SESSION`, default 64.
    pub streams_per_session: usize,
}

impl IndexConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let seconds = Duration::from_secs;
        Self {
            poll_transition: reader.seconds(
                "index.poll_transition_secs",
                "INDEX_POLL_TRANSITION_SECS",
                seconds(2),
                0.05..=3600.0,
            ),
            poll_idle: reader.seconds(
                "index.poll_idle_secs",
                "INDEX_POLL_IDLE_SECS",
                seconds(15),
                0.05..=3600.0,
            ),
            refresh_timeout: reader.seconds(
                "index.refresh_timeout_secs",
                "INDEX_REFRESH_TIMEOUT_SECS",
                seconds(5),
                0.05..=600.0,
            ),
            back_off_max: reader.seconds(
                "index.back_off_max_secs",
                "INDEX_BACK_OFF_MAX_SECS",
                seconds(120),
                0.05..=3600.0,
            ),
            reconcile: reader.seconds(
                "index.reconcile_secs",
                "INDEX_RECONCILE_SECS",
                seconds(600),
                1.0..=86_400.0,
            ),
            evict_idle: reader.seconds(
                "index.evict_idle_secs",
                "INDEX_EVICT_IDLE_SECS",
                seconds(600),
                0.05..=86_400.0,
            ),
            max_bytes: reader.number("index.max_bytes", "INDEX_MAX_BYTES", 1 << 30, 1 << 20..=1 << 40),
            streams_per_session: reader.number(
                "index.streams_per_session",
                "INDEX_STREAMS_PER_SESSION",
                64,
                1..=100_000,
            ),
        }
    }
}
