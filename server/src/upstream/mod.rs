//! Calls to the OpenStack services: where they are, how long they may take, and what their failures mean.

pub mod call;
pub mod call_log;
pub mod circuit_breaker;
pub mod client;
mod connections;
pub mod error;
pub mod heard;
pub mod microversion;
mod places;
pub mod retry;
pub mod service_catalog;
pub mod socket;
pub mod srv;
pub mod streaming;
pub mod tls;
pub mod upload;

pub use call::{Answer, Call, Lane, ServiceType, Target};
pub use call_log::OnBehalf;
pub use client::UpstreamClient;
pub use connections::ConnectionError;
pub use error::UpstreamError;
pub use microversion::Microversion;
pub use service_catalog::ServiceCatalog;
