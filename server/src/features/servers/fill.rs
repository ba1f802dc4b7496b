//! Which pages to ask for, in which order, to have a region's servers as soon as its API workers can give them.
//!
//! Nova computes a detailed page at about 6 ms a row in one worker, and the marker of a page is the last row of the
//! page before, so one page after the other keeps one worker busy. The light list knows ids at 2.3 ms a row: walking
//! it whole would add two fifths to the work. But ids are random, so a short piece of it is a fair sample of all, and
//! Nova sorts by id when asked to. So:
//!
//! 1. a small detailed page in Nova's own order (the newest first), and beside it one short page of the light list;
//! 2. if the light page is not the whole list: detailed pages in the order of ids, as many walks side by side as there
//!    may be calls. Their first markers are ids of the light list, spread evenly; after that each page gives the
//!    marker of the next for free. A walk ends where the next one started, and one that is done takes over the second
//!    half of what the longest has left;
//! 3. when anything about this is refused, Nova's own order, one page after the other.
//!
//! What is created or deleted meanwhile comes with the `changes-since` that follows a fill. All of this is decided
//! here, without any I/O; `refresh.rs` makes the calls.

mod walk;

use std::collections::{BTreeSet, VecDeque};

use api_types::ServerId;

use self::walk::{Walk, distance};

/// The pages of one fill: which are had, which are asked for, which are left.
pub struct FillPlan {
    mode: Mode,
    /// Calls that may run side by side.
    cap: usize,
    first: Progress,
    first_limit: u32,
    light: Progress,
    light_end: Option<ServerId>,
    count: Progress,
    /// Ids to start walks at, from the light list.
    markers: BTreeSet<ServerId>,
    walks: Vec<Walk>,
    /// Servers seen in detail.
    seen: BTreeSet<ServerId>,
    /// Servers there are, where something said so.
    expected: Option<u32>,
    /// What the walks found so far: rows, and the part of all ids in which they were.
    found: (u32, f64),
}

/// One call to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A detailed page of the newest servers.
    First { limit: u32 },
    /// A page of the light list, in the same order.
    Light { marker: Option<ServerId>, limit: u32 },
    /// The number of servers that the project's limits say.
    Count,
    /// A detailed page in the order of ids.
    Walk { walk: usize, marker: Option<ServerId>, limit: u32 },
    /// A detailed page in Nova's own order.
    Follow { marker: Option<ServerId>, limit: u32 },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The ids of the page in its order, and whether more follow.
    Page {
        ids: Vec<ServerId>,
        has_next: bool,
    },
    Count(Option<u32>),
    /// The upstream does not take the question: the marker is gone, or it cannot sort so.
    Refused,
    /// No answer in time, or one that was too long: fewer rows may do.
    TooMuch,
}

/// A fill that cannot go on: even the plainest question is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck;

/// Rows of the first page: about a screen, and there within 0.3 s.
pub const FIRST_ROWS: u32 = 40;
/// Ids of the first light page: enough places to start at, and there before the first page.
pub const LIGHT_ROWS: u32 = FIRST_ROWS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    NotAsked,
    Asked,
    Done,
}

#[derive(Debug)]
enum Mode {
    /// Nothing is known yet.
    Opening,
    /// The first page has everything once it is there.
    Short,
    Walking,
    Following(Follow),
}

/// The plain walk.
#[derive(Debug)]
struct Follow {
    /// The last markers, the newest last: if one is gone, the one before will do.
    markers: VecDeque<ServerId>,
    limit: u32,
    bound: u32,
    progress: Progress,
}

impl FillPlan {
    /// `cap`: how many calls may run side by side, at least 1.
    pub fn new(cap: usize) -> Self {
        Self {
            mode: Mode::Opening,
            cap: cap.max(1),
            first: Progress::NotAsked,
            first_limit: FIRST_ROWS,
            light: Progress::NotAsked,
            light_end: None,
            count: Progress::NotAsked,
            markers: BTreeSet::new(),
            walks: Vec::new(),
            seen: BTreeSet::new(),
            expected: None,
            found: (0, 0.0),
        }
    }

    /// A call to make now, beside those under way; `None`: wait for one of them.
    pub fn next_step(&mut self) -> Option<Step> {
        if self.is_complete() {
            return None;
        }
        if self.first == Progress::NotAsked {
            self.first = Progress::Asked;
            return Some(Step::First { limit: self.first_limit });
        }
        match &mut self.mode {
            Mode::Opening if self.light == Progress::NotAsked => {
                self.light = Progress::Asked;
                Some(Step::Light { marker: None, limit: LIGHT_ROWS })
            }
            Mode::Opening | Mode::Short => None,
            Mode::Walking => self.next_walking_step(),
            Mode::Following(follow) => follow.next_step(),
        }
    }

