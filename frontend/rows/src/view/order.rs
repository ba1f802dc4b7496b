//! The rows of the list in their places.

use crate::{
    RowIndex, Rows,
    bits::Bits,
    sort::{SortKeys, Sorting},
    words::WordRanks,
};

/// The rows in order, those that wait to come in, and those that wait to leave.
#[derive(Default)]
pub struct Order {
    rows: Vec<RowIndex>,
    /// The first word of each row in `rows`, as it was when the row got its place.
    keys: Vec<u64>,
    /// Rows in `rows`.
    placed: Bits,
    /// Rows in the order they came; those not in `is_waiting` any more are gone.
    waiting: Vec<RowIndex>,
    is_waiting: Bits,
    waiting_count: usize,
    /// Rows in `rows` whose servers are gone; some may have come back.
    leaving: Vec<RowIndex>,
    is_leaving: Bits,
    generation: u64,
}

impl Order {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> &[RowIndex] {
        &self.rows
    }

    /// True for a row that has a place or waits for it.
    pub fn contains(&self, row: RowIndex) -> bool {
        self.placed.contains(row) || self.is_waiting.contains(row)
    }

    /// True for a row that has a place.
    pub fn shows(&self, row: RowIndex) -> bool {
        self.placed.contains(row)
    }

    /// How many of the rows are of servers that are gone.
    pub fn gone(&self, rows: &Rows) -> usize {
        self.leaving.iter().filter(|row| rows.row(**row).is_gone()).count()
    }

    pub fn waiting(&self) -> usize {
        self.waiting_count
    }

    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes over a new order; nothing waits any more.
    pub fn replace(&mut self, sorted: Vec<(u64, RowIndex)>, rows: &mut Rows) {
        self.placed.clear();
        self.forget_waiting();
        self.rows.clear();
        self.keys.clear();
        self.rows.reserve_exact(sorted.len());
        self.keys.reserve_exact(sorted.len());
        for (key, row) in sorted {
            self.keys.push(key);
            self.rows.push(row);
            self.placed.insert(row);
        }
        self.leaving.retain(|row| {
            let stays = self.placed.contains(*row);
            if !stays {
                self.is_leaving.remove(*row);
                rows.release(*row);
            }
            stays
        });
        self.generation += 1;
    }

    /// Keeps rows back until [`Self::take_waiting`].
    pub fn wait(&mut self, incoming: &mut Vec<RowIndex>) {
        for row in incoming.drain(..) {
            if !self.placed.contains(row) && self.is_waiting.insert(row) {
                self.waiting.push(row);
                self.waiting_count += 1;
            }
        }
    }

    /// Hands over the rows that waited; they have no place then.
    pub fn take_waiting(&mut self, incoming: &mut Vec<RowIndex>) {
        incoming.extend(self.waiting.iter().filter(|row| self.is_waiting.contains(**row)));
        self.forget_waiting();
    }

    /// Puts rows in their places among the others.
    pub fn insert(&mut self, incoming: &mut Vec<RowIndex>, keys: &SortKeys, rows: &Rows, ranks: &WordRanks) {
        let mut sorting = Sorting::with_capacity(incoming.len());
        for row in incoming.drain(..) {
            if self.placed.insert(row) {
                let (block, at) = rows.cell(row);
                sorting.push(keys.first(rows, ranks, block, at), row);
            }
        }
        sorting.step(keys, rows, ranks, &mut || true);
        let sorted = sorting.into_sorted();
        if sorted.is_empty() {
            return;
        }
        self.generation += 1;
        let mut places = Vec::with_capacity(sorted.len());
        let mut from = 0;
        for (key, row) in &sorted {
            let is_before = |place: usize| match self.keys[place].cmp(key) {
                std::cmp::Ordering::Equal => keys.compare(rows, ranks, self.rows[place], *row).is_lt(),
                order => order.is_lt(),
            };
            from = gallop(from, self.rows.len(), is_before);
            places.push(from);
        }
        grow(&mut self.rows, sorted.len());
        grow(&mut self.keys, sorted.len());
        // From the end, so that each row moves once.
        let mut end = self.rows.len() - sorted.len();
        let mut target = self.rows.len();
        for (place, (key, row)) in places.into_iter().zip(sorted).rev() {
            target -= end - place;
            self.rows.copy_within(place..end, target);
            self.keys.copy_within(place..end, target);
            target -= 1;
            self.rows[target] = row;
            self.keys[target] = key;
            end = place;
        }
    }

    /// A row's server is gone: it leaves with [`Self::remove_leaving`], or at once if it only waited. False if it has
    /// no place, or none any more.
    pub fn lose(&mut self, row: RowIndex) -> bool {
        if self.is_waiting.remove(row) {
            self.waiting_count -= 1;
        }
        if !self.placed.contains(row) {
            return false;
        }
        if self.is_leaving.insert(row) {
            self.leaving.push(row);
        }
        true
    }

    pub fn has_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Takes out the rows whose servers are gone.
    pub fn remove_leaving(&mut self, rows: &mut Rows) {
        let mut is_changed = false;
        for row in std::mem::take(&mut self.leaving) {
            self.is_leaving.remove(row);
            if rows.row(row).is_gone() {
                self.placed.remove(row);
                rows.release(row);
                is_changed = true;
            }
        }
        if !is_changed {
            return;
        }
        let mut kept = 0;
        for at in 0..self.rows.len() {
            if self.placed.contains(self.rows[at]) {
                self.rows[kept] = self.rows[at];
                self.keys[kept] = self.keys[at];
                kept += 1;
            }
        }
        self.rows.truncate(kept);
        self.keys.truncate(kept);
        self.generation += 1;
    }

    fn forget_waiting(&mut self) {
        self.waiting.clear();
        self.is_waiting.clear();
        self.waiting_count = 0;
    }

    pub fn size_bytes(&self) -> usize {
        (self.rows.capacity() + self.waiting.capacity() + self.leaving.capacity()) * size_of::<RowIndex>()
            + self.keys.capacity() * size_of::<u64>()
            + [&self.placed, &self.is_waiting, &self.is_leaving].map(Bits::size_bytes).iter().sum::<usize>()
    }
}

/// The first place from `from` on that is not before; found in steps that double, for it is often near.
fn gallop(from: usize, len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (from, 1);
    while low + step <= len && is_before(low + step - 1) {
        low += step;
        step *= 2;
    }
    let mut high = len.min(low + step - 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Makes room for more, a quarter beyond what there is rather than twice as much.
fn grow<T: Copy + Default>(items: &mut Vec<T>, more: usize) {
    let len = items.len() + more;
    if items.capacity() < len {
        items.reserve_exact(more.max(items.len() / 4));
    }
    items.resize(len, T::default());
}
