//! One log for all: requests, proxied calls, browsers, jobs, sign-ins.
//!
//! A [`Line`] comes from a tracing event, or from whoever has lines to hand on, and goes to every output: standard
//! output, a Graylog, Postgres. No request waits for any of them.

pub mod fields;
mod line;
pub mod store;
mod text;

use std::sync::Arc;

pub use self::{
mod pipeline;
mod queue;
pub mod search;
    fields::Fields,
    line::{Facility, Level, Line, Place, UnknownName, Who},
    text::mask,
};

/// Where lines are handed in. Cheap to clone.
#[derive(Clone, Default)]
pub struct Log {
    place: Arc<Place>,
}

impl Log {
    /// A log that ends nowhere.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// Where this node's lines are written.
    pub fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// A line of this node, of now.
    pub fn line(&self, level: Level, facility: Facility, description: impl Into<String>) -> Line {
        Line::new(self.place.clone(), level, facility, description)
    }
}
