//! How a region stands: complete or not, how old, why it fails, and when it is asked next.

use std::time::Duration;

use api_types::{
    Region,
    servers::{RegionFailure, RegionState, RegionStatus},
};
use tokio::time::Instant;

use crate::config::IndexConfig;

/// The health of one region's index. Pure: the time is passed in.
#[derive(Clone, Debug)]
pub struct Health {
    /// All rows were had at least once.
    is_complete: bool,
    /// When the last answer that left nothing out was asked for.
    true_at: Option<Instant>,
    expected: Option<u32>,
    failure: Option<RegionFailure>,
    /// Failures in a row.
    failures: u32,
    /// Nobody who looks has a token that is accepted, which is no fault of the region.
    credentials: Missing,
    due_at: Instant,
    reconciled_at: Instant,
    /// The upstream's time from which changes are to be asked for; seconds since 1970.
    pub changes_since: Option<i64>,
}

/// Whether the credentials of those who look are of use.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Missing {
    Nothing,
    /// None are, for this reason; `None`: whoever had them is told by other means.
    Credentials(Option<RegionFailure>),
}

/// Why a region could not be asked, as its viewers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Health {
    pub fn new(now: Instant) -> Self {
        Self {
            is_complete: false,
            true_at: None,
            expected: None,
            failure: None,
            failures: 0,
            credentials: Missing::Nothing,
            due_at: now,
            reconciled_at: now,
            changes_since: None,
        }
    }

    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// When the region is to be asked next.
    pub fn due_at(&self) -> Instant {
        self.due_at
    }

    /// Complete, and the last question was answered.
    pub fn is_well(&self) -> bool {
        self.is_complete && self.failure.is_none() && self.credentials == Missing::Nothing
    }

    /// When the whole list is to be compared next.
    pub fn reconciliation_due_at(&self, config: &IndexConfig) -> Instant {
        self.reconciled_at + config.reconcile
    }

    pub fn expect(&mut self, expected: Option<u32>) {
        self.expected = expected;
    }

    /// An answer that leaves nothing out was asked for at `asked_at`, and everything of it is in the rows.
    pub fn succeeded(
        &mut self,
        asked_at: Instant,
        now: Instant,
        is_any_in_transition: bool,
        config: &IndexConfig,
    ) {
        self.is_complete = true;
        self.true_at = Some(asked_at);
        self.expected = None;
        self.answers();
        let interval = if is_any_in_transition { config.poll_transition } else { config.poll_idle };
        // From its start: an answer that takes long does not make the intervals longer than that.
        self.due_at = (asked_at + interval).max(now + SHORTEST_PAUSE);
    }

    pub fn reconciled(&mut self, now: Instant) {
        self.reconciled_at = now;
    }

    /// Something came while a failure was shown: the region answers again, though not everything is there yet.
    pub fn answers(&mut self) {
        self.failure = None;
        self.credentials = Missing::Nothing;
        self.failures = 0;
    }

    /// The region could not be asked; each time in a row it is left alone for twice as long. `jitter` is from 0 up to 1.
    pub fn failed(&mut self, failure: Failure, now: Instant, jitter: f64, config: &IndexConfig) {
        let doubled =
            config.poll_transition.saturating_mul(1 << self.failures.min(16)).min(config.back_off_max);
        self.failures += 1;
        // Nodes that failed together are not to come back together.
        let pause = doubled.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0));
        let asked_for = failure.retry_after.unwrap_or_default().min(config.back_off_max);
        self.due_at = now + pause.max(asked_for);
        // That a circuit is open tells less than what opened it.
        if failure.code != "circuit_open" || self.failure.is_none() {
            self.failure = Some(RegionFailure { code: failure.code, message: failure.message });
        }
    }

    /// The credentials of all who look are of no use. The region itself has not failed, so nothing is counted
    /// against it, and whoever comes with good ones is not to wait.
    pub fn lacks_credentials(&mut self, why: Option<Failure>, now: Instant, config: &IndexConfig) {
        let why = why.map(|why| RegionFailure { code: why.code, message: why.message });
        self.credentials = Missing::Credentials(why);
        self.due_at = now + config.poll_idle.max(config.poll_transition);
    }

    /// Somebody came with credentials, or with new ones. True when they were waited for.
    pub fn credentials_came(&mut self, now: Instant) -> bool {
        if self.credentials == Missing::Nothing {
            return false;
        }
        self.credentials = Missing::Nothing;
        self.due_at = now;
        true
    }

    /// Somebody asks to try again: now, and with the shortest wait after it.
    pub fn retry_now(&mut self, now: Instant) {
        self.due_at = now;
        self.failures = 0;
    }

    /// A server has begun to change, so the next question comes sooner.
    pub fn hasten(&mut self, now: Instant, config: &IndexConfig) {
        if self.failures == 0 {
            self.due_at = self.due_at.min(now + config.poll_transition);
        }
    }

    /// As viewers are told.
    pub fn state(&self, region: &Region, rows: u32, degraded_rows: u32, now: Instant) -> RegionState {
        let failure = match &self.credentials {
            Missing::Credentials(Some(why)) => Some(why),
            _ => self.failure.as_ref(),
        };
        let status = match (self.is_complete, failure) {
            (true, None) => RegionStatus::Complete,
            (true, Some(_)) => RegionStatus::Stale,
            (false, None) => RegionStatus::Loading,
            (false, Some(_)) => RegionStatus::Unreachable,
        };
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        RegionState {
            region: region.clone(),
            status,
            rows,
            expected: self.expected.map(|expected| expected.max(rows)),
            age_ms: self.true_at.map(|at| ms(now.duration_since(at))),
            retry_in_ms: failure.map(|_| ms(self.due_at.duration_since(now))),
            degraded_rows,
            failure: failure.cloned(),
        }
    }
}

