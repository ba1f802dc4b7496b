//! One walk through a part of the ids.

use api_types::ServerId;

use super::{FEWEST_ROWS, MOST_ROWS};

/// Pages in the order of ids, from after one id up to another.
#[derive(Debug)]
pub(super) struct Walk {
    /// Everything up to this id is had; `None`: it begins at the very first.
    pub from: Option<ServerId>,
    /// Where the next walk began; `None`: the last one goes to the end.
    pub until: Option<ServerId>,
    /// The limit of the page that is under way.
    pub asked: Option<u32>,
    pub is_done: bool,
    pub refusals: u8,
    /// No page larger than this came in time.
    pub bound: u32,
    /// The page under way should reach the end.
    is_last: bool,
    /// Doubles whenever the end was not where it was expected: ids need not be spread evenly.
    stretch: f64,
}

/// The part of all ids between two places.
pub(super) fn distance(from: u128, to: u128) -> f64 {
    to.saturating_sub(from) as f64 / u128::MAX as f64
}

impl Walk {
    pub fn new(from: Option<ServerId>, until: Option<ServerId>) -> Self {
        Self {
            from,
            until,
            asked: None,
            is_done: false,
            refusals: 0,
            bound: MOST_ROWS,
            is_last: false,
            stretch: 1.0,
        }
    }

    /// Asks for a page: gives its limit, as many rows as wanted or, near the end, what is probably left.
    ///
    /// `all` is the number of servers, if that is known. A page that goes past the end repeats the next walk's rows, one
    /// that ends short of it costs another call; one deviation more than expected is about the cheapest.
    pub fn ask(&mut self, wanted: f64, all: Option<f64>) -> u32 {
        let left = all.map(|all| distance(self.place(), self.end()) * all);
        self.is_last = left.is_some_and(|left| left <= wanted * 1.25 + 10.0);
        let rows = match left.filter(|_| self.is_last) {
            // Past the last server there is nothing to repeat.
            Some(left) if self.until.is_none() => left + 3.0 * left.sqrt() + 20.0,
            Some(left) => left + left.sqrt() + 2.0,
            None => wanted,
        };
        let stretch = if self.is_last { self.stretch } else { 1.0 };
        let limit = ((rows * stretch).ceil() as u32).clamp(FEWEST_ROWS, MOST_ROWS).min(self.bound);
        self.asked = Some(limit);
        limit
    }

    /// Takes a page; gives the part of all ids it covered.
    pub fn advance(&mut self, ids: &[ServerId], has_next: bool) -> f64 {
        let before = self.place();
        self.refusals = 0;
        let reached = ids.last().copied();
        let has_arrived = !has_next || self.until.is_some_and(|until| reached >= Some(until));
        if has_arrived {
            self.is_done = true;
            // Past its end it found what the next walk has.
            return distance(before, reached.filter(|_| has_next).map_or(self.end(), number));
        }
        if self.is_last {
            self.stretch = (self.stretch * 2.0).min(1024.0);
        }
        self.from = reached;
        distance(before, self.place())
    }

    /// Where the page under way will probably end.
    pub fn end_of_asked(&self, all: f64) -> u128 {
        let step = self.asked.map_or(0.0, |rows| f64::from(rows) / all.max(1.0));
        let step = (step.min(1.0) * u128::MAX as f64) as u128;
        self.place().saturating_add(step).min(self.end())
    }

    /// Rows that will probably be left then.
    pub fn rows_after_asked(&self, all: f64) -> f64 {
        distance(self.end_of_asked(all), self.end()) * all
    }

    fn place(&self) -> u128 {
        self.from.map_or(0, number)
    }

    fn end(&self) -> u128 {
        self.until.map_or(u128::MAX, number)
    }
}

fn number(id: ServerId) -> u128 {
    u128::from_be_bytes(id.0)
}
