//! What the browser and the server say to each other: JSON types, stream frames and route paths.
//!
//! Shared by `server`, `frontend` and `e2e`, so a change here is a change on both sides at once.

pub mod analytics;
pub mod client_log;
pub mod error;
pub mod flags;
pub mod ids;
pub mod jobs;
pub mod operator;
pub mod projects;
pub mod routes;
pub mod servers;
pub mod session;

pub use error::ErrorBody;
pub use ids::{InvalidId, ProjectId, Region, ServerId};
