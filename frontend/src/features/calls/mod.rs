//! The calls to the cloud: those this document made, and those the panel's server made for it.

mod asked;
mod by_server;
mod item;
mod panel;
mod texts;

pub use panel::calls_panel;
