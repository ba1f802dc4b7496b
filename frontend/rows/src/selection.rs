//! What the user ticked.

use std::{cell::Cell, collections::HashSet, ops::Range};

use api_types::ServerId;

use super::{RowIndex, RowView, Rows, View};

/// Servers by id, or all that match but some. It outlives searches: what was ticked stays so while it is out of
/// sight, and what was left out stays left out.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Whether `ids` are the chosen ones, or those left out of all that match.
    is_all_matching: bool,
    ids: HashSet<ServerId>,
    /// The count, and for which view and rows it was made.
    counted: Cell<Option<(u64, usize, usize)>>,
}

impl Selection {
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All that match the query, those still to come and those of a later query included.
    pub fn select_all_matching(&mut self) {
        *self = Self { is_all_matching: true, ..Self::default() };
    }

    /// Among those that match, what is chosen no longer is, and the other way round.
    pub fn invert(&mut self) {
        self.is_all_matching = !self.is_all_matching;
        self.counted.take();
    }

    pub fn set(&mut self, row: RowView<'_>, selected: bool) {
        if selected == self.is_all_matching {
            self.ids.remove(&row.id());
        } else {
            self.ids.insert(row.id());
        }
        self.counted.take();
    }

    /// Chooses the rows at these places, or lets them go: a page, or from one click to the next.
    pub fn set_range(&mut self, rows: &Rows, view: &View, places: Range<usize>, selected: bool) {
        for index in places.map_while(|place| view.at(place)) {
            self.set(rows.row(index), selected);
        }
    }

    /// Whether a row is chosen; one that is gone never is. Of rows out of sight only those ticked by hand are.
    pub fn contains(&self, row: RowView<'_>) -> bool {
        self.ids.contains(&row.id()) != self.is_all_matching && !row.is_gone()
    }

    /// How many are chosen: as many as [`Self::rows`] gives.
    pub fn count(&self, rows: &Rows, view: &View) -> usize {
        if let Some((generation, total, count)) = self.counted.get()
            && (generation, total) == (view.generation(), rows.len())
        {
            return count;
        }
        let present = |id: &&ServerId| rows.find(id).is_some_and(|row| !rows.row(row).is_gone());
        let count = if self.is_all_matching {
            let is_left_out =
                |id: &&ServerId| present(id) && rows.find(id).is_some_and(|row| view.shows(row));
            view.len() - view.gone(rows) - self.ids.iter().filter(is_left_out).count()
        } else {
            self.ids.iter().filter(present).count()
        };
        self.counted.set(Some((view.generation(), rows.len(), count)));
        count
    }

    /// The chosen rows: those in the list in its order, then those ticked that are out of sight.
    pub fn rows(&self, rows: &Rows, view: &View) -> Vec<RowIndex> {
        let is_chosen = |row: &RowIndex| self.contains(rows.row(*row));
        let mut chosen: Vec<_> = view.order().iter().copied().filter(is_chosen).collect();
        if !self.is_all_matching && chosen.len() < self.ids.len() {
            let ticked = self.ids.iter().filter_map(|id| rows.find(id));
            let mut hidden: Vec<_> = ticked.filter(|row| !view.shows(*row) && is_chosen(row)).collect();
            hidden.sort_unstable_by_key(|row| rows.row(*row).id());
            chosen.extend(hidden);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Cloud, finish};

    /// Three servers a, b, c in this order.
    fn three() -> (Rows, View) {
        let mut cloud = Cloud::new(&["RegionOne"]);
        for name in ["a", "b", "c"] {
            cloud.put(0, name, |_| {});
        }
        let mut rows = Rows::new();
        cloud.send_all(&mut rows);
        let mut view = View::new();
        view.set_sort(crate::Sort { column: crate::Column::Name, descending: false });
        finish(&mut view, &mut rows);
        (rows, view)
    }

    fn names(selection: &Selection, rows: &Rows, view: &View) -> String {
        let chosen = selection.rows(rows, view);
        assert_eq!(selection.count(rows, view), chosen.len());
        chosen.into_iter().map(|row| rows.row(row).name()).collect()
    }

    fn search(view: &mut View, rows: &mut Rows, text: &str) {
        view.set_query(crate::Query::parse(text, Default::default(), 0));
        finish(view, rows);
    }

    #[test]
    fn all_that_match_but_one_stay_so_through_other_searches() {
        let (mut rows, mut view) = three();
        let mut selection = Selection::default();
        selection.select_all_matching();
        selection.set(rows.row(view.at(1).expect("a row")), false);
        assert_eq!(names(&selection, &rows, &view), "ac");
        search(&mut view, &mut rows, "name:c");
        assert_eq!(names(&selection, &rows, &view), "c");
        search(&mut view, &mut rows, "");
        assert_eq!(names(&selection, &rows, &view), "ac");
        selection.invert();
        assert_eq!(names(&selection, &rows, &view), "b");
    }

    #[test]
    fn ticked_servers_stay_ticked_out_of_sight_until_they_are_gone() {
        let (mut rows, mut view) = three();
        let mut selection = Selection::default();
        selection.set_range(&rows, &view, 1..9, true);
        assert_eq!(names(&selection, &rows, &view), "bc");
        search(&mut view, &mut rows, "name:c");
        assert_eq!(names(&selection, &rows, &view), "cb");
        let mut cloud = Cloud::new(&["RegionOne"]);
        cloud.put(0, "b", |_| {});
        let gone = cloud.id("b");
        cloud.send_gone(&mut rows, 0, &[gone]);
        finish(&mut view, &mut rows);
        assert_eq!(names(&selection, &rows, &view), "c");
    }
}
