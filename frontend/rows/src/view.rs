//! What the list shows: filtered, sorted and counted, kept up in slices.

mod order;
mod passes;

use super::{
    Facets, Query, RowIndex, Rows, Sort,
    facets::{Choices, Counts},
    search::Search,
    sort::{SortKeys, Sorting},
    words::WordRanks,
};
use order::Order;

/// Filter, order and facet counts over [`Rows`].
///
/// Under live changes a row keeps its place, even if it no longer matches or would sort elsewhere, until the user
/// filters or sorts anew. New rows, and those that match now but did not, go to their place. While the view is held
/// they wait, and gone rows stay where they are.
#[derive(Default)]
pub struct View {
    query: Query,
    facets: Facets,
    order: Order,
    is_held: bool,
    total: usize,

    search: Search,
    choices: Choices,
    counts: Counts,
    keys: SortKeys,
    sort: Sort,
    ranks: WordRanks,
    /// Of [`Rows`], as the choices know it.
    layout: u32,
    /// By row: what leaves it out. A bit for each facet, one for the search; all of them for a row that is not there,
    /// or not looked at yet. The others are counted.
    masks: Vec<u8>,
    work: Work,
}

/// What there is to do, in the order in which it is done.
#[derive(Default)]
struct Work {
    /// The next block to be filtered, by a new query.
    filter: Option<usize>,
    /// All that match are to be sorted, by a new query or order.
    needs_sorting: bool,
    sorting: Option<Sorting>,
    /// Rows taken from the change log, and how many of them are done.
    changed: Vec<RowIndex>,
    changed_done: usize,
    /// Rows that match now and have no place yet.
    incoming: Vec<RowIndex>,
    /// The next block to be counted.
    recount: Option<usize>,
    /// Rows that were counted have changed.
    needs_recount: bool,
    /// The counts differ from those shown.
    needs_publishing: bool,
}

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The view shows everything it was asked for.
    Done,
    /// Call again, in the next frame.
    More,
}

impl View {
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for other rows; they show once [`Self::step`] has found them, all at once.
    pub fn set_query(&mut self, query: Query) {
        if self.query.terms != query.terms || self.query.facets != query.facets {
            self.search = Search::new(&query.terms);
            self.choices = Choices::new(&query.facets);
            self.work.filter = Some(0);
            self.work.sorting = None;
            self.work.needs_sorting = false;
        }
        self.query = query;
    }

    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Asks for another order, or for the same one again, which puts changed rows in their places.
    pub fn set_sort(&mut self, sort: Sort) {
        self.sort = sort;
        self.keys.set(sort);
        self.work.sorting = None;
        // By the masks as they are, unless a new query is at it anyway.
        self.work.needs_sorting = true;
    }

    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Works while `within` says there is time, and at least a little; what it did stays done.
    pub fn step(&mut self, rows: &mut Rows, within: &mut dyn FnMut() -> bool) -> Step {
        if self.find(rows, within) == Step::More {
            return Step::More;
        }
        loop {
            if !self.count_on(rows) {
                return Step::Done;
            }
            if !within() {
                return if self.is_counting() { Step::More } else { Step::Done };
            }
        }
    }

    /// Works like [`Self::step`] on the rows alone: once it is done they are right, and the counts follow.
    pub fn find(&mut self, rows: &mut Rows, within: &mut dyn FnMut() -> bool) -> Step {
        if self.layout != rows.layout() {
            self.layout = rows.layout();
            self.choices = Choices::new(&self.query.facets);
            self.work.filter = Some(0);
        }
        self.prepare(rows);
        loop {
            if !self.work_on(rows, within) {
                return Step::Done;
            }
            if !within() {
                return if self.has_work(rows) { Step::More } else { Step::Done };
            }
        }
    }

    /// True while the counts are not those of the rows it shows.
    pub fn is_counting(&self) -> bool {
        self.work.needs_recount || self.work.recount.is_some() || self.work.needs_publishing
    }

    /// How many rows it shows.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.len() == 0
    }

    /// The row at a place in the list.
    pub fn at(&self, position: usize) -> Option<RowIndex> {
        self.order.rows().get(position).copied()
    }

    /// The rows in order.
    pub fn order(&self) -> &[RowIndex] {
        self.order.rows()
    }

    /// Where a row stands in the list.
    pub fn position_of(&self, row: RowIndex) -> Option<usize> {
        if self.shows(row) { self.order.rows().iter().position(|other| *other == row) } else { None }
    }

    /// True for a row that is in the list, gone ones included that are still shown.
    pub fn shows(&self, row: RowIndex) -> bool {
        self.order.shows(row)
    }

    /// How many of the rows shown are of servers that are gone.
    pub fn gone(&self, rows: &Rows) -> usize {
        self.order.gone(rows)
    }

    /// The facets and their counts over the whole set.
    pub fn facets(&self) -> &Facets {
        &self.facets
    }

    /// How many servers there are, whatever the query, as of the last step.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Keeps rows from coming and going under the pointer. Not for the first filling: hold once the list is complete.
    pub fn hold(&mut self, held: bool) {
        self.is_held = held;
    }

    /// New rows kept back while held.
    pub fn waiting(&self) -> usize {
        self.order.waiting()
    }

    /// Rises when the order or the set of rows changed.
    pub fn generation(&self) -> u64 {
        self.order.generation()
    }

    /// Bytes held, for benchmarks.
    pub fn size_bytes(&self) -> usize {
        self.order.size_bytes() + self.masks.capacity()
    }
}

#[cfg(test)]
mod tests;
