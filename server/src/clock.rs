//! Time, passed in, so that tests can move it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

/// The time of day and the time that passes. Cheap to clone; clones of a movable clock move together.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds a test has put the clock forward; `None` for the real one.
    ahead_ms: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// The machine's clock, plus what [`advance`](Self::advance) adds.
    pub fn movable() -> Self {
        Self { ahead_ms: Some(Arc::default()) }
    }

    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.ahead()
    }

    /// For measuring how much time passed.
    pub fn instant(&self) -> Instant {
        Instant::now() + self.ahead()
    }

    /// Puts a movable clock forward; the machine's own stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Some(ahead) = &self.ahead_ms {
            ahead.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.as_ref().map_or(0, |ahead| ahead.load(Ordering::Relaxed)))
    }
}