    /// Takes the end of a call that [`next_step`](Self::next_step) gave out.
    ///
    /// Errors: [`Stuck`] when nothing is left to try.
    pub fn done(&mut self, step: Step, outcome: Outcome) -> Result<(), Stuck> {
        match (step, outcome) {
            (Step::First { limit }, outcome) => self.first_done(limit, outcome),
            (Step::Light { marker, .. }, outcome) => {
                self.light_done(marker, outcome);
                Ok(())
            }
            (Step::Count, outcome) => {
                self.count = Progress::Done;
                if let Outcome::Count(Some(count)) = outcome {
                    self.expected = Some(count);
                }
                Ok(())
            }
            (Step::Walk { walk, limit, .. }, outcome) => self.walk_done(walk, limit, outcome),
            (Step::Follow { marker, limit }, outcome) => self.follow_done(marker, limit, outcome),
        }
    }

    /// The call was not made or not ended, and is to be asked again.
    pub fn give_back(&mut self, step: Step) {
        match step {
            Step::First { .. } => self.first = Progress::NotAsked,
            Step::Light { marker: None, .. } => self.light = Progress::NotAsked,
            Step::Light { .. } => self.light = Progress::Done,
            Step::Count => self.count = Progress::NotAsked,
            Step::Walk { walk, .. } => {
                if let Some(walk) = self.walks.get_mut(walk) {
                    walk.asked = None;
                }
            }
            Step::Follow { .. } => {
                if let Mode::Following(follow) = &mut self.mode {
                    follow.progress = Progress::NotAsked;
                }
            }
        }
    }

    /// All calls under way came to nothing.
    pub fn give_back_all(&mut self) {
        for progress in [&mut self.first, &mut self.light, &mut self.count] {
            if *progress == Progress::Asked {
                *progress = Progress::NotAsked;
            }
        }
        for walk in &mut self.walks {
            walk.asked = None;
        }
        if let Mode::Following(follow) = &mut self.mode
            && follow.progress == Progress::Asked
        {
            follow.progress = Progress::NotAsked;
        }
    }

    /// Every server has been seen; calls still under way are of no use any more.
    pub fn is_complete(&self) -> bool {
        self.first == Progress::Done
            && match &self.mode {
                Mode::Opening => false,
                Mode::Short => true,
                Mode::Walking => self.walks.iter().all(|walk| walk.is_done),
                Mode::Following(follow) => follow.progress == Progress::Done,
            }
    }

    /// How many servers there will be, where that is known.
    pub fn expected(&self) -> Option<u32> {
        self.expected.map(|expected| expected.max(self.seen.len() as u32))
    }

    pub fn seen(&self) -> &BTreeSet<ServerId> {
        &self.seen
    }

    /// A row that has no place in any order, because it says no id.
    pub fn saw_stray(&mut self, id: ServerId) {
        self.seen.insert(id);
    }

    fn first_done(&mut self, limit: u32, outcome: Outcome) -> Result<(), Stuck> {
        match outcome {
            Outcome::Page { ids, has_next } => {
                self.first = Progress::Done;
                let is_cut = limit < FIRST_ROWS && !matches!(self.mode, Mode::Walking);
                if !has_next {
                    self.expected = Some(ids.len() as u32);
                    self.mode = Mode::Short;
                } else if is_cut || matches!(self.mode, Mode::Opening) && self.light == Progress::Done {
                    // There is no light list, or it was thought that more rows would be here: go on from the last.
                    self.follow_from(ids.last().copied());
                }
                self.seen.extend(ids);
                Ok(())
            }
            Outcome::TooMuch if limit > FEWEST_ROWS => {
                self.first = Progress::NotAsked;
                self.first_limit = (limit / 2).max(FEWEST_ROWS);
                Ok(())
            }
            _ => Err(Stuck),
        }
    }

    fn light_done(&mut self, marker: Option<ServerId>, outcome: Outcome) {
        self.light = Progress::Done;
        if !matches!(self.mode, Mode::Opening) {
            // A further page, for more places to start at; it can be done without.
            if let (Mode::Walking, Some(_), Outcome::Page { ids, .. }) = (&self.mode, marker, outcome) {
                self.markers.extend(ids);
            }
            return;
        }
        match outcome {
            Outcome::Page { ids, has_next: false } => {
                // It is as long as the first page.
                self.expected = Some(ids.len() as u32);
                self.mode = Mode::Short;
            }
            Outcome::Page { ids, has_next: true } if !ids.is_empty() => {
                self.light_end = ids.last().copied();
                self.markers.extend(ids);
                self.start_walking();
            }
            _ if self.first == Progress::Done => {
                // Which of the first page's rows came last is not known any more: begin again.
                self.follow_from(None);
            }
            // The first page, when it comes, says where to go on.
            _ => {}
        }
    }

