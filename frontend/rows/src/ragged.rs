//! A column whose cells have different lengths.

use std::ops::Range;

/// Cells one behind the other in a single allocation.
///
/// Changing the length of a cell moves those behind it, so a column that changes is kept short (a block of rows).
#[derive(Default)]
pub struct Ragged<T> {
    items: Vec<T>,
    /// Where each cell starts; it ends where the next one starts.
    starts: Vec<u32>,
}

impl<T: Copy + PartialEq> Ragged<T> {
    pub const fn new() -> Self {
        Self { items: Vec::new(), starts: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Room for cells, so that so many more take no further allocation of their places.
    pub fn reserve(&mut self, cells: usize) {
        self.starts.reserve_exact(cells);
    }

    /// Adds a cell.
    pub fn push(&mut self, cell: &[T]) {
        self.push_with(|items| items.extend_from_slice(cell));
    }

    /// Adds a cell of what `fill` appends.
    pub fn push_with(&mut self, fill: impl FnOnce(&mut Vec<T>)) {
        self.starts.push(self.items.len() as u32);
        fill(&mut self.items);
    }

    #[inline]
    pub fn get(&self, cell: usize) -> &[T] {
        &self.items[self.span(cell)]
    }

    /// Replaces a cell.
    pub fn set(&mut self, cell: usize, items: &[T]) {
        let span = self.span(cell);
        if span.len() == items.len() {
            self.items[span].copy_from_slice(items);
            return;
        }
        let (before, after) = (span.len(), items.len());
        self.items.splice(span, items.iter().copied());
        for start in &mut self.starts[cell + 1..] {
            *start = (*start as usize + after - before) as u32;
        }
    }

    /// Keeps only so many cells.
    pub fn truncate(&mut self, cells: usize) {
        self.items.truncate(self.start(cells));
        self.starts.truncate(cells);
    }

    /// Where a cell lies in [`Self::items`].
    #[inline]
    pub fn span(&self, cell: usize) -> Range<usize> {
        self.start(cell)..self.start(cell + 1)
    }

    /// Where a cell starts; for the one behind the last, the end of all.
    #[inline]
    pub fn start(&self, cell: usize) -> usize {
        self.starts.get(cell).map_or(self.items.len(), |start| *start as usize)
    }

    /// All cells as one.
    #[inline]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Gives back what growing left over.
    pub fn shrink(&mut self) {
        self.items.shrink_to_fit();
    }

    pub fn size_bytes(&self) -> usize {
        self.items.capacity() * size_of::<T>() + self.starts.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cells_hold_what_was_put_in_last(
            cells in prop::collection::vec(prop::collection::vec(0u8..4, 0..5), 1..12),
            changes in prop::collection::vec((0usize..12, prop::collection::vec(0u8..4, 0..7)), 0..20),
            kept in 0usize..16,
        ) {
            let mut model = cells.clone();
            let mut column = Ragged::new();
            for cell in &cells {
                column.push(cell);
            }
            for (at, cell) in changes {
                let at = at % model.len();
                column.set(at, &cell);
                model[at] = cell;
            }
            let kept = kept.min(model.len());
            column.truncate(kept);
            model.truncate(kept);
            prop_assert_eq!(column.len(), model.len());
            prop_assert_eq!(column.items(), model.concat());
            for (at, cell) in model.iter().enumerate() {
                prop_assert_eq!(column.get(at), cell.as_slice());
            }
        }
    }
}
