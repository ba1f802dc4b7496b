//! The words a person reads in the log.

pub const TITLE: &str = "Logs";
pub const ABOUT: &str = "What browsers, the panel and the cloud's services said, of every node in one list.";
