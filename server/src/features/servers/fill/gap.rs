//! One stretch of the ids that is not had yet, eaten up from both ends.

use api_types::ServerId;

use super::{FEWEST_ROWS, MOST_ROWS};

/// Ids above `low` and below `high`. One call may go up from its low end and one down from its high end; they need no
/// meeting point, since each page is cut to what is left between them.
#[derive(Debug)]
pub(super) struct Gap {
    /// Had up to here; `None`: from the very first id.
    low: Option<ServerId>,
    /// Had from here on; `None`: to the very last id.
    high: Option<ServerId>,
    /// Limits of the pages under way.
    up: Option<u32>,
    down: Option<u32>,
    /// The row at the high end itself is missing, so only pages that go up can close the gap.
    is_open_above: bool,
    pub is_closed: bool,
    /// Markers that were gone, since a page came.
    pub refusals: u8,
    /// No page larger than this came in time.
    pub bound: u32,
    /// Doubles whenever a page that should have closed the gap did not: ids need not be spread evenly.
    stretch: f64,
    should_close: bool,
}

/// From which end of a gap a page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// From the low end, in ascending order.
    Up,
    /// From the high end, in descending order.
    Down,
}

/// The part of all ids between two places.
pub(super) fn part(from: u128, to: u128) -> f64 {
    to.saturating_sub(from) as f64 / u128::MAX as f64
}

pub(super) fn place(id: ServerId) -> u128 {
    u128::from_be_bytes(id.0)
}

impl Gap {
    pub fn new(low: Option<ServerId>, high: Option<ServerId>) -> Self {
        Self {
            low,
            high,
            up: None,
            down: None,
            is_open_above: false,
            is_closed: false,
            refusals: 0,
            bound: MOST_ROWS,
            stretch: 1.0,
            should_close: false,
        }
    }

    /// A gap whose high end is a server not seen in detail yet.
    pub fn open_above(low: Option<ServerId>, high: ServerId) -> Self {
        Self { is_open_above: true, ..Self::new(low, Some(high)) }
    }

    pub fn marker(&self, side: Side) -> Option<ServerId> {
        match side {
            Side::Up => self.low,
            Side::Down => self.high,
        }
    }

    pub fn set_marker(&mut self, side: Side, marker: Option<ServerId>) {
        match side {
            Side::Up => self.low = marker,
            Side::Down => self.high = marker,
        }
    }

    /// An end from which nothing is under way.
    pub fn free_side(&self) -> Option<Side> {
        if self.is_closed {
            None
        } else if self.up.is_none() {
            Some(Side::Up)
        } else if self.down.is_none() && !self.is_open_above {
            Some(Side::Down)
        } else {
            None
        }
    }

    /// Asks for a page: gives its limit.
    ///
    /// `wanted` rows, or, if that is about all, what is probably left. Too many repeat rows, too few cost another call:
    /// one deviation more than expected is about the cheapest. `all` is the number of servers, if that is known.
    pub fn ask(&mut self, side: Side, wanted: f64, all: Option<f64>) -> u32 {
        let left = all.map(|all| self.left(all));
        let closing = left.filter(|left| *left <= wanted * CLOSING_FACTOR + CLOSING_ROWS);
        self.should_close = closing.is_some();
        let rows = match closing {
            Some(left) => {
                // Where the page under way from the other end will stop is not certain either.
                let other = f64::from(self.up.or(self.down).unwrap_or(0));
                (left + (left + other).sqrt() + 2.0) * self.stretch
            }
            None => wanted,
        };
        let limit = (rows.ceil() as u32).clamp(FEWEST_ROWS, MOST_ROWS).min(self.bound);
        *self.asked(side) = Some(limit);
        limit
    }

    /// Nothing is under way, and it is not closed: whatever is left must be asked for.
    pub fn is_idle(&self) -> bool {
        !self.is_closed && self.up.is_none() && self.down.is_none()
    }

    pub fn give_back(&mut self, side: Side) {
        *self.asked(side) = None;
    }

    pub fn give_back_all(&mut self) {
        (self.up, self.down) = (None, None);
    }

    /// True when a page has the order that was asked for.
    pub fn is_in_order(&self, side: Side, ids: &[ServerId]) -> bool {
        match side {
            Side::Up => ids.is_sorted() && ids.first().is_none_or(|first| Some(*first) > self.low),
            Side::Down => {
                let is_below = |first: &ServerId| self.high.is_none_or(|high| *first < high);
                ids.is_sorted_by(|a, b| a >= b) && ids.first().is_none_or(is_below)
            }
        }
    }

    /// Takes a page; gives the part of all ids it covered.
    pub fn advance(&mut self, side: Side, ids: &[ServerId], has_next: bool) -> f64 {
        let before = self.marker(side);
        self.refusals = 0;
        let reached = ids.last().copied();
        if has_next {
            self.set_marker(side, reached.or(before));
        }
        self.is_closed |= !has_next || self.have_met();
        if !self.is_closed && self.should_close && self.up.is_none() && self.down.is_none() {
            self.stretch = (self.stretch * 2.0).min(1024.0);
        }
        let reached = reached.filter(|_| has_next).map(place);
        match side {
            Side::Up => part(before.map_or(0, place), reached.unwrap_or(u128::MAX)),
            Side::Down => part(reached.unwrap_or(0), before.map_or(u128::MAX, place)),
        }
    }

    /// Rows that are neither had nor under way, probably.
    pub fn left(&self, all: f64) -> f64 {
        let (from, to) = self.untouched(all);
        part(from, to) * all
    }

    /// Where they are: from the probable end of the page going up to that of the page going down.
    pub fn untouched(&self, all: f64) -> (u128, u128) {
        let step = |asked: Option<u32>| {
            let share = asked.map_or(0.0, |rows| f64::from(rows) / all.max(1.0));
            (share.min(1.0) * u128::MAX as f64) as u128
        };
        let from = self.low.map_or(0, place).saturating_add(step(self.up));
        let to = self.high.map_or(u128::MAX, place).saturating_sub(step(self.down));
        (from, to.max(from))
    }

    /// Cuts the gap at a server: gives the upper part. `is_had`: that server was seen in detail.
    pub fn split(&mut self, at: ServerId, is_had: bool) -> Self {
        let mut upper = Self::new(Some(at), self.high);
        upper.is_open_above = std::mem::replace(&mut self.is_open_above, !is_had);
        upper.down = self.down.take();
        upper.bound = self.bound;
        self.high = Some(at);
        upper
    }

    fn have_met(&self) -> bool {
        match (self.low, self.high) {
            // An end that is not had itself must be reached.
            (Some(low), Some(high)) => low >= high,
            _ => false,
        }
    }

    fn asked(&mut self, side: Side) -> &mut Option<u32> {
        match side {
            Side::Up => &mut self.up,
            Side::Down => &mut self.down,
        }
    }
}

/// A page takes all that is left when that is not much more than wanted.
const CLOSING_FACTOR: f64 = 1.0;
const CLOSING_ROWS: f64 = 10.0;
