//! Servers: the list of all regions and the page of one.

pub mod rows;
