//! A column of texts that is searched without regard to case.

use std::ops::Range;

use memchr::memmem::Finder;

use super::{
    fold::{fold_into, is_folded},
    ragged::Ragged,
};

/// Texts, each beside its folded form.
///
/// A cell is the folded text and a line break, followed by the text itself and a line break where the two differ. A
/// folded word found anywhere in a cell is in its folded form: the characters of the word fold to themselves.
#[derive(Default)]
pub struct Texts {
    cells: Ragged<u8>,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    pub fn reserve(&mut self, texts: usize) {
        self.cells.reserve(texts);
    }

    pub fn push(&mut self, text: &str) {
        self.cells.push_with(|items| append(text, items));
    }

    /// Replaces a text; `scratch` is only room to work in.
    pub fn set(&mut self, at: usize, text: &str, scratch: &mut Vec<u8>) {
        scratch.clear();
        append(text, scratch);
        self.cells.set(at, scratch);
    }

    /// The text as it came.
    pub fn get(&self, at: usize) -> &str {
        let (folded, original) = split(self.cells.get(at));
        std::str::from_utf8(original.unwrap_or(folded)).unwrap_or_default()
    }

    /// The text as search sees it.
    #[inline]
    pub fn folded(&self, at: usize) -> &[u8] {
        split(self.cells.get(at)).0
    }

    /// The text as search sees it, and a line break; anything may follow.
    #[inline]
    pub fn folded_line(&self, at: usize) -> &[u8] {
        self.cells.get(at)
    }

    /// Calls `hit` with the place of every text among `places` that holds the folded, non-empty word.
    pub fn scan(&self, word: &Finder<'_>, places: Range<usize>, mut hit: impl FnMut(usize)) {
        let haystack = &self.cells.items()[..self.cells.start(places.end)];
        let mut place = places.start;
        while place < places.end {
            let start = self.cells.start(place);
            let Some(found) = word.find(&haystack[start..]) else { return };
            while self.cells.start(place + 1) <= start + found {
                place += 1;
            }
            hit(place);
            place += 1;
        }
    }

    pub fn shrink(&mut self) {
        self.cells.shrink();
    }

    pub fn size_bytes(&self) -> usize {
        self.cells.size_bytes()
    }
}

fn append(text: &str, items: &mut Vec<u8>) {
    if is_folded(text) {
        items.extend_from_slice(text.as_bytes());
        items.push(b'\n');
        return;
    }
    let start = items.len();
    fold_into(text, items);
    let is_folded = &items[start..] == text.as_bytes();
    items.push(b'\n');
    if !is_folded {
        items.extend_from_slice(text.as_bytes());
        items.push(b'\n');
    }
}

/// The folded text and, where it differs, the text itself.
fn split(cell: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(end) = memchr::memchr(b'\n', cell) else { return (cell, None) };
    let rest = &cell[end + 1..];
    (&cell[..end], rest.split_last().map(|(_, original)| original))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fold::fold;

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_went_and_is_found_by_any_part(
            texts in prop::collection::vec("(?s)[aAbBäÄςΣ\n 1]{0,6}", 1..20),
            word in "[abä ]{1,2}",
            replaced in "(?s).{0,8}",
        ) {
            let mut column = Texts::default();
            for text in &texts {
                column.push(text);
            }
            let mut model = texts;
            let at = replaced.len() % model.len();
            column.set(at, &replaced, &mut Vec::new());
            model[at] = replaced;
            for (at, text) in model.iter().enumerate() {
                prop_assert_eq!(column.get(at), text);
                prop_assert_eq!(column.folded(at), fold(text).into_bytes());
            }
            let places = model.len() / 4..model.len();
            let expected: Vec<_> = places.clone().filter(|at| fold(&model[*at]).contains(&word)).collect();
            let mut found = Vec::new();
            column.scan(&Finder::new(&word), places, |at| found.push(at));
            prop_assert_eq!(found, expected);
        }
    }
}
