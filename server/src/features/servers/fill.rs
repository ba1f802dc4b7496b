//! Which pages to ask for, in which order, to have a region's servers as soon as its API workers can give them.
//!
//! Nova computes a detailed page at about 6 ms a row in one worker, and the marker of a page is the last row of the
//! page before, so one page after the other keeps one worker busy. The light list knows ids at 2.3 ms a row: walking
//! it whole would add two fifths to the work. But ids are random, so a short piece of it is a fair sample of all, and
//! Nova sorts by id when asked to. So:
//!
//! 1. a small detailed page in Nova's own order (the newest first), beside it one short page of the light list, and
//!    the number of servers that the project's limits say;
//! 2. if that is more than the first page will have: detailed pages in the order of ids, side by side within the cap.
//!    Two calls begin at the two ends at once. Ids of the light list cut what lies between into gaps, and each gap is
//!    eaten up from both its ends: every page gives the marker of the next for free, and no meeting point has to be
//!    known before. Pages become smaller towards the end, so that all calls end at about the same time (`walk.rs`);
//! 3. when anything about this is refused, Nova's own order, one page after the other.
//!
//! What is created or deleted meanwhile comes with the `changes-since` that follows a fill. All of this is decided
//! here, without any I/O; `refresh/filling.rs` makes the calls.

mod gap;
mod walk;

use std::collections::{BTreeSet, VecDeque};

use api_types::ServerId;

use self::gap::Gap;
pub use self::gap::Side;

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
    /// Ids to cut gaps at, from the light list.
    markers: BTreeSet<ServerId>,
    gaps: Vec<Gap>,
    /// Ids of the first light page, which are those of the first detailed page too.
    first_markers: BTreeSet<ServerId>,
    /// Ids at which gaps were cut.
    cuts: Vec<ServerId>,
    /// Servers seen in detail.
    seen: BTreeSet<ServerId>,
    /// Servers there are, where something said so.
    expected: Option<u32>,
    /// What the pages in order of ids found so far: rows, and the part of all ids in which they were.
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
    /// A detailed page in the order of ids, from one end of a gap.
    Walk { gap: usize, side: Side, marker: Option<ServerId>, limit: u32 },
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
            gaps: Vec::new(),
            first_markers: BTreeSet::new(),
            cuts: Vec::new(),
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
            Mode::Opening if self.count == Progress::NotAsked => {
                self.count = Progress::Asked;
                Some(Step::Count)
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
                if let (Outcome::Count(Some(count)), Mode::Opening | Mode::Walking) = (outcome, &self.mode) {
                    self.expected = Some(count);
                }
                self.start_walking_if_worthwhile();
                if self.light == Progress::Done && self.markers.is_empty() {
                    self.go_on_without_light_list();
                }
                Ok(())
            }
            (Step::Walk { gap, side, marker, limit }, outcome) => {
                self.walk_done(gap, side, marker, limit, outcome)
            }
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
            Step::Walk { gap, side, marker, .. } => {
                let holder = self.holder(gap, side, marker);
                if let Some(gap) = self.gaps.get_mut(holder) {
                    gap.give_back(side);
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
        for gap in &mut self.gaps {
            gap.give_back_all();
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
                Mode::Walking => self.gaps.iter().all(|gap| gap.is_closed),
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
                let last = ids.last().copied();
                let count = ids.len() as u32;
                self.seen.extend(ids);
                // The page has all there should be, and a link to the next because it is full; or it is shorter than
                // was thought when the light list was found to be as long; or there is no light list.
                let is_full = self.expected.is_some_and(|expected| expected <= count);
                let is_cut = limit < FIRST_ROWS;
                let is_alone =
                    self.light == Progress::Done && self.markers.is_empty() && self.count == Progress::Done;
                if !has_next {
                    self.expected = Some(count);
                    self.mode = Mode::Short;
                } else if !matches!(self.mode, Mode::Walking) && (is_full || is_cut || is_alone) {
                    self.follow_from(last);
                } else {
                    self.start_walking_if_worthwhile();
                    self.mend_cuts();
                }
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
        if !matches!(self.mode, Mode::Opening | Mode::Walking) {
            return;
        }
        match outcome {
            // A further page, for more places to cut at; it can be done without.
            Outcome::Page { ids, .. } if marker.is_some() => self.markers.extend(ids),
            _ if marker.is_some() => {}
            Outcome::Page { ids, has_next: false } => {
                // It is as long as the first page.
                self.expected = Some(ids.len() as u32);
                self.mode = Mode::Short;
            }
            Outcome::Page { ids, has_next: true } if !ids.is_empty() => {
                self.light_end = ids.last().copied();
                self.markers.extend(&ids);
                self.first_markers.extend(ids);
                self.start_walking_if_worthwhile();
            }
            _ => self.go_on_without_light_list(),
        }
    }

    /// With a count the walk from both ends can do without; else it is the plain one.
    fn go_on_without_light_list(&mut self) {
        // The first page, when it comes, says where the plain walk goes on. If it has come, which of its rows was the
        // last is not known any more: begin again.
        let is_at_a_loss = self.first == Progress::Done && self.count == Progress::Done;
        if matches!(self.mode, Mode::Opening) && is_at_a_loss {
            self.follow_from(None);
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
/// Rows of the second page of the plain walk; they double from there.
const FOLLOW_ROWS: u32 = 200;
/// Markers the plain walk can fall back to.
const MARKERS_KEPT: usize = 32;

#[cfg(test)]
mod tests;
