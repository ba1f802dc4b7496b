//! Makes a line of every event.

use std::{
    cell::RefCell,
    collections::HashMap,
    error::Error,
    fmt::{self, Write},
    rc::Rc,
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
    fields::ReadyKey,
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
        let plan = Plan::of(metadata);
        let count = metadata.fields().len();
        let description = String::with_capacity(count * ROOM_OF_DESCRIPTION);
        let mut line = self.log.line(Level::from(metadata.level()), plan.facility, description);
        line.fields = Fields::with_room(count * ROOM_OF_FIELD);
        event.record(&mut Fill { line: &mut line, plan: &plan });
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

/// What is the same of every event of one place in the program: there are some for each request.
struct Plan {
    facility: Facility,
    /// By the fields' numbers.
    parts: Box<[Part]>,
}

/// What a field is to a line.
enum Part {
    Message,
    User,
    UserId,
    Session,
    Project,
    RequestId,
    Facility,
    Further(ReadyKey),
}

impl Plan {
    fn of(metadata: &'static Metadata<'static>) -> Rc<Self> {
        thread_local! {
            /// By the address of what is known of the place, which stays where it is.
            static PLANS: RefCell<HashMap<*const Metadata<'static>, Rc<Plan>>> = RefCell::default();
        }
        let known = PLANS.try_with(|plans| {
            plans.borrow_mut().entry(metadata).or_insert_with(|| Rc::new(Self::new(metadata))).clone()
        });
        // A thread that is ending remembers nothing any more.
        known.unwrap_or_else(|_| Rc::new(Self::new(metadata)))
    }

    fn new(metadata: &Metadata<'_>) -> Self {
        let part = |field: Field| match field.name() {
            "message" => Part::Message,
            "user" => Part::User,
            "user_id" => Part::UserId,
            "session" => Part::Session,
            "project" => Part::Project,
            "request_id" => Part::RequestId,
            "facility" => Part::Facility,
            _ => Part::Further(ReadyKey::new(name_of(&field))),
        };
        let facility = Facility::of_module(metadata.target());
        Self { facility, parts: metadata.fields().iter().map(part).collect() }
    }
}

/// Sorts an event's fields into a line.
struct Fill<'a> {
    line: &'a mut Line,
    plan: &'a Plan,
}

impl<'a> Fill<'a> {
    fn part(&self, field: &Field) -> &'a Part {
        // Of the same event, so it has one.
        self.plan.parts.get(field.index()).unwrap_or(&Part::Message)
    }

    /// The name of a further field; `None` for what has a place of its own in a line.
    fn further(&self, field: &Field) -> Option<&'a ReadyKey> {
        match self.part(field) {
            Part::Further(key) => Some(key),
            _ => None,
        }
    }

    /// Takes what has a place of its own in a line.
    fn place(&mut self, part: &Part, value: &str) {
        let line = &mut *self.line;
        let given = || Some(value).filter(|value| !value.is_empty()).map(Into::into);
        match part {
            Part::Message => line.description.push_str(cut(value, LONGEST_DESCRIPTION)),
            Part::User => line.who.user = given(),
            Part::UserId => line.who.user_id = given(),
            Part::Session => line.who.session = given(),
            Part::Project => line.project = given(),
            Part::RequestId => line.request_id = given(),
            Part::Facility => line.facility = value.parse().unwrap_or(line.facility),
            Part::Further(key) => line.fields.push_str(key, value),
        }
    }
}

impl Visit for Fill<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.place(self.part(field), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match self.further(field) {
            Some(key) => self.line.fields.push_u64(key, value),
            None => self.record_debug(field, &value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        match self.further(field) {
            Some(key) => self.line.fields.push_i64(key, value),
            None => self.record_debug(field, &value),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match self.further(field) {
            Some(key) => self.line.fields.push_f64(key, value),
            None => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match self.further(field) {
            Some(key) => self.line.fields.push_bool(key, value),
            None => self.record_debug(field, &value),
        }
    }

    /// An error with all its causes.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        match self.further(field) {
            Some(key) => self.line.fields.push_display(key, &Chain(value)),
            None => self.place(self.part(field), &Chain(value).to_string()),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match self.part(field) {
            // Words with values in them; by far the most common.
            Part::Message => {
                let left = LONGEST_DESCRIPTION;
                let _ = write!(Bounded { out: &mut self.line.description, left }, "{value:?}");
            }
            Part::Further(key) => self.line.fields.push_debug(key, value),
            part => self.place(part, &format!("{value:?}")),
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

#[cfg(test)]
mod tests {
    use tracing_subscriber::{filter::Targets, layer::SubscriberExt};

    use super::*;
    use crate::log::Place;

    #[test]
    fn what_has_a_place_in_a_line_stands_there_whatever_it_is() {
        let log = Log::recording(Place::default(), Targets::new().with_default(LevelFilter::TRACE));
        let subscriber = tracing_subscriber::registry().with(LogLayer::new(log.clone()));
        tracing::subscriber::with_default(subscriber, || {
            // Twice, since what is known of the event is found the first time.
            for number in 0..2 {
                tracing::info!(
                    user = 5,
                    project = true,
                    facility = "proxy",
                    status = 200,
                    number,
                    "said {}",
                    "so"
                );
            }
        });
        for (number, line) in log.recorded().lines().enumerate() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(line["user"], "5");
            assert_eq!(line["project"], "true");
            assert_eq!(line["facility"], "proxy");
            assert_eq!(line["description"], "said so");
            assert_eq!(line["status"], 200);
            assert_eq!(line["number"], number);
        }
        assert_eq!(log.recorded().lines().count(), 2);
    }
}
