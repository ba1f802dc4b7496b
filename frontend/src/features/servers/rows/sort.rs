//! The order of the list.

use super::Column;

/// Which column orders the list, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: Column,
    pub descending: bool,
}

impl Default for Sort {
    /// The newest first: what was just created is at the top.
    fn default() -> Self {
        Self { column: Column::Created, descending: true }
    }
}
