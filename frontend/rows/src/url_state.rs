//! What the URL holds of the list: filter, sort, columns.
//!
//! `q=web&region=RegionOne&status=ACTIVE&status=ERROR&tag=&sort=-created&columns=status,name`: a facet's name for each
//! of its values, an empty one for "none"; a minus for downwards. What is as on a first visit is left out.

use super::{Column, Facet, FacetSelection, Sort};

/// The part of the list that a link shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlState {
    /// The search box.
    pub text: String,
    pub facets: FacetSelection,
    pub sort: Sort,
    /// At least one, each once.
    pub columns: Vec<Column>,
}

/// More of one facet's values, or a longer text, than anybody asks for; the rest of a link is not read.
const MOST_VALUES: usize = 100;
const MOST_LETTERS: usize = 1000;

impl Default for UrlState {
    fn default() -> Self {
        Self {
            text: String::new(),
            facets: FacetSelection::default(),
            sort: Sort::default(),
            columns: Column::DEFAULT.to_vec(),
        }
    }
}

impl UrlState {
    /// Reads a URL's query, with or without its `?`. What it does not understand, it leaves out.
    pub fn from_query(query: &str) -> Self {
        let mut state = Self::default();
        for part in query.strip_prefix('?').unwrap_or(query).split('&') {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value: String = decode(value).chars().take(MOST_LETTERS).collect();
            match key {
                "q" => state.text = value,
                "sort" => state.sort = sort(&value).unwrap_or_default(),
                "columns" => state.columns = columns(&value),
                _ => {
                    let facet = Facet::from_key(key).filter(|_| part.contains('='));
                    if let Some(facet) =
                        facet.filter(|facet| state.facets.values(*facet).count() < MOST_VALUES)
                    {
                        state.facets.set(facet, &value, true);
                    }
                }
            }
        }
        state
    }

    /// The URL's query without `?`, always in the same order; empty for a first visit's list.
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        let mut put = |key: &str, value: &str| {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(key);
            query.push('=');
            encode(value, &mut query);
        };
        if !self.text.trim().is_empty() {
            put("q", &self.text);
        }
        for facet in Facet::ALL {
            for value in self.facets.values(facet) {
                put(facet.key(), value);
            }
        }
        if self.sort != Sort::default() {
            let sign = if self.sort.descending { "-" } else { "" };
            put("sort", &format!("{sign}{}", self.sort.column.key()));
        }
        if self.columns != Column::DEFAULT && !self.columns.is_empty() {
            let keys: Vec<_> = self.columns.iter().map(|column| column.key()).collect();
            put("columns", &keys.join(","));
        }
        query
    }
}

fn sort(value: &str) -> Option<Sort> {
    let (descending, key) = match value.strip_prefix('-') {
        Some(key) => (true, key),
        None => (false, value),
    };
    Column::from_key(key).map(|column| Sort { column, descending })
}

fn columns(value: &str) -> Vec<Column> {
    let mut columns = Vec::new();
    for column in value.split(',').filter_map(Column::from_key) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if columns.is_empty() { Column::DEFAULT.to_vec() } else { columns }
}

/// Percent-encodes all but what may stand in a query and means nothing there.
fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:/,@*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(HEX[usize::from(nibble)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// Undoes percent-encoding; a `+` is a space, a `%` without two digits is itself, and what is no UTF-8 is replaced.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_first_visit_has_an_empty_query() {
        assert_eq!(UrlState::default().to_query(), "");
        assert_eq!(UrlState::from_query(""), UrlState::default());
        assert_eq!(UrlState::from_query("?"), UrlState::default());
    }

    #[test]
    fn a_query_reads_in_one_order_whatever_order_it_was_written_in() {
        let written = "?columns=name,status,name&tag=&status=ERROR&sort=-ram&q=a+b%26&status=ACTIVE&tag=x";
        let state = UrlState::from_query(written);
        assert_eq!(state.text, "a b&");
        assert_eq!(state.sort, Sort { column: Column::Ram, descending: true });
        let read = "q=a%20b%26&status=ACTIVE&status=ERROR&tag=&tag=x&sort=-ram&columns=name,status";
        assert_eq!(state.to_query(), read);
    }

    #[test]
    fn a_hostile_query_does_no_harm() {
        let many: String = (0..5000).map(|at| format!("&tag={at}")).collect();
        let long = "x".repeat(100_000);
        let state = UrlState::from_query(&format!(
            "q={long}&sort=--name&columns=evil,<script>&status&%zz=%&__proto__=1&region=%ff%fe{many}"
        ));
        assert_eq!(state.text.len(), MOST_LETTERS);
        assert_eq!(state.sort, Sort::default());
        assert_eq!(state.columns, Column::DEFAULT);
        assert_eq!(state.facets.values(Facet::Tag).count(), MOST_VALUES);
        assert_eq!(state.facets.values(Facet::Status).count(), 0);
        assert_eq!(state.facets.values(Facet::Region).collect::<Vec<_>>(), ["\u{fffd}\u{fffd}"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            text in r"\PC{0,20}",
            chosen in prop::collection::vec((0usize..7, r"\PC{0,8}"), 0..8),
            column in 0usize..14,
            descending: bool,
            shown in prop::sample::subsequence(Column::ALL.to_vec(), 1..14).prop_shuffle(),
        ) {
            let mut facets = FacetSelection::default();
            for (facet, value) in chosen {
                facets.set(Facet::ALL[facet], &value, true);
            }
            let text = if text.trim().is_empty() { String::new() } else { text };
            let sort = Sort { column: Column::ALL[column], descending };
            let state = UrlState { text, facets, sort, columns: shown };
            prop_assert_eq!(UrlState::from_query(&state.to_query()), state);
        }

        #[test]
        fn any_query_can_be_read(query in r"[a-z=&?%+0-9\PC]{0,60}") {
            let state = UrlState::from_query(&query);
            prop_assert_eq!(UrlState::from_query(&state.to_query()), UrlState {
                text: if state.text.trim().is_empty() { String::new() } else { state.text.clone() },
                ..state
            });
        }
    }
}
