//! The chosen values, ready to be compared with blocks of rows.

use std::ops::Range;

use super::{Facet, FacetSelection, labels};
use crate::{Rows, block::Block, words::Words};

/// In a mask, the bit of a row that the search leaves out. The bit of a facet is its place in [`Facet::ALL`].
pub const OTHER_THAN_FACETS: u8 = 1 << Facet::ALL.len();

/// Which values are let through, facet by facet.
#[derive(Default)]
pub struct Choices {
    facets: Vec<Choice>,
}

struct Choice {
    facet: Facet,
    /// By code, as blocks have them.
    is_chosen: Vec<bool>,
}

impl Choices {
    pub fn new(chosen: &FacetSelection) -> Self {
        let is_used = |facet: &Facet| chosen.values(*facet).next().is_some();
        let choice = |facet| Choice { facet, is_chosen: Vec::new() };
        Self { facets: Facet::ALL.into_iter().filter(is_used).map(choice).collect() }
    }

    /// Looks at values that are new; to be called before [`Self::mark`] after rows came.
    pub fn refresh(&mut self, rows: &Rows, chosen: &FacetSelection) {
        for Choice { facet, is_chosen } in &mut self.facets {
            for code in is_chosen.len()..code_count(rows, *facet) {
                is_chosen.push(chosen.contains(*facet, label(rows, *facet, code as u32)));
            }
        }
    }

    /// Sets the bit of every facet that leaves a row out, in the masks of the rows at `places`.
    pub fn mark(&self, block: &Block, places: Range<usize>, masks: &mut [u8]) {
        for choice in &self.facets {
            let bit = 1 << choice.facet as u8;
            let is_chosen = |code: u32| choice.is_chosen.get(code as usize).copied().unwrap_or(false);
            let mut mark = |test: &mut dyn FnMut(usize) -> bool| {
                for (at, mask) in places.clone().zip(&mut *masks) {
                    if !test(at) {
                        *mask |= bit;
                    }
                }
            };
            match choice.facet {
                Facet::Region => mark(&mut |at| is_chosen(u32::from(block.regions[at]))),
                Facet::Status => mark(&mut |at| is_chosen(block.statuses[at])),
                Facet::Image => mark(&mut |at| is_chosen(block.images[at])),
                Facet::Ram | Facet::Flavor => mark(&mut |at| is_chosen(block.flavors[at])),
                Facet::Zone => mark(&mut |at| is_chosen(block.zones[at])),
                Facet::Tag => mark(&mut |at| match block.tags.get(at) {
                    [] => is_chosen(0),
                    tags => tags.iter().any(|tag| is_chosen(*tag)),
                }),
            }
        }
    }
}

/// How many codes blocks have for a facet, 0 included.
pub fn code_count(rows: &Rows, facet: Facet) -> usize {
    let words = rows.words();
    match facet {
        Facet::Region => rows.all_regions().len(),
        Facet::Status => words.statuses.len() + 1,
        Facet::Image => words.images.len() + 1,
        Facet::Ram | Facet::Flavor => words.flavors.len() + 1,
        Facet::Tag => words.tags.len() + 1,
        Facet::Zone => words.zones.len() + 1,
    }
}

/// The code of the label of a code as blocks have it. Not for regions.
#[inline]
pub fn label_code(words: &Words, facet: Facet, code: u32) -> u32 {
    match facet {
        Facet::Image => words.images.name(code),
        Facet::Flavor => words.flavors.parts(code).0,
        Facet::Ram => words.flavors.parts(code).1,
        _ => code,
    }
}

/// The value of a code as blocks have it; empty for "none".
fn label(rows: &Rows, facet: Facet, code: u32) -> &str {
    if facet == Facet::Region {
        return rows.all_regions()[code as usize].name.as_str();
    }
    let words = rows.words();
    labels(words, facet).get(label_code(words, facet, code))
}
