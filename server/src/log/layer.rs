//! Makes a line of every event.

use std::{
    error::Error,
    fmt::{self, Write},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::layer::{Context as LayerContext, Layer};

use super::{
    Context, Facility, Fields, Level, Line, Log,
    text::{LONGEST_DESCRIPTION, cut},
};

/// Bytes a further field takes, about, and those of a description for each: that of a call, which has most of both, then
/// does not move while it grows.
const ROOM_OF_FIELD: usize = 24;
const ROOM_OF_DESCRIPTION: usize = 8;

/// Where tracing hands events in.
pub struct LogLayer {
    log: Log,
}

impl LogLayer {
    pub fn new(log: Log) -> Self {
        Self { log }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.log.levels().interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        self.log.levels().is_wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.log.levels().highest())
    }

    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        let metadata = event.metadata();
        let facility = Facility::of_module(metadata.target());
        let count = metadata.fields().len();
        let description = String::with_capacity(count * ROOM_OF_DESCRIPTION);
        let mut line = self.log.line(Level::from(metadata.level()), facility, description);
        line.fields = Fields::with_room(count * ROOM_OF_FIELD);
        event.record(&mut Fill { line: &mut line });
        let is_of_store = Context::with(|context| {
            // What the event names itself wins.
            let known = context.known();
            line.who.user = line.who.user.take().or(known.who.user);
            line.who.user_id = line.who.user_id.take().or(known.who.user_id);
            line.who.session = line.who.session.take().or(known.who.session);
            line.project = line.project.take().or(known.project);
            line.request_id = line.request_id.take().or_else(|| context.request_id().cloned());
            context.is_of_store()
        });
        line.fields.push_str("target", metadata.target());
        self.log.take(line, is_of_store.unwrap_or(false));
    }
}

/// Sorts an event's fields into a line.
struct Fill<'a> {
    line: &'a mut Line,
}

impl Fill<'_> {
    /// Takes what has a place of its own in a line. `false`: it is a further field.
    fn place(&mut self, name: &str, value: &str) -> bool {
        let line = &mut *self.line;
        let given = || Some(value).filter(|value| !value.is_empty()).map(Into::into);
        match name {
            "message" => line.description.push_str(cut(value, LONGEST_DESCRIPTION)),
            "user" => line.who.user = given(),
            "user_id" => line.who.user_id = given(),
            "session" => line.who.session = given(),
            "project" => line.project = given(),
            "request_id" => line.request_id = given(),
            "facility" => line.facility = value.parse().unwrap_or(line.facility),
            _ => return false,
        }
        true
    }
}

impl Visit for Fill<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.place(field.name(), value) {
            self.line.fields.push_str(name_of(field), value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.line.fields.push_u64(name_of(field), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.line.fields.push_i64(name_of(field), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.line.fields.push_f64(name_of(field), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.line.fields.push_bool(name_of(field), value);
    }

    /// An error with all its causes.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.line.fields.push_display(name_of(field), &Chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            // Words with values in them; by far the most common.
            "message" => {
                let left = LONGEST_DESCRIPTION;
                let _ = write!(Bounded { out: &mut self.line.description, left }, "{value:?}");
            }
            "user" | "user_id" | "session" | "project" | "request_id" | "facility" => {
                let text = format!("{value:?}");
                self.place(field.name(), &text);
            }
            _ => self.line.fields.push_debug(name_of(field), value),
        }
    }
}

/// A further field's name. What every line has already cannot be a further field as well: a line of JSON has each name
/// once.
fn name_of(field: &Field) -> &'static str {
    match field.name() {
        "time" => "its_time",
        "level" => "its_level",
        "description" => "its_description",
        "node" => "its_node",
        "region" => "upstream_region",
        "zone" => "its_zone",
        "environment" => "its_environment",
        "release" => "its_release",
        "target" => "its_target",
        name => name,
    }
}

struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// Stops whoever writes more than fits.
struct Bounded<'a> {
    out: &'a mut String,
    left: usize,
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fitting = cut(text, self.left);
        self.left -= fitting.len();
        self.out.push_str(fitting);
        if fitting.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}
