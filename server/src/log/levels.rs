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

/// The target of what operators do: no level silences it, or whoever is to be seen could see to it that nothing is.
pub const AUDIT: &str = "server::features::operator::audit";

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
        if state.wants(metadata) {
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
        if state.wants(metadata) {
            return true;
        }
        let of_user = |user: &str| state.overrides.users.get(user).copied();
        state.some_user_may_want(metadata)
            && Context::with(|context| context.with_user(of_user).flatten())
                .flatten()
                .is_some_and(|of_user| Level::from(metadata.level()) >= of_user)
    }

    /// Nothing above it is wanted by anybody. What operators do is wanted at any time.
    pub(super) fn highest(&self) -> LevelFilter {
        let state = self.0.read();
        let users =
            state.overrides.users.values().map(|level| LevelFilter::from_level(tracing_level(*level)));
        let configured = state.filter().iter().map(|(_, level)| level).chain(state.filter().default_level());
        configured.chain(users).chain([LevelFilter::INFO]).max().unwrap_or(LevelFilter::INFO)
    }
}

impl State {
    fn filter(&self) -> &Targets {
        self.overrides.everybody.as_ref().unwrap_or(&self.configured)
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == AUDIT || self.filter().would_enable(metadata.target(), metadata.level())
    }

    fn some_user_may_want(&self, metadata: &Metadata<'_>) -> bool {
        let level = Level::from(metadata.level());
        is_ours(metadata.target()) && self.overrides.users.values().any(|of_user| level >= *of_user)
    }
}

/// Reads a filter as `log.filter` has it: a level, levels by module, or both.
pub fn parse_filter(text: &str) -> Result<Targets, InvalidFilter> {
    // tracing takes any word for a module, also a level that was mistyped, and would log nothing of what was meant.
    let is_module = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-'))
    };
    // Numbers and nothing at all are levels to tracing as well, but to nobody who reads the configuration.
    let is_level = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.parse::<LevelFilter>().is_ok()
    };
    let is_part = |part: &str| match part.split_once('=') {
        Some((module, level)) => is_module(module) && is_level(level),
        None => is_level(part),
    };
    if !text.split(',').all(is_part) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_levels_by_module() {
        for text in ["info", "off", "WARN", "info,server::proxy=debug", "server=trace,sqlx=warn"] {
            assert!(parse_filter(text).is_ok(), "{text}");
        }
        for text in
            ["", "3", "inof", "server", "server=loud", "=debug", "info,,debug", "a b=debug", "\u{1}=info"]
        {
            assert!(parse_filter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_highest_level_is_that_of_anybody() {
        let levels = Levels::new(parse_filter("warn,server::jobs=info").expect("a filter"));
        assert_eq!(levels.highest(), LevelFilter::INFO);
        levels.apply(Overrides {
            users: HashMap::from([("alice".to_owned(), Level::Debug)]),
            ..Overrides::default()
        });
        assert_eq!(levels.highest(), LevelFilter::DEBUG);
        assert_eq!(levels.of_user("alice"), Some(Level::Debug));
        levels.apply(Overrides { everybody: parse_filter("error").ok(), ..Overrides::default() });
        assert_eq!(levels.highest(), LevelFilter::INFO, "what operators do is told");
        assert!(!levels.wants(Level::Warn, Some("alice")) && levels.wants(Level::Error, None));
    }
}
