//! Server groups: servers that are kept apart, or together.

mod page;

pub use page::ServerGroupsPage;
