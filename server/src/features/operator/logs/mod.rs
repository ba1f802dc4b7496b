//! The log of all nodes, for those who answer "it does not work".

mod export;
mod filter;
mod list;
mod live;
#[cfg(test)]
mod tests;

use api_types::routes;
use axum::{Router, routing::get};

use crate::app::App;

pub use list::line_of;

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::OPERATOR_LOGS, get(list::list_lines))
        .route(routes::OPERATOR_LOGS_LIVE, get(live::follow_lines))
        .route(routes::OPERATOR_LOGS_EXPORT, get(export::export_lines))
}
