//! The Meridian panel: sign-in, sessions, the index of servers and its stream.
//!
//! `app` puts everything together; `features` hold what a person sees; `session`, `upstream`, `metrics` and
//! `config` are shared by them and know nothing of them.

pub mod analytics;
pub mod app;
pub mod assets;
pub mod changes;
pub mod client_log;
pub mod clock;
pub mod config;
pub mod connections;
pub mod countries;
pub mod csv;
pub mod decimal;
pub mod error;
pub mod event_loops;
pub mod features;
pub mod flags;
pub mod graphite;
pub mod health;
pub mod jobs;
pub mod log;
pub mod metrics;
pub mod middleware;
pub mod migrations;
pub mod page_style;
pub mod proxy;
pub mod run;
pub mod secret;
pub mod session;
pub mod shutdown;
pub mod testing;
pub mod upstream;

/// The panel's release, as it is shown and logged.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");
