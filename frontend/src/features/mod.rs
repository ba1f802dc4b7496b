//! The features of the panel, one folder each.

pub mod account;
pub mod calls;
pub mod flavors;
pub mod images;
pub mod jobs;
pub mod key_pairs;
pub mod operator;
pub mod projects;
pub mod quotas;
pub mod server_groups;
pub mod servers;
