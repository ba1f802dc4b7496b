//! What the list shows: filtered, sorted and counted, kept up in slices.

use super::{Facets, Query, RowIndex, Rows, Sort};

/// Filter, order and facet counts over [`Rows`].
///
/// Under live changes a row keeps its place, even if it no longer matches or would sort elsewhere, until the user
/// filters or sorts anew. New rows go to their place; while the view is held they wait and gone rows stay.
#[derive(Default)]
pub struct View {
    query: Query,
    sort: Sort,
    facets: Facets,
    is_held: bool,
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
        self.query = query;
    }

    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Asks for another order.
    pub fn set_sort(&mut self, sort: Sort) {
        self.sort = sort;
    }

    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Works while `within` says there is time, and at least a little; what it did stays done.
    pub fn step(&mut self, rows: &mut Rows, within: &mut dyn FnMut() -> bool) -> Step {
        let _ = (rows, within);
        Step::Done
    }

    /// How many rows it shows.
    pub fn len(&self) -> usize {
        0
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at a place in the list.
    pub fn at(&self, position: usize) -> Option<RowIndex> {
        let _ = position;
        None
    }

    /// The rows in order.
    pub fn order(&self) -> &[RowIndex] {
        &[]
    }

    /// Where a row stands in the list.
    pub fn position_of(&self, row: RowIndex) -> Option<usize> {
        let _ = row;
        None
    }

    /// The facets and their counts over the whole set.
    pub fn facets(&self) -> &Facets {
        &self.facets
    }

    /// How many servers there are, whatever the query.
    pub fn total(&self) -> usize {
        0
    }

    /// Keeps rows from coming and going under the pointer. Not for the first filling: hold once the list is complete.
    pub fn hold(&mut self, held: bool) {
        self.is_held = held;
    }

    /// New rows kept back while held.
    pub fn waiting(&self) -> usize {
        0
    }

    /// Rises when the order or the set of rows changed.
    pub fn generation(&self) -> u64 {
        0
    }
}
