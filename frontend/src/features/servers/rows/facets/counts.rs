//! How many rows have each value.

use super::{
    Facet, OTHER_THAN_FACETS,
    choices::{code_count, label_code},
};
use crate::features::servers::rows::{Rows, block::Block, words::Words};

/// Rows by value, facet by facet. A row counts for a facet if no other one leaves it out: the count is what one
/// would get by choosing the value.
#[derive(Default)]
pub struct Counts {
    /// By code, as blocks have them.
    by_code: [Vec<u32>; Facet::ALL.len()],
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

    /// Counts a row whose mask says what leaves it out.
    #[inline]
    pub fn add(&mut self, block: &Block, at: usize, mask: u8) {
        if mask == 0 {
            for facet in Facet::ALL {
                self.add_to(facet, block, at);
            }
        } else if mask < OTHER_THAN_FACETS && mask.is_power_of_two() {
            self.add_to(Facet::ALL[mask.trailing_zeros() as usize], block, at);
        }
    }

    #[inline]
    fn add_to(&mut self, facet: Facet, block: &Block, at: usize) {
        let counts = &mut self.by_code[facet as usize];
        let mut add = |code: u32| {
            if let Some(count) = counts.get_mut(code as usize) {
                *count += 1;
            }
        };
        match facet {
            Facet::Region => add(u32::from(block.regions[at])),
            Facet::Status => add(block.statuses[at]),
            Facet::Image => add(block.images[at]),
            Facet::Ram | Facet::Flavor => add(block.flavors[at]),
            Facet::Zone => add(block.zones[at]),
            Facet::Tag => match block.tags.get(at) {
                [] => add(0),
                tags => tags.iter().copied().for_each(add),
            },
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
