//! Facets: the values of a property over the whole set, with the count each would give.

mod choices;
mod counts;

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeSet,
};

use super::{
    Rows,
    dictionary::{Dictionary, Ranks},
    fold::{fold, natural_cmp},
    words::{WordRanks, Words},
};
pub(super) use choices::{Choices, OTHER_THAN_FACETS};
pub(super) use counts::Counts;

/// More values of one facet than anybody reads; further ones are found by searching.
pub const MOST_VALUES: usize = 1000;

/// A property by which the list can be narrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Facet {
    Region,
    Status,
    Image,
    Ram,
    Flavor,
    Tag,
    Zone,
}

/// The values chosen, facet by facet: values of one facet add, facets combine.
///
/// A value is its text as [`FacetCount::value`] says it; the empty text is "none" (no image: booted from a volume,
/// no tag, no zone, a flavor not said). RAM is in MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FacetSelection {
    chosen: [BTreeSet<String>; Facet::ALL.len()],
}

/// The values of every facet with their counts.
#[derive(Debug, Default)]
pub struct Facets {
    values: [Vec<FacetCount>; Facet::ALL.len()],
    beyond: [usize; Facet::ALL.len()],
}

/// A value of a facet and how many rows one would get by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCount {
    /// Names the value in [`FacetSelection`] and in the URL; empty is "none".
    pub value: String,
    pub count: u32,
    pub is_selected: bool,
}

impl Facet {
    /// Every facet, in the order the page shows them.
    pub const ALL: [Self; 7] =
        [Self::Region, Self::Status, Self::Image, Self::Ram, Self::Flavor, Self::Tag, Self::Zone];

    /// Its name in URLs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Status => "status",
            Self::Image => "image",
            Self::Ram => "ram",
            Self::Flavor => "flavor",
            Self::Tag => "tag",
            Self::Zone => "az",
        }
    }

    /// The facet a [`key`](Self::key) names.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|facet| facet.key() == key)
    }
}

impl FacetSelection {
    /// Chooses a value, or lets it go.
    pub fn set(&mut self, facet: Facet, value: &str, chosen: bool) {
        let values = &mut self.chosen[facet as usize];
        if chosen {
            values.insert(value.to_owned());
        } else {
            values.remove(value);
        }
    }

    pub fn contains(&self, facet: Facet, value: &str) -> bool {
        self.chosen[facet as usize].contains(value)
    }

    /// The chosen values of a facet, in alphabetical order.
    pub fn values(&self, facet: Facet) -> impl Iterator<Item = &str> {
        self.chosen[facet as usize].iter().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.chosen.iter().all(BTreeSet::is_empty)
    }
}

impl Facets {
    /// The values of a facet: the chosen ones first, then by count, then by name. A value that would give nothing is
    /// absent unless chosen; regions are always there. At most [`MOST_VALUES`].
    pub fn values(&self, facet: Facet) -> &[FacetCount] {
        &self.values[facet as usize]
    }

    /// How many values there are beyond those.
    pub fn beyond(&self, facet: Facet) -> usize {
        self.beyond[facet as usize]
    }

    /// Takes over new counts.
    pub(super) fn publish(
        &mut self,
        rows: &Rows,
        counts: &Counts,
        chosen: &FacetSelection,
        ranks: &WordRanks,
    ) {
        for facet in Facet::ALL {
            let (values, beyond) = match facet {
                Facet::Region => (regions(rows, counts, chosen), 0),
                _ => labelled(rows.words(), facet, counts, chosen, ranks),
            };
            self.values[facet as usize] = values;
            self.beyond[facet as usize] = beyond;
        }
    }
}

/// The regions of the stream, and those chosen that it does not have.
fn regions(rows: &Rows, counts: &Counts, chosen: &FacetSelection) -> Vec<FacetCount> {
    let named = rows.regions().iter().enumerate().map(|(at, region)| {
        let value = region.name.as_str().to_owned();
        (value, counts.of_code(Facet::Region, at as u32))
    });
    let mut values: Vec<_> = named
        .map(|(value, count)| FacetCount {
            count,
            is_selected: chosen.contains(Facet::Region, &value),
            value,
        })
        .collect();
    let is_unknown = |value: &&str| values.iter().all(|known| known.value != **value);
    let unknown = chosen.values(Facet::Region).filter(is_unknown);
    let unknown = unknown.map(|value| FacetCount { value: value.to_owned(), count: 0, is_selected: true });
    let unknown: Vec<_> = unknown.collect();
    values.extend(unknown);
    values.sort_unstable_by(in_order);
    values
}

/// The values of a facet whose values are texts of a dictionary, and how many there are beyond those.
fn labelled(
    words: &Words,
    facet: Facet,
    counts: &Counts,
    chosen: &FacetSelection,
    ranks: &WordRanks,
) -> (Vec<FacetCount>, usize) {
    let (labels, ranks) = (labels(words, facet), label_ranks(ranks, facet));
    let counts = counts.by_label(facet, words);
    let count = |code: u32| counts.get(code as usize).copied().unwrap_or(0);
    let code_of = |value: &str| if value.is_empty() { Some(0) } else { labels.find(value) };
    let mut values: Vec<_> = chosen
        .values(facet)
        .map(|value| FacetCount {
            value: value.to_owned(),
            // A link may choose a value that no row has.
            count: code_of(value).map_or(0, count),
            is_selected: true,
        })
        .collect();
    values.sort_unstable_by(in_order);
    let chosen: Vec<_> = chosen.values(facet).filter_map(code_of).collect();
    let is_listed = |code: &u32| count(*code) > 0 && !chosen.contains(code);
    let mut codes: Vec<_> = (0..counts.len() as u32).filter(is_listed).collect();
    codes.sort_unstable_by_key(|code| (Reverse(count(*code)), ranks.get(*code), *code));
    let beyond = codes.len().saturating_sub(MOST_VALUES);
    codes.truncate(MOST_VALUES);
    values.extend(codes.into_iter().map(|code| FacetCount {
        value: labels.get(code).to_owned(),
        count: count(code),
        is_selected: false,
    }));
    (values, beyond)
}

/// The chosen ones first, then by count, then by name.
#[inline(never)]
fn in_order(left: &FacetCount, right: &FacetCount) -> Ordering {
    let by_name = || natural_cmp(fold(&left.value).as_bytes(), fold(&right.value).as_bytes());
    let by_count = (right.is_selected, right.count).cmp(&(left.is_selected, left.count));
    by_count.then_with(by_name).then_with(|| left.value.cmp(&right.value))
}

/// The texts that are a facet's values. Regions are no such texts; theirs are never asked for.
fn labels(words: &Words, facet: Facet) -> &Dictionary {
    match facet {
        Facet::Region | Facet::Status => &words.statuses,
        Facet::Image => &words.images.names,
        Facet::Ram => &words.flavors.ram_sizes,
        Facet::Flavor => &words.flavors.names,
        Facet::Tag => &words.tags,
        Facet::Zone => &words.zones,
    }
}

/// The order of those texts.
fn label_ranks(ranks: &WordRanks, facet: Facet) -> &Ranks {
    match facet {
        Facet::Region | Facet::Status => &ranks.statuses,
        Facet::Image => &ranks.images,
        Facet::Ram => &ranks.ram_sizes,
        Facet::Flavor => &ranks.flavors,
        Facet::Tag => &ranks.tags,
        Facet::Zone => &ranks.zones,
    }
}
