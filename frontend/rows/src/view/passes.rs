//! The work of a view, in pieces short enough for a frame.

use std::ops::Range;

use super::View;
use crate::{
    RowIndex, Rows,
    block::{BLOCK_ROWS, Block, flag},
    facets::OTHER_THAN_FACETS,
    sort::Sorting,
    store::place,
};

/// The mask of a row that is not there, or not looked at yet.
const ABSENT: u8 = u8::MAX;

impl View {
    /// Takes in what came since the last step, before anything is compared or counted.
    pub(super) fn prepare(&mut self, rows: &Rows) {
        self.total = rows.len();
        self.search.refresh(rows.words());
        self.choices.refresh(rows, &self.query.facets);
        self.counts.refresh(rows);
        self.ranks.refresh(rows.words(), self.sort.column);
        self.keys.refresh(rows, &self.ranks);
        if self.masks.len() < rows.slots() {
            let room = rows.blocks().len() * BLOCK_ROWS;
            self.masks.reserve_exact(room - self.masks.len());
            self.masks.resize(rows.slots(), ABSENT);
        }
    }

    /// Does one piece of counting; false if there is none.
    pub(super) fn count_on(&mut self, rows: &Rows) -> bool {
        if self.work.recount.is_some() || self.work.needs_recount {
            self.recount_block(rows);
        } else if self.work.needs_publishing {
            self.publish(rows);
        } else {
            return false;
        }
        true
    }

    /// Whether [`Self::work_on`] would do anything.
    pub(super) fn has_work(&self, rows: &Rows) -> bool {
        let work = &self.work;
        work.filter.is_some()
            || work.needs_sorting
            || work.sorting.is_some()
            || work.changed_done < work.changed.len()
            || rows.has_changes()
            || !work.incoming.is_empty()
            || self.is_to_settle()
    }

    /// Does one piece of work on the rows; false if there is none.
    pub(super) fn work_on(&mut self, rows: &mut Rows, within: &mut dyn FnMut() -> bool) -> bool {
        if let Some(block) = self.work.filter {
            self.filter_block(rows, block);
        } else if let Some(sorting) = self.work.sorting.take() {
            // Rows that go meanwhile keep their slots until it is done.
            self.sort_on(sorting, rows, within);
        } else if self.work.changed_done < self.work.changed.len() || rows.has_changes() {
            self.take_changed(rows);
        } else if self.work.needs_sorting {
            let sorting = self.gather(rows);
            self.sort_on(sorting, rows, within);
        } else if self.is_to_settle() {
            self.order.take_waiting(&mut self.work.incoming);
            self.order.remove_leaving(rows);
        } else if !self.work.incoming.is_empty() {
            self.place_incoming(rows);
        } else {
            return false;
        }
        true
    }

    /// True if rows wait to come or go and nothing keeps them.
    fn is_to_settle(&self) -> bool {
        !self.is_held && (self.order.waiting() > 0 || self.order.has_leaving())
    }

    /// Compares a block with a new query.
    fn filter_block(&mut self, rows: &Rows, number: usize) {
        let Some(block) = rows.blocks().get(number) else {
            self.work.filter = None;
            self.work.needs_sorting = true;
            self.work.recount = None;
            self.work.needs_recount = true;
            return;
        };
        self.mark(rows, number, 0..block.len());
        self.work.filter = Some(number + 1);
    }

    /// Sorts all that match, and shows them once that is done.
    fn sort_on(&mut self, mut sorting: Sorting, rows: &mut Rows, within: &mut dyn FnMut() -> bool) {
        if sorting.step(&self.keys, rows, &self.ranks, within) {
            self.order.replace(sorting.into_sorted(), rows);
        } else {
            self.work.sorting = Some(sorting);
        }
    }

    fn gather(&mut self, rows: &Rows) -> Sorting {
        self.work.needs_sorting = false;
        let matching = self.masks.iter().filter(|mask| **mask == 0).count();
        let mut sorting = Sorting::with_capacity(matching);
        for (number, (block, masks)) in rows.blocks().iter().zip(self.masks.chunks(BLOCK_ROWS)).enumerate() {
            for (at, mask) in masks.iter().enumerate() {
                if *mask == 0 && block.is_present(at) {
                    let row = (number * BLOCK_ROWS + at) as RowIndex;
                    sorting.push(self.keys.first(rows, &self.ranks, block, at), row);
                }
            }
        }
        sorting
    }

