//! What a test stands on: the programs it needs, started and stopped, and the evidence when it fails.

pub mod browser;
pub mod chromedriver;
pub mod database;
pub mod evidence;
pub mod graphite;
pub mod panel;
pub mod programs;
pub mod scene;
pub mod wait;
