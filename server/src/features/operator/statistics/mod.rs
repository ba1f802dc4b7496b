//! Graphs of what was measured, read from Graphite.

mod graphs;
mod show;
#[cfg(test)]
mod tests;

use api_types::routes;
use axum::{Router, routing::get};

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new().route(routes::OPERATOR_STATISTICS, get(show::show_statistics))
}
