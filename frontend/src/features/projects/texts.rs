//! The words a person reads around projects.

use crate::ui::format;

pub const PROJECT: &str = "Project";
pub const NO_PROJECT: &str = "Choose a project";
pub const SEARCH: &str = "Search projects";
pub const RECENT: &str = "Recent";
pub const ALL: &str = "All projects";
pub const LOADING: &str = "Looking…";
pub const NOTHING: &str = "No project matches.";

/// Says that the list is only the beginning.
pub fn more(count: usize) -> String {
    format!("{} more: type to narrow the list.", format::number(count as u64))
}

/// What screen readers hear when the list changes.
pub fn found(total: usize) -> String {
    format::counted(total as u64, "project", "projects")
}
