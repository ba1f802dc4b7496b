//! One log for all: requests, proxied calls, browsers, jobs, sign-ins.
//!
//! A [`Line`] comes from a tracing event, or from whoever has lines to hand on, and goes to every output: standard
//! output, a Graylog, Postgres. No request waits for any of them.

mod context;
pub mod fields;
mod format;
mod gelf;
mod layer;
mod level_store;
mod levels;
mod line;
mod pipeline;
mod queue;
pub mod search;
pub mod store;
mod storing;
#[cfg(test)]
mod tests;
mod text;

use std::{
    io::{self, Write},
    sync::Arc,
};

use parking_lot::Mutex;
use tracing_subscriber::filter::Targets;

use self::pipeline::{Pipeline, Room, Settings};
pub use self::{
    context::{Context, note_caller, note_project, spawn},
    fields::Fields,
    format::Format,
    gelf::{GelfTarget, Transport},
    layer::LogLayer,
    level_store::{LevelOverride, LevelStore, SetLevel, SetLevelError},
    levels::{AUDIT, InvalidFilter, Levels, Overrides, parse_filter},
    line::{Facility, Level, Line, Place, UnknownName, Who},
    pipeline::LogEnd,
    queue::Queue,
    storing::Upkeep,
    text::mask,
};
use crate::{config::LogConfig, metrics::Metrics};

/// Where lines are handed in. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    place: Arc<Place>,
    levels: Levels,
    sink: Sink,
}

#[derive(Clone)]
enum Sink {
    Nowhere,
    Pipeline(Arc<Pipeline>),
    /// Lines of JSON, for tests to read.
    Recorder(Arc<Mutex<String>>),
}

impl Log {
    /// Starts the outputs that are configured; `out` is standard output, or what stands for it. Lines are stored once
    /// there is an [`Upkeep`].
    ///
    /// Errors: there can be no thread.
    pub fn start(
        config: &LogConfig,
        place: Place,
        out: impl Write + Send + 'static,
    ) -> io::Result<(Self, LogEnd)> {
        let settings = Settings {
            format: if config.is_json { Format::Json } else { Format::Text },
            out_from: config.out_from,
            gelf: config.gelf.clone(),
            is_stored: config.postgres,
            room: Room::default(),
        };
        Self::start_with(config.filter.clone(), place, settings, out)
    }

    fn start_with(
        filter: Targets,
        place: Place,
        settings: Settings,
        out: impl Write + Send + 'static,
    ) -> io::Result<(Self, LogEnd)> {
        let place = Arc::new(place);
        let (pipeline, end) = Pipeline::start(place.clone(), settings, out)?;
        Ok((Self { place, levels: Levels::new(filter), sink: Sink::Pipeline(pipeline) }, end))
    }

    /// A log that ends nowhere.
    pub fn nowhere() -> Self {
        let levels = Levels::new(Targets::new());
        Self { place: Arc::default(), levels, sink: Sink::Nowhere }
    }

    /// A log that tests read.
    pub fn recording(place: Place, filter: Targets) -> Self {
        let sink = Sink::Recorder(Arc::default());
        Self { place: Arc::new(place), levels: Levels::new(filter), sink }
    }

    /// Where this node's lines are written.
    pub fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// What is logged at the moment.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// A line of this node, of now.
    pub fn line(&self, level: Level, facility: Facility, description: impl Into<String>) -> Line {
        Line::new(self.place.clone(), level, facility, description)
    }

    /// Hands lines that their owner has stored to the other outputs, those that are wanted at their level.
    pub fn hand_on(&self, lines: impl IntoIterator<Item = Line>) {
        for line in lines {
            if self.levels.wants(line.level, line.who.user.as_deref()) {
                self.take(line, true);
            }
        }
    }

    /// From now on, lines that are lost are counted there as well.
    pub fn count_with(&self, metrics: Metrics) {
        if let Sink::Pipeline(pipeline) = &self.sink {
            pipeline.count_with(metrics);
        }
    }

    /// Lines that wait, by output.
    pub fn waiting(&self) -> Vec<(&'static str, usize)> {
        match &self.sink {
            Sink::Pipeline(pipeline) => pipeline.waiting(),
            Sink::Nowhere | Sink::Recorder(_) => Vec::new(),
        }
    }

    /// What was logged so far, where it is recorded: a line of JSON each.
    pub fn recorded(&self) -> String {
        match &self.sink {
            Sink::Recorder(text) => text.lock().clone(),
            Sink::Nowhere | Sink::Pipeline(_) => String::new(),
        }
    }

    fn take(&self, mut line: Line, is_stored: bool) {
        match &self.sink {
            Sink::Nowhere => {}
            Sink::Pipeline(pipeline) => pipeline.take(line, is_stored),
            Sink::Recorder(text) => {
                line.tidy();
                Format::Json.write(&mut text.lock(), &line);
            }
        }
    }

    fn pipeline(&self) -> Option<&Arc<Pipeline>> {
        match &self.sink {
            Sink::Pipeline(pipeline) => Some(pipeline),
            Sink::Nowhere | Sink::Recorder(_) => None,
        }
    }
}
