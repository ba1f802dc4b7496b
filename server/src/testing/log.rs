//! The log, for tests that read it.

use std::sync::Once;

use serde_json::Value;
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::{
    filter::{Targets, dynamic_filter_fn},
    layer::SubscriberExt,
};

use crate::log::{self, LogLayer, Place};

/// What is logged while this lives, as a machine reads it: a value a line.
pub struct Log {
    log: log::Log,
    _guard: DefaultGuard,
}

impl Log {
    pub fn listen() -> Self {
        Self::listen_to(LevelFilter::INFO)
    }

    /// The same with lines of lower levels.
    pub fn listen_to(level: LevelFilter) -> Self {
        let place = Place { node: "test".to_owned(), release: crate::RELEASE.to_owned(), ..Place::default() };
        let log = log::Log::recording(place, Targets::new().with_default(level));
        Self { _guard: Self::hear(&log), log }
    }

    /// Hands what this thread logs to a log, for as long as the guard lives.
    pub fn hear(log: &log::Log) -> DefaultGuard {
        // Where another test's thread, which nobody listens to, is the first to come by a place that logs, tracing would
        // note that nobody ever wants it. This one wants nothing either, and wants to be asked each time.
        static ASKED: Once = Once::new();
        ASKED.call_once(|| {
            let undecided = dynamic_filter_fn(|_, _| false);
            let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(undecided));
        });
        tracing::subscriber::set_default(tracing_subscriber::registry().with(LogLayer::new(log.clone())))
    }

    /// The lines of calls: those with a URL.
    pub fn calls(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line.get("url").is_some()).collect()
    }

    /// What operators did, as their lines say it: description and `about`.
    pub fn operators_notes(&self) -> Vec<String> {
        let lines = self.lines().into_iter().filter(|line| line["facility"] == "operator");
        lines.map(|line| format!("{} {}", line["description"], line["about"])).collect()
    }

    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    pub fn text(&self) -> String {
        self.log.recorded()
    }
}
