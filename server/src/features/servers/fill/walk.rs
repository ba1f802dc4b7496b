//! The walk in the order of ids: which page to ask for next, and what a page that came leaves of the gaps.

use std::collections::BTreeSet;

use api_types::ServerId;

use super::{
    FEWEST_ROWS, FIRST_ROWS, FillPlan, LIGHT_ROWS, Mode, Outcome, Progress, Side, Step, Stuck,
    gap::{Gap, part, place},
};

impl FillPlan {
    /// Begins to walk as soon as it is known that the first page will not have everything. Without any marker yet, two
    /// calls can begin: one from either end.
    pub(super) fn start_walking_if_worthwhile(&mut self) {
        let is_long = match self.expected {
            Some(count) => count > FIRST_ROWS,
            None => self.count == Progress::Done && !self.markers.is_empty(),
        };
        let is_wrong = self.first == Progress::Done && !self.markers.is_empty();
        if matches!(self.mode, Mode::Opening) && (is_long || is_wrong) {
            self.mode = Mode::Walking;
            self.gaps.push(Gap::new(None, None));
        }
    }

    /// The page that brings the end nearest; `None`: wait for one under way.
    pub(super) fn next_walking_step(&mut self) -> Option<Step> {
        if self.light == Progress::NotAsked {
            self.light = Progress::Asked;
            return Some(Step::Light { marker: None, limit: LIGHT_ROWS });
        }
        if let Some(step) = self.more_markers() {
            return Some(step);
        }
        // Where most is left, so that all gaps close at about the same time.
        let all = self.estimate();
        let left = |gap: &Gap| gap.left(all.unwrap_or(UNKNOWN_SERVERS));
        let with_room = (0..self.gaps.len()).filter(|number| self.gaps[*number].free_side().is_some());
        let widest = with_room.max_by(|a, b| left(&self.gaps[*a]).total_cmp(&left(&self.gaps[*b])));
        let number = match widest {
            // A page that only repeats what the one from the other end brings would be of no use.
            Some(number) if left(&self.gaps[number]) >= LEAST_LEFT || self.gaps[number].is_idle() => number,
            _ => self.split_widest()?,
        };
        let side = self.gaps[number].free_side()?;
        let wanted = self.wanted_rows();
        let gap = &mut self.gaps[number];
        let limit = gap.ask(side, wanted, all);
        Some(Step::Walk { gap: number, side, marker: gap.marker(side), limit })
    }

    /// Takes the end of a call that began at `asked_from`.
    ///
    /// Errors: [`Stuck`] when even a few rows do not come.
    pub(super) fn walk_done(
        &mut self,
        number: usize,
        side: Side,
        asked_from: Option<ServerId>,
        limit: u32,
        outcome: Outcome,
    ) -> Result<(), Stuck> {
        if !matches!(self.mode, Mode::Walking) {
            self.saw(outcome);
            return Ok(());
        }
        let number = self.holder(number, side, asked_from);
        let gap = &mut self.gaps[number];
        gap.give_back(side);
        match outcome {
            Outcome::Page { ids, has_next } => {
                if !gap.is_in_order(side, &ids) || (ids.is_empty() && has_next) {
                    // The upstream does not sort by id after all.
                    self.seen.extend(ids);
                    self.follow_from(None);
                    return Ok(());
                }
                let covered = gap.advance(side, &ids, has_next);
                self.found.0 += ids.len() as u32;
                self.found.1 += covered;
                self.seen.extend(ids);
                self.mend_cuts();
            }
            Outcome::Refused => match gap.marker(side) {
                // Not even without a marker: it does not sort by id.
                None => self.follow_from(None),
                Some(gone) => {
                    self.markers.remove(&gone);
                    gap.refusals += 1;
                    if gap.refusals > MOST_REFUSALS {
                        self.follow_from(None);
                    } else {
                        let (markers, seen) = (&self.markers, &self.seen);
                        let nearest = match side {
                            Side::Up => markers.range(..gone).next_back().max(seen.range(..gone).next_back()),
                            Side::Down => {
                                let above = [
                                    markers.range(gone..).next(),
                                    seen.range(gone..).find(|id| **id != gone),
                                ];
                                above.into_iter().flatten().min()
                            }
                        };
                        gap.set_marker(side, nearest.copied());
                    }
                }
            },
            Outcome::TooMuch if limit > FEWEST_ROWS => gap.bound = (limit / 2).max(FEWEST_ROWS),
            Outcome::TooMuch | Outcome::Count(_) => return Err(Stuck),
        }
        Ok(())
    }

