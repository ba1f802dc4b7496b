//! What browsers count of the panel's use.

mod collect;
#[cfg(test)]
mod tests;

use api_types::routes;
use axum::{Router, routing::post};

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new().route(routes::ANALYTICS, post(collect::collect))
}
