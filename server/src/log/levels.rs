//! What is logged at the moment: the configured filter, and what operators set for a while.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;
use tracing::{Metadata, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::filter::Targets;

use super::{Context, Level};

/// Decides which events are worth a line. Cheap to clone; clones decide alike.
///
/// While nothing is set, an event that is not wanted costs what a comparison costs: tracing keeps the verdict with the
/// place in the code that logs.
#[derive(Clone)]
pub struct Levels(Arc<RwLock<State>>);

/// What goes beyond the configuration at the moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// In place of the configured filter.
    pub everybody: Option<Targets>,
    /// What is logged of a user's requests besides.
    pub users: HashMap<String, Level>,
}

/// A filter that can be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a filter, such as info or info,server=debug")]
pub struct InvalidFilter;

struct State {
    configured: Targets,
    overrides: Overrides,
}

/// Of a user's requests our own part is told, not that of every library.
const OURS: &str = "server";

impl Levels {
    pub fn new(configured: Targets) -> Self {
        Self(Arc::new(RwLock::new(State { configured, overrides: Overrides::default() })))
    }

    /// Sets what goes beyond the configuration from now on.
    pub fn apply(&self, overrides: Overrides) {
        {
            let mut state = self.0.write();
            if state.overrides == overrides {
                return;
            }
            state.overrides = overrides;
        }
        // Asks every place that logs again, and with them the highest level of all.
        tracing::callsite::rebuild_interest_cache();
    }

    /// Whether a line of somebody else's, such as a browser's, is told to the other outputs.
    pub fn wants(&self, level: Level, user: Option<&str>) -> bool {
        let state = self.0.read();
        state.filter().would_enable(OURS, &tracing_level(level))
            || user.and_then(|user| state.overrides.users.get(user)).is_some_and(|of_user| level >= *of_user)
    }

    /// The level from which on a user's requests are told besides, where one is set.
    pub fn of_user(&self, user: &str) -> Option<Level> {
        self.0.read().overrides.users.get(user).copied()
    }

    /// Once for each place that logs, and again whenever something is set.
    pub(super) fn interest(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() {
            return Interest::never();
        }
        let state = self.0.read();
        if state.filter().would_enable(metadata.target(), metadata.level()) {
            Interest::always()
        } else if state.some_user_may_want(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    /// For each event of a place that is of interest sometimes.
    pub(super) fn is_wanted(&self, metadata: &Metadata<'_>) -> bool {
        let state = self.0.read();
        if state.filter().would_enable(metadata.target(), metadata.level()) {
            return true;
        }
        let of_user = |user: &str| state.overrides.users.get(user).copied();
        state.some_user_may_want(metadata)
            && Context::with(|context| context.with_user(of_user).flatten())
                .flatten()
                .is_some_and(|of_user| Level::from(metadata.level()) >= of_user)
    }

    /// Nothing above it is wanted by anybody.
    pub(super) fn highest(&self) -> LevelFilter {
        let state = self.0.read();
        let users =
            state.overrides.users.values().map(|level| LevelFilter::from_level(tracing_level(*level)));
        let configured = state.filter().iter().map(|(_, level)| level).chain(state.filter().default_level());
        configured.chain(users).max().unwrap_or(LevelFilter::OFF)
    }
}

impl State {
    fn filter(&self) -> &Targets {
        self.overrides.everybody.as_ref().unwrap_or(&self.configured)
    }

    fn some_user_may_want(&self, metadata: &Metadata<'_>) -> bool {
        let level = Level::from(metadata.level());
        is_ours(metadata.target()) && self.overrides.users.values().any(|of_user| level >= *of_user)
    }
}

/// Reads a filter as `log.filter` has it: a level, levels by module, or both.
pub fn parse_filter(text: &str) -> Result<Targets, InvalidFilter> {
    if text.trim().is_empty() {
        return Err(InvalidFilter);
    }
    text.parse().map_err(|_| InvalidFilter)
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix(OURS).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn tracing_level(level: Level) -> tracing::Level {
    match level {
        Level::Trace => tracing::Level::TRACE,
        Level::Debug => tracing::Level::DEBUG,
        Level::Info => tracing::Level::INFO,
        Level::Warn => tracing::Level::WARN,
        Level::Error => tracing::Level::ERROR,
    }
}
