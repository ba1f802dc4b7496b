//! Projects: which one this page is about, and the way to another.

mod api;
mod recent;
mod state;
mod switcher;
mod texts;

pub use switcher::project_switcher;
