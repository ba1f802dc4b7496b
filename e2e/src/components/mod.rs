//! Parts of pages that several pages or tests use.

mod actions;
mod dialog;
mod facets;
mod jobs;
mod menu;
mod table;
mod toast;

pub use actions::{ActionDialog, ActionMenu};
pub use dialog::Dialog;
pub use facets::{Facet, Facets};
pub use jobs::{JobResult, JobTray};
pub use menu::Menu;
pub use table::{Row, Table};
pub use toast::{dismiss_toasts, toast};