    /// Once all gaps are closed: a server at which one was cut, and that no page had, is asked for with its neighbours.
    pub(super) fn mend_cuts(&mut self) {
        if self.first != Progress::Done || !self.gaps.iter().all(|gap| gap.is_closed) {
            return;
        }
        for cut in std::mem::take(&mut self.cuts) {
            if !self.seen.contains(&cut) {
                let low = self.seen.range(..cut).next_back().copied();
                self.gaps.push(Gap::open_above(low, cut));
            }
        }
    }

    /// Whose call it was: a gap that was cut since has handed its upper end on.
    pub(super) fn holder(&self, number: usize, side: Side, marker: Option<ServerId>) -> usize {
        let holder = self.gaps.iter().position(|gap| side == Side::Down && gap.marker(side) == marker);
        holder.unwrap_or(number)
    }

    /// A larger region needs more places to cut at, or its last gaps could not be shared out.
    fn more_markers(&mut self) -> Option<Step> {
        let wanted = (self.expected? / ROWS_BETWEEN_MARKERS).min(MOST_MARKERS);
        let missing = wanted.saturating_sub(self.markers.len() as u32);
        let marker = self.light_end.take_if(|_| missing > LIGHT_ROWS / 2)?;
        self.light = Progress::Asked;
        Some(Step::Light { marker: Some(marker), limit: missing })
    }

    /// Cuts the gap that has most left, though both its ends are taken; gives the part with a free end.
    fn split_widest(&mut self) -> Option<usize> {
        let all = self.estimate().unwrap_or(UNKNOWN_SERVERS);
        let left = |gap: &Gap| if gap.is_closed { 0.0 } else { gap.left(all) };
        let widest =
            (0..self.gaps.len()).max_by(|a, b| left(&self.gaps[*a]).total_cmp(&left(&self.gaps[*b])))?;
        if left(&self.gaps[widest]) < WORTH_SPLITTING {
            return None;
        }
        let (from, to) = self.gaps[widest].untouched(all);
        let marker = nearest(&self.markers, from, to, from + (to - from) / 2)?;
        // Too near to either end, and it would only cost a call.
        let at = place(marker);
        if part(from, at) * all < WORTH_SPLITTING / 3.0 || part(at, to) * all < WORTH_SPLITTING / 3.0 {
            return None;
        }
        let is_had = self.seen.contains(&marker);
        // The first page will have it.
        let will_be_had = self.first != Progress::Done && self.first_markers.contains(&marker);
        let upper = self.gaps[widest].split(marker, is_had || will_be_had);
        self.gaps.push(upper);
        self.cuts.push(marker);
        // The lower part lost its call from above, the upper one its call from below.
        let number = self.gaps.len() - 1;
        self.gaps[number].free_side().map(|_| number)
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

/// A page is this part of what is left for each call: large ones cost fewer calls, small ones end at the same time.
const SHARES: f64 = 2.0;
/// While it is not known how many servers there are: what is thought, and the rows of a page.
const UNKNOWN_SERVERS: f64 = 2000.0;
const UNKNOWN_ROWS: u32 = 150;
/// A gap whose markers are gone so often in a row meets something else than deleted servers.
const MOST_REFUSALS: u8 = 3;
/// With fewer rows left between its pages a gap needs no further call.
const LEAST_LEFT: f64 = 5.0;
/// Below so many rows another call costs more than it brings forward: its base is worth ten rows.
const WORTH_SPLITTING: f64 = 30.0;
/// Servers for each place to start at, and as many places at most.
const ROWS_BETWEEN_MARKERS: u32 = 30;
const MOST_MARKERS: u32 = 800;

/// The marker next to a place, strictly between two others.
fn nearest(markers: &BTreeSet<ServerId>, after: u128, before: u128, at: u128) -> Option<ServerId> {
    let id = ServerId(at.to_be_bytes());
    let is_inside = |marker: &&ServerId| (after.saturating_add(1)..before).contains(&place(**marker));
    let below = markers.range(..=id).next_back().filter(is_inside);
    let above = markers.range(id..).next().filter(is_inside);
    let far = |marker: &ServerId| place(*marker).abs_diff(at);
    below.into_iter().chain(above).min_by_key(|marker| far(marker)).copied()
}
