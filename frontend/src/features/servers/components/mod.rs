//! The pieces of the servers pages.

pub mod detail_addresses;
pub mod detail_head;
pub mod detail_history;
pub mod detail_json;
pub mod detail_metadata;
pub mod detail_overview;
pub mod detail_part;
pub mod detail_security;
pub mod detail_volumes;
