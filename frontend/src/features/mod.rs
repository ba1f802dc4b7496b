//! The features of the panel, one folder each.

pub mod account;
pub mod jobs;
pub mod projects;
pub mod servers;
