//! Facets: the values of a property over the whole set, with the count each would give.

use std::collections::BTreeSet;

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
    counts: [Vec<FacetCount>; Facet::ALL.len()],
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

    /// Lets all values of a facet go.
    pub fn clear(&mut self, facet: Facet) {
        self.chosen[facet as usize].clear();
    }

    pub fn is_empty(&self) -> bool {
        self.chosen.iter().all(BTreeSet::is_empty)
    }

    /// How many values are chosen, of all facets.
    pub fn len(&self) -> usize {
        self.chosen.iter().map(BTreeSet::len).sum()
    }
}

impl Facets {
    /// The values of a facet: the chosen ones first, then by count, then by name. A value that would give nothing is
    /// absent unless chosen; regions are always there.
    pub fn values(&self, facet: Facet) -> &[FacetCount] {
        &self.counts[facet as usize]
    }
}
