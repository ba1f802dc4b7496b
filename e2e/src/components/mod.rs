//! Parts of pages that several pages or tests use.

mod dialog;
mod facets;
mod menu;
mod table;
mod toast;

pub use dialog::Dialog;
pub use facets::{Facet, Facets};
pub use menu::Menu;
pub use table::{Row, Table};
pub use toast::toast;
