//! Which numbers of a stream are stored.

use std::fmt;

/// Numbers from 1, as few spans that do not touch, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Span>);

/// From the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: u64,
    last: u64,
}

/// A browser sends its numbers in order and leaves out none; what several ways to us mix up is a handful of gaps.
pub const MOST_SPANS: usize = 32;

impl Ranges {
    pub fn contains(&self, number: u64) -> bool {
        let after = self.0.partition_point(|span| span.first <= number);
        after > 0 && self.0[after - 1].last >= number
    }

    /// Adds a span. `false`, and nothing changes, where that would be more gaps than any browser leaves.
    pub fn insert(&mut self, first: u64, last: u64) -> bool {
        let from = self.0.partition_point(|span| span.last.saturating_add(1) < first);
        let to = self.0.partition_point(|span| span.first <= last.saturating_add(1));
        let touched = &self.0[from..to];
        let joined = Span {
            first: touched.first().map_or(first, |span| span.first.min(first)),
            last: touched.last().map_or(last, |span| span.last.max(last)),
        };
        if touched.is_empty() && self.0.len() >= MOST_SPANS {
            return false;
        }
        self.0.splice(from..to, [joined]);
        true
    }

    /// Reads a multirange as Postgres writes it: `{[1,51),[60,61)}`. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('{')?.strip_suffix('}')?;
        if inside.is_empty() {
            return Some(Self::default());
        }
        let spans = inside.strip_prefix('[')?.strip_suffix(')')?.split("),[").map(|span| {
            let (first, end) = span.split_once(',')?;
            Some(Span { first: first.parse().ok()?, last: end.parse::<u64>().ok()?.checked_sub(1)? })
        });
        spans.collect::<Option<_>>().map(Self)
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, span) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}[{},{})", span.first, span.last + 1)?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_touches_becomes_one() {
        let mut ranges = Ranges::default();
        assert!(ranges.insert(1, 10) && ranges.insert(12, 20) && ranges.insert(30, 30));
        assert_eq!(ranges.to_string(), "{[1,11),[12,21),[30,31)}");
        assert!(ranges.insert(11, 11));
        assert_eq!(ranges.to_string(), "{[1,21),[30,31)}");
        assert!(ranges.insert(5, 29));
        assert_eq!(ranges.to_string(), "{[1,31)}");
        assert_eq!(Ranges::parse("{[1,31)}"), Some(ranges));
        assert_eq!(Ranges::parse("{}"), Some(Ranges::default()));
        for nonsense in ["", "{", "{1}", "{[1,2)", "{[1,0)}", "{[a,2)}", "{(1,2)}"] {
            assert_eq!(Ranges::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn more_gaps_than_any_browser_leaves_are_refused_and_known_spans_still_grow() {
        let mut ranges = Ranges::default();
        for number in 0..MOST_SPANS as u64 {
            assert!(ranges.insert(number * 10 + 1, number * 10 + 1));
        }
        let before = ranges.clone();
        assert!(!ranges.insert(1_000_000, 1_000_001));
        assert_eq!(ranges, before);
        assert!(ranges.insert(2, 3) && ranges.contains(3));
        assert!(ranges.insert(1, 1_000_000), "one span less, not one more");
    }

    proptest! {
        #[test]
        fn it_is_a_set(spans in prop::collection::vec((1u64..60, 0u64..6), 0..25)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (first, more) in spans {
                if ranges.insert(first, first + more) {
                    set.extend(first..=first + more);
                }
            }
            for number in 0..70 {
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
            }
            prop_assert_eq!(Ranges::parse(&ranges.to_string()), Some(ranges));
        }
    }
}