    fn saw(&mut self, outcome: Outcome) {
        if let Outcome::Page { ids, .. } = outcome {
            self.seen.extend(ids);
        }
    }

    /// Nova's own order, one page after the other, from here.
    fn follow_from(&mut self, marker: Option<ServerId>) {
        self.mode = Mode::Following(Follow {
            markers: marker.into_iter().collect(),
            limit: FOLLOW_ROWS,
            bound: MOST_ROWS,
            progress: Progress::NotAsked,
        });
    }

    fn follow_done(&mut self, marker: Option<ServerId>, limit: u32, outcome: Outcome) -> Result<(), Stuck> {
        let follow = match &mut self.mode {
            Mode::Following(follow) if follow.markers.back().copied() == marker => follow,
            // It was asked before the walk began anew.
            _ => {
                self.saw(outcome);
                return Ok(());
            }
        };
        follow.progress = Progress::NotAsked;
        match outcome {
            Outcome::Page { ids, has_next } => {
                let is_new = ids.iter().any(|id| !self.seen.contains(id));
                match ids.last() {
                    Some(_) if has_next => {
                        follow.markers.extend(&ids);
                        let surplus = follow.markers.len().saturating_sub(MARKERS_KEPT);
                        follow.markers.drain(..surplus);
                        follow.limit = (follow.limit * 2).min(follow.bound);
                        // The same page for ever would be a fault of the upstream.
                        if !is_new && marker.is_some() && marker == ids.last().copied() {
                            return Err(Stuck);
                        }
                    }
                    _ => {
                        follow.progress = Progress::Done;
                        self.seen.extend(&ids);
                        self.expected = Some(self.seen.len() as u32);
                        return Ok(());
                    }
                }
                self.seen.extend(&ids);
                Ok(())
            }
            // The marker is gone: go on from the row before it.
            Outcome::Refused if follow.markers.pop_back().is_some() => Ok(()),
            Outcome::TooMuch if limit > FEWEST_ROWS => {
                follow.bound = (limit / 2).max(FEWEST_ROWS);
                follow.limit = follow.bound;
                Ok(())
            }
            _ => Err(Stuck),
        }
    }

    fn start_walking(&mut self) {
        self.mode = Mode::Walking;
        let mut starts = BTreeSet::new();
        for nth in 1..self.cap {
            let place = (u128::MAX / self.cap as u128) * nth as u128;
            starts.extend(nearest(&self.markers, None, None, place));
        }
        let mut from = None;
        for start in starts {
            self.walks.push(Walk::new(from, Some(start)));
            from = Some(start);
        }
        self.walks.push(Walk::new(from, None));
    }

    fn next_walking_step(&mut self) -> Option<Step> {
        if self.count == Progress::NotAsked {
            self.count = Progress::Asked;
            return Some(Step::Count);
        }
        if let Some(step) = self.more_markers() {
            return Some(step);
        }
        if let Some(number) = self.walks.iter().position(|walk| !walk.is_done && walk.asked.is_none()) {
            return Some(self.continue_walk(number));
        }
        let number = self.split_longest()?;
        Some(self.continue_walk(number))
    }

    fn continue_walk(&mut self, number: usize) -> Step {
        let wanted = self.wanted_rows();
        let all = self.estimate();
        let walk = &mut self.walks[number];
        let limit = walk.ask(wanted, all);
        Step::Walk { walk: number, marker: walk.from, limit }
    }

    /// A larger region needs more places to start at, or its last walks could not be shared out.
    fn more_markers(&mut self) -> Option<Step> {
        let wanted = (self.expected? / ROWS_BETWEEN_MARKERS).min(MOST_MARKERS);
        let missing = wanted.saturating_sub(self.markers.len() as u32);
        let marker = self.light_end.take_if(|_| missing > LIGHT_ROWS / 2)?;
        self.light = Progress::Asked;
        Some(Step::Light { marker: Some(marker), limit: missing })
    }

    fn walk_done(&mut self, number: usize, limit: u32, outcome: Outcome) -> Result<(), Stuck> {
        if !matches!(self.mode, Mode::Walking) {
            self.saw(outcome);
            return Ok(());
        }
        let walk = &mut self.walks[number];
        walk.asked = None;
        match outcome {
            Outcome::Page { ids, has_next } => {
                let before = walk.from;
                let is_in_order = ids.is_sorted() && ids.first().is_none_or(|first| Some(*first) > before);
                if !is_in_order || (ids.is_empty() && has_next) {
                    // The upstream does not sort by id after all.
                    self.seen.extend(ids);
                    self.follow_from(None);
                    return Ok(());
                }
                let part = walk.advance(&ids, has_next);
                self.found.0 += ids.len() as u32;
                self.found.1 += part;
                self.seen.extend(ids);
            }
            Outcome::Refused => match walk.from {
                // Not even without a marker: it does not sort by id.
                None => self.follow_from(None),
                Some(gone) => {
                    self.markers.remove(&gone);
                    walk.refusals += 1;
                    if walk.refusals > MOST_REFUSALS {
                        self.follow_from(None);
                    } else {
                        let known = self.markers.range(..gone).next_back();
                        let seen = self.seen.range(..gone).next_back();
                        walk.from = known.max(seen).copied();
                    }
                }
            },
            Outcome::TooMuch if limit > FEWEST_ROWS => walk.bound = (limit / 2).max(FEWEST_ROWS),
            Outcome::TooMuch | Outcome::Count(_) => return Err(Stuck),
        }
        Ok(())
    }

