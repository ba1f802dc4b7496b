//! How many rows have each value.

use std::ops::Range;

use super::{
    Facet,
    choices::{OTHER_THAN_FACETS, code_count, label_code},
};
use crate::{Rows, block::Block, words::Words};

/// Rows by value, facet by facet. A row counts for a facet if no other one leaves it out: the count is what one
/// would get by choosing the value.
#[derive(Default)]
pub struct Counts {
    /// By code, as blocks have them.
    by_code: [Vec<u32>; Facet::ALL.len()],
    /// Room for the rows at hand that the search lets through, with their masks.
    found: Vec<(u32, u8)>,
}

impl Counts {
    pub fn clear(&mut self) {
        self.by_code.iter_mut().for_each(|counts| counts.fill(0));
    }

    /// Makes room for values that are new; to be called before [`Self::add`] after rows came.
    pub fn refresh(&mut self, rows: &Rows) {
        for facet in Facet::ALL {
            let counts = &mut self.by_code[facet as usize];
            counts.resize(counts.len().max(code_count(rows, facet)), 0);
        }
    }

    /// Counts the rows at `places`; their masks say what leaves each out.
    pub fn add(&mut self, block: &Block, places: Range<usize>, masks: &[u8]) {
        let Self { by_code, found } = self;
        // Once for all facets: which rows a search finds is nothing that a processor could guess.
        found.resize(places.len(), (0, 0));
        let mut count = 0;
        for (at, mask) in places.zip(masks) {
            found[count] = (at as u32, *mask);
            count += usize::from(mask & OTHER_THAN_FACETS == 0);
        }
        let found = &found[..count];
        for facet in Facet::ALL {
            let counts = by_code[facet as usize].as_mut_slice();
            match facet {
                Facet::Region => add_column(counts, facet, &block.regions, found),
                Facet::Status => add_column(counts, facet, &block.statuses, found),
                Facet::Image => add_column(counts, facet, &block.images, found),
                Facet::Ram | Facet::Flavor => add_column(counts, facet, &block.flavors, found),
                Facet::Zone => add_column(counts, facet, &block.zones, found),
                Facet::Tag => {
                    for (at, mask) in found {
                        if counts_for(facet, *mask) {
                            match block.tags.get(*at as usize) {
                                [] => add(counts, 0),
                                tags => tags.iter().for_each(|tag| add(counts, *tag)),
                            }
                        }
                    }
                }
            }
        }
    }

    pub fn of_code(&self, facet: Facet, code: u32) -> u32 {
        self.by_code[facet as usize].get(code as usize).copied().unwrap_or(0)
    }

    /// Counts by the code of the label: images of several regions may have one name. Not for regions.
    pub fn by_label(&self, facet: Facet, words: &Words) -> Vec<u32> {
        let mut by_label = Vec::new();
        for (code, count) in self.by_code[facet as usize].iter().enumerate() {
            let label = label_code(words, facet, code as u32) as usize;
            if label >= by_label.len() {
                by_label.resize(label + 1, 0);
            }
            by_label[label] += count;
        }
        by_label
    }
}

/// True if nothing leaves the row out, or only this facet does.
#[inline]
fn counts_for(facet: Facet, mask: u8) -> bool {
    mask & !(1 << facet as u8) == 0
}

fn add_column<C: Copy + Into<u32>>(counts: &mut [u32], facet: Facet, codes: &[C], found: &[(u32, u8)]) {
    for (at, mask) in found {
        if counts_for(facet, *mask) {
            add(counts, codes[*at as usize].into());
        }
    }
}

#[inline]
fn add(counts: &mut [u32], code: u32) {
    if let Some(count) = counts.get_mut(code as usize) {
        *count += 1;
    }
}