/// However long an answer takes, the region has this long for others.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> IndexConfig {
        IndexConfig {
            poll_transition: Duration::from_secs(2),
            poll_idle: Duration::from_secs(15),
            back_off_max: Duration::from_secs(30),
            reconcile: Duration::from_secs(600),
            evict_idle: Duration::from_secs(600),
            max_bytes: 1 << 30,
            refresh_timeout: Duration::from_secs(5),
            streams_per_session: 64,
        }
    }

    fn failure(code: &str) -> Failure {
        Failure { code: code.to_owned(), message: "It failed.".to_owned(), retry_after: None }
    }

    fn wait(health: &Health, now: Instant) -> u64 {
        health.due_at().duration_since(now).as_secs()
    }

    #[test]
    fn a_region_is_asked_often_while_something_changes_and_seldom_otherwise() {
        let now = Instant::now();
        let mut health = Health::new(now);
        assert_eq!(wait(&health, now), 0);
        health.succeeded(now, now, true, &config());
        assert_eq!(wait(&health, now), 2);
        health.succeeded(now, now, false, &config());
        assert_eq!(wait(&health, now), 15);
        health.hasten(now, &config());
        assert_eq!(wait(&health, now), 2);
    }

    #[test]
    fn each_failure_in_a_row_doubles_the_wait_up_to_the_limit_and_jitter_spreads_it() {
        let now = Instant::now();
        let mut health = Health::new(now);
        for seconds in [2, 4, 8, 16, 30, 30] {
            health.failed(failure("upstream_timeout"), now, 0.5, &config());
            assert_eq!(health.due_at().duration_since(now), Duration::from_secs(seconds));
        }
        health.failed(failure("upstream_timeout"), now, 0.0, &config());
        assert_eq!(wait(&health, now), 24);
        health.failed(failure("upstream_timeout"), now, 1.0, &config());
        assert_eq!(wait(&health, now), 36);
        // A change elsewhere is no reason to ask a failing region more often.
        health.hasten(now, &config());
        assert_eq!(wait(&health, now), 36);
        health.retry_now(now);
        assert_eq!(wait(&health, now), 0);
        health.failed(failure("upstream_timeout"), now, 0.5, &config());
        assert_eq!(wait(&health, now), 2);
    }

    #[test]
    fn an_upstream_that_names_a_time_is_left_alone_for_it() {
        let now = Instant::now();
        let mut health = Health::new(now);
        let limited = Failure { retry_after: Some(Duration::from_secs(20)), ..failure("rate_limited") };
        health.failed(limited, now, 0.5, &config());
        assert_eq!(wait(&health, now), 20);
        let endless = Failure { retry_after: Some(Duration::from_secs(86_400)), ..failure("rate_limited") };
        health.failed(endless, now, 0.5, &config());
        assert_eq!(wait(&health, now), 30);
    }

    #[test]
    fn the_status_tells_rows_that_are_there_from_rows_that_never_came() {
        let now = Instant::now();
        let region: Region = "RegionOne".parse().expect("a region");
        let mut health = Health::new(now);
        let state =
            |health: &Health, seconds| health.state(&region, 7, 0, now + Duration::from_secs(seconds));
        assert_eq!(state(&health, 0).status, RegionStatus::Loading);
        health.failed(failure("upstream_timeout"), now, 0.5, &config());
        let unreachable = state(&health, 1);
        assert_eq!((unreachable.status, unreachable.retry_in_ms), (RegionStatus::Unreachable, Some(1000)));
        assert_eq!(unreachable.age_ms, None);
        health.expect(Some(3));
        assert_eq!(state(&health, 0).expected, Some(7));
        health.succeeded(now, now, false, &config());
        assert_eq!(state(&health, 3).status, RegionStatus::Complete);
        assert_eq!(state(&health, 3).age_ms, Some(3000));
        health.failed(failure("upstream_timeout"), now, 0.5, &config());
        assert_eq!((state(&health, 9).status, state(&health, 9).age_ms), (RegionStatus::Stale, Some(9000)));
    }

    #[test]
    fn credentials_that_are_of_no_use_count_against_nobody_who_comes_later() {
        let now = Instant::now();
        let region: Region = "RegionOne".parse().expect("a region");
        let mut health = Health::new(now);
        health.succeeded(now, now, false, &config());
        for _ in 0..9 {
            health.lacks_credentials(Some(failure("token_expired")), now, &config());
        }
        assert_eq!(wait(&health, now), 15);
        let shown = health.state(&region, 1, 0, now);
        assert_eq!(shown.status, RegionStatus::Stale);
        assert_eq!(shown.failure.map(|failure| failure.code).as_deref(), Some("token_expired"));
        assert!(health.credentials_came(now) && wait(&health, now) == 0);
        assert_eq!(health.state(&region, 1, 0, now).status, RegionStatus::Complete);
        // It was the first failure of the region itself.
        health.failed(failure("upstream_timeout"), now, 0.5, &config());
        assert_eq!(wait(&health, now), 2);
        assert!(!health.credentials_came(now) && wait(&health, now) == 2);
        // Those whose sessions ended are told so by their streams.
        health.succeeded(now, now, false, &config());
        health.lacks_credentials(None, now, &config());
        assert_eq!(health.state(&region, 1, 0, now).status, RegionStatus::Complete);
    }

    #[test]
    fn an_open_circuit_does_not_hide_what_opened_it() {
        let now = Instant::now();
        let region: Region = "RegionOne".parse().expect("a region");
        let mut health = Health::new(now);
        health.failed(failure("upstream_timeout"), now, 0.5, &config());
        health.failed(failure("circuit_open"), now, 0.5, &config());
        let shown = health.state(&region, 0, 0, now).failure.map(|failure| failure.code);
        assert_eq!(shown.as_deref(), Some("upstream_timeout"));
    }
}