    /// Looks at rows that came, changed or went, up to a block of them.
    fn take_changed(&mut self, rows: &mut Rows) {
        if self.work.changed_done == self.work.changed.len() {
            self.work.changed = rows.take_changes();
            self.work.changed_done = 0;
        }
        let changed = std::mem::take(&mut self.work.changed);
        let mut done = self.work.changed_done;
        let end = changed.len().min(done + BLOCK_ROWS);
        while done < end {
            // Rows that came together lie together.
            let (number, first) = place(changed[done]);
            let run =
                changed[done..end].iter().zip(changed[done]..).take_while(|(row, next)| *row == next).count();
            let places = first..first + run.min(BLOCK_ROWS - first);
            self.take_run(rows, number, places.clone());
            done += places.len();
        }
        self.work.changed_done = done;
        self.work.changed = changed;
    }

    /// Looks at changed rows that lie together.
    fn take_run(&mut self, rows: &mut Rows, number: usize, places: Range<usize>) {
        let first = number * BLOCK_ROWS;
        let was_counted = self.masks[first..][places.clone()].iter().any(|mask| *mask != ABSENT);
        self.mark(rows, number, places.clone());
        if was_counted {
            self.work.needs_recount = true;
        } else if self.work.recount.is_none_or(|next| number < next) {
            self.count(&rows.blocks()[number], number, places.clone());
            self.work.needs_publishing = true;
        } // Else the count that goes on has these still before it.
        for at in places {
            let row = (first + at) as RowIndex;
            let block = &rows.blocks()[number];
            if block.is_present(at) {
                if self.masks[row as usize] == 0 && !self.order.contains(row) {
                    self.work.incoming.push(row);
                }
            } else if block.flags[at] & flag::GONE != 0 && !self.order.lose(row) {
                rows.release(row);
            }
        }
    }

    fn place_incoming(&mut self, rows: &Rows) {
        // Since they came in sight, some may have changed again, or gone.
        let masks = &self.masks;
        self.work.incoming.retain(|row| masks[*row as usize] == 0);
        if self.is_held {
            self.order.wait(&mut self.work.incoming);
        } else {
            self.order.insert(&mut self.work.incoming, &self.keys, rows, &self.ranks);
        }
    }

    /// Counts a block again, by the masks as they are.
    fn recount_block(&mut self, rows: &Rows) {
        let number = self.work.recount.unwrap_or(0);
        if self.work.recount.is_none() {
            self.work.needs_recount = false;
            self.counts.clear();
        }
        let Some(block) = rows.blocks().get(number) else {
            self.work.recount = None;
            // At once: where rows change in every frame, there would never be a better time.
            self.publish(rows);
            return;
        };
        self.count(block, number, 0..block.len());
        self.work.recount = Some(number + 1);
    }

    fn publish(&mut self, rows: &Rows) {
        self.work.needs_publishing = false;
        self.facets.publish(rows, &self.counts, &self.query.facets, &self.ranks);
    }

    /// Sets the masks of rows that lie together.
    fn mark(&mut self, rows: &Rows, number: usize, places: Range<usize>) {
        let block = &rows.blocks()[number];
        let masks = &mut self.masks[number * BLOCK_ROWS..][places.clone()];
        if self.search.is_empty() {
            masks.fill(0);
        } else {
            let matching = self.search.run(rows, block, places.clone());
            for (at, mask) in places.clone().zip(&mut *masks) {
                *mask = if matching.contains(at) { 0 } else { OTHER_THAN_FACETS };
            }
        }
        self.choices.mark(block, places.clone(), masks);
        for (at, mask) in places.zip(masks) {
            if !block.is_present(at) {
                *mask = ABSENT;
            }
        }
    }

    /// Counts rows that lie together, by their masks.
    fn count(&mut self, block: &Block, number: usize, places: Range<usize>) {
        let masks = &self.masks[number * BLOCK_ROWS..][places.clone()];
        self.counts.add(block, places, masks);
    }
}