    /// Shares out what the longest walk has left; gives the new walk.
    fn split_longest(&mut self) -> Option<usize> {
        let all = self.estimate()?;
        let remaining = |walk: &Walk| walk.rows_after_asked(all);
        let longest = (0..self.walks.len())
            .filter(|number| !self.walks[*number].is_done)
            .max_by(|a, b| remaining(&self.walks[*a]).total_cmp(&remaining(&self.walks[*b])))?;
        let walk = &self.walks[longest];
        if remaining(walk) < WORTH_SPLITTING {
            return None;
        }
        let start = walk.end_of_asked(all);
        let end = walk.until.map_or(u128::MAX, |until| u128::from_be_bytes(until.0));
        let middle = start + (end - start) / 2;
        let marker = nearest(&self.markers, Some(start), walk.until, middle)?;
        // Too near to either end, and it would only cost a call.
        let at = u128::from_be_bytes(marker.0);
        if distance(start, at) * all < WORTH_SPLITTING / 3.0
            || distance(at, end) * all < WORTH_SPLITTING / 3.0
        {
            return None;
        }
        let until = self.walks[longest].until.replace(marker);
        self.walks.push(Walk::new(Some(marker), until));
        Some(self.walks.len() - 1)
    }

    /// How many servers there are, as well as can be told now.
    fn estimate(&self) -> Option<f64> {
        let (rows, part) = self.found;
        let counted = self.expected.map(f64::from);
        // Limits may count what the list does not show; what was found is the better witness, once there is enough.
        let found = (part > 0.2 && rows > 100).then(|| f64::from(rows) / part);
        found.or(counted).or((part > 0.0 && rows > 0).then(|| f64::from(rows) / part))
    }

    /// Rows a page should have now.
    fn wanted_rows(&self) -> f64 {
        let Some(all) = self.estimate() else { return f64::from(UNKNOWN_ROWS) };
        let left = (all - f64::from(self.found.0)).max(0.0);
        (left / (SHARES * self.cap as f64)).clamp(40.0, 300.0)
    }
}

impl Follow {
    fn next_step(&mut self) -> Option<Step> {
        if self.progress != Progress::NotAsked {
            return None;
        }
        self.progress = Progress::Asked;
        Some(Step::Follow { marker: self.markers.back().copied(), limit: self.limit })
    }
}

/// Nova gives no more in one page, whatever is asked for.
const MOST_ROWS: u32 = 1000;
/// If so few rows do not come in time, fewer will not either.
const FEWEST_ROWS: u32 = 10;
/// A page is this part of what is left for each call: large ones cost fewer calls, small ones end at the same time.
const SHARES: f64 = 2.0;
/// Rows of a page while it is not known how many there are.
const UNKNOWN_ROWS: u32 = 150;
/// Rows of the second page of the plain walk; they double from there.
const FOLLOW_ROWS: u32 = 200;
/// Markers the plain walk can fall back to.
const MARKERS_KEPT: usize = 32;
/// A walk whose markers are gone so often in a row meets something else than deleted servers.
const MOST_REFUSALS: u8 = 3;
/// Below so many rows another call costs more than it brings forward: its base is worth ten rows.
const WORTH_SPLITTING: f64 = 30.0;
/// Servers for each place to start at, and as many places at most.
const ROWS_BETWEEN_MARKERS: u32 = 30;
const MOST_MARKERS: u32 = 800;

/// The marker next to a place, strictly between two bounds.
fn nearest(
    markers: &BTreeSet<ServerId>,
    after: Option<u128>,
    before: Option<ServerId>,
    place: u128,
) -> Option<ServerId> {
    let id = ServerId(place.to_be_bytes());
    let is_inside = |marker: &&ServerId| {
        after.is_none_or(|after| u128::from_be_bytes(marker.0) > after)
            && before.is_none_or(|before| **marker < before)
    };
    let below = markers.range(..=id).next_back().filter(is_inside);
    let above = markers.range(id..).next().filter(is_inside);
    let far = |marker: &ServerId| u128::from_be_bytes(marker.0).abs_diff(place);
    below.into_iter().chain(above).min_by_key(|marker| far(marker)).copied()
}

#[cfg(test)]
mod tests;
