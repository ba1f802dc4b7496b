//! The health of the panel's nodes and of what they need, and a way to try a service now.

mod probe;
mod report;
#[cfg(test)]
mod tests;

use api_types::routes;
use axum::{
    Router,
    routing::{get, post},
};

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::OPERATOR_HEALTH, get(report::show_report))
        .route(routes::OPERATOR_HEALTH_PROBE, post(probe::probe_service))
}

/// The same beside what traffic managers are told, for a person with a terminal.
pub fn detail() -> Router<App> {
    Router::new().route(routes::HEALTH_DETAIL, get(report::show_report))
}
