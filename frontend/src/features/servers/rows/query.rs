//! What the user asks for: the search box and the chosen facets.

use super::FacetSelection;

/// The search box as text and as read, and the chosen facets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub text: String,
    /// All of them must match.
    pub terms: Vec<Term>,
    pub facets: FacetSelection,
    problems: Vec<Problem>,
}

/// One condition of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub is_negated: bool,
}

/// A part of the search that says a field but not a value we can read; it is searched for as plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// `ram>=many`: not an amount.
    Amount(String),
    /// `created>yesterday`: not a date (`2025`, `2025-01`, `2025-01-31`, `2025-01-31T10:30`).
    Date(String),
    /// `age<soon`: not a duration (`30m`, `12h`, `7d`, `2w`, `1y`).
    Age(String),
    /// `ip:10.0.0.0/64`: not a network.
    Network(String),
}

impl Query {
    /// Reads a search. Never fails: what it cannot read is plain text, and [`Self::problems`] names it.
    ///
    /// `now` is in seconds since 1970, for terms such as `age<7d`.
    pub fn parse(text: &str, facets: FacetSelection, now: u32) -> Self {
        let _ = now;
        Self { text: text.to_owned(), terms: Vec::new(), facets, problems: Vec::new() }
    }

    /// What was taken as plain text although it looked like more.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// True when everything matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.facets.is_empty()
    }
}
