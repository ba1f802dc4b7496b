//! Who has which part of the program: a share of the users, and those whom operators name.
//!
//! The flags stand in `api_types::flags`, a line each. What operators set stands in Postgres; every node follows it and
//! keeps it in memory, so that asking costs nothing. Without a word of theirs it is as configured.

mod follow;
mod rollout;
mod store;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

pub use api_types::flags::Flag;
use parking_lot::RwLock;
use sqlx::PgPool;
use tokio::{sync::Mutex, time::timeout};

pub use self::{
    rollout::Whom,
    store::{FlagStore, SetFlag, Setting},
};
use crate::{
    clock::Clock,
    config::FlagsConfig,
    metrics::{Metric, Metrics},
};

/// Knows who has what. Cheap to clone; clones know the same.
#[derive(Clone)]
pub struct Flags(Arc<Inner>);

/// Whether somebody has a flag, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub is_on: bool,
    /// Operators named this user; otherwise the share decides.
    pub is_named: bool,
    /// The share of users who have it.
    pub percent: u8,
}

struct Inner {
    configured: FlagsConfig,
    store: FlagStore,
    metrics: Metrics,
    /// What operators set, as far as this node has heard.
    known: RwLock<HashMap<Flag, Setting>>,
    /// One reads at a time: what is read last is known last.
    reading: Mutex<()>,
}

/// A database that takes longer does not answer.
const READ_WITHIN: Duration = Duration::from_secs(2);

impl Flags {
    pub fn new(configured: FlagsConfig, db: PgPool, clock: Clock, metrics: Metrics) -> Self {
        let store = FlagStore::new(db, clock);
        let (known, reading) = (RwLock::default(), Mutex::default());
        let flags = Self(Arc::new(Inner { configured, store, metrics, known, reading }));
        flags.measure();
        flags
    }

    pub fn has(&self, flag: Flag, whom: Whom<'_>) -> bool {
        self.verdict(flag, whom).is_on
    }

    /// All that this user has.
    pub fn of(&self, whom: Whom<'_>) -> Vec<Flag> {
        Flag::ALL.iter().copied().filter(|flag| self.has(*flag, whom)).collect()
    }

    pub fn verdict(&self, flag: Flag, whom: Whom<'_>) -> Verdict {
        let known = self.0.known.read();
        let Some(set) = known.get(&flag) else {
            let percent = self.configured(flag);
            return Verdict { is_on: rollout::is_in(flag, percent, whom.id), is_named: false, percent };
        };
        let is_in = |names: &[String]| names.iter().any(|name| name == whom.name);
        // Whoever is to be spared something is, whatever else is said.
        let named = if is_in(&set.off_for) { Some(false) } else { is_in(&set.on_for).then_some(true) };
        Verdict {
            is_on: named.unwrap_or_else(|| rollout::is_in(flag, set.percent, whom.id)),
            is_named: named.is_some(),
            percent: set.percent,
        }
    }

    /// The share of users who have it where operators set nothing.
    pub fn configured(&self, flag: Flag) -> u8 {
        self.0.configured.percent(flag)
    }

    /// What operators set.
    pub fn setting(&self, flag: Flag) -> Option<Setting> {
        self.0.known.read().get(&flag).cloned()
    }

    /// Sets who has a flag, in place of what was set before. All nodes follow within moments, this one at once.
    pub async fn set(&self, wanted: SetFlag) -> sqlx::Result<Setting> {
        let set = self.0.store.set_flag(wanted).await?;
        self.look().await;
        Ok(set)
    }

    /// Takes back what was set. Returns what it was, where it was there.
    pub async fn clear(&self, flag: Flag) -> sqlx::Result<Option<Setting>> {
        let cleared = self.0.store.clear_flag(flag).await?;
        self.look().await;
        Ok(cleared)
    }

    /// Reads what is set. While Postgres does not answer, what is known goes on.
    pub async fn look(&self) {
        if let Err(error) = self.read(self.0.store.db()).await {
            tracing::debug!(%error, "what is set of the flags is read later");
        }
    }

    async fn read(&self, db: impl sqlx::PgExecutor<'_>) -> sqlx::Result<()> {
        let _one_at_a_time = self.0.reading.lock().await;
        let read = timeout(READ_WITHIN, store::list_flags(db)).await;
        let settings = read.map_err(|_| sqlx::Error::PoolTimedOut)??;
        // Names that this release does not know are another's, and left alone.
        let known = settings.into_iter().filter_map(|(name, set)| Some((Flag::named(&name)?, set))).collect();
        *self.0.known.write() = known;
        self.measure();
        Ok(())
    }

    fn measure(&self) {
        for flag in Flag::ALL {
            let percent = self.setting(*flag).map_or_else(|| self.configured(*flag), |set| set.percent);
            self.0.metrics.gauge(Metric::FlagPercent, &[flag.name()], f64::from(percent));
        }
    }
}
