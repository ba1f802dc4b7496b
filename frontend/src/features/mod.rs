//! The features of the panel, one folder each.

pub mod servers;
