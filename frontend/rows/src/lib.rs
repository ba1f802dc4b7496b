//! The rows of the servers list: held in columns, searched, counted and sorted in slices that fit a frame.
//!
//! Plain Rust that knows no browser. [`Rows`] takes the frames of the stream; [`View`] keeps what the query lets
//! through, in the order asked for, with the counts of every facet; [`Selection`] is what the user ticked.
//!
//! ```text
//! frames ──> Rows::apply ──> View::step ──> View::at, View::facets, RowView
//! ```
//!
//! [`View::find`] is the part of a step that a person waits for: the rows without the counts.

mod bits;
mod block;
pub mod columns;
mod dictionary;
pub mod export;
pub mod facets;
mod fold;
pub mod query;
mod ragged;
mod row_view;
mod search;
pub mod selection;
pub mod sort;
mod store;
#[cfg(test)]
mod testing;
mod texts;
pub mod url_state;
pub mod view;
mod words;

pub use columns::Column;
pub use facets::{Facet, FacetCount, FacetSelection, Facets};
pub use query::{Problem, Query, Term};
pub use row_view::{AddressView, FlavorInfo, ImageKind, RowView};
pub use selection::Selection;
pub use sort::Sort;
pub use store::{Applied, Expected, RegionInfo, Rows};
pub use url_state::UrlState;
pub use view::{Step, View};

/// Where a row lives in [`Rows`]: the same for as long as the row lives, used anew only once [`View`] let go.
pub type RowIndex = u32;
