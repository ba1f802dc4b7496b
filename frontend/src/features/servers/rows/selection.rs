//! What the user ticked.

use std::collections::HashSet;

use api_types::ServerId;

use super::{RowView, Rows, View};

/// Servers by id, or all that match but some.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Whether `ids` are the chosen ones, or those left out of all that match.
    is_all_matching: bool,
    ids: HashSet<ServerId>,
}

impl Selection {
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All that match the query, those still to come included.
    pub fn select_all_matching(&mut self) {
        *self = Self { is_all_matching: true, ids: HashSet::new() };
    }

    /// True after [`Self::select_all_matching`], or its like by inverting.
    pub fn is_all_matching(&self) -> bool {
        self.is_all_matching
    }

    /// What is chosen no longer is, and the other way round, among those that match.
    pub fn invert(&mut self) {
        self.is_all_matching = !self.is_all_matching;
    }

    pub fn set(&mut self, row: RowView<'_>, selected: bool) {
        if selected == self.is_all_matching {
            self.ids.remove(&row.id());
        } else {
            self.ids.insert(row.id());
        }
    }

    /// Chooses the rows at these places, or lets them go: a page, or from one click to the next.
    pub fn set_range(&mut self, rows: &Rows, view: &View, places: std::ops::Range<usize>, selected: bool) {
        for index in places.filter_map(|place| view.at(place)) {
            self.set(rows.row(index), selected);
        }
    }

    pub fn contains(&self, row: RowView<'_>) -> bool {
        self.ids.contains(&row.id()) != self.is_all_matching
    }

    /// How many are chosen.
    pub fn count(&self, view: &View) -> usize {
        if self.is_all_matching { view.len().saturating_sub(self.ids.len()) } else { self.ids.len() }
    }
}
