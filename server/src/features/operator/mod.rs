//! The operator's console: what the panel and the cloud did for whom, a section each. For operators only.
//!
//! A handler asks for an [`Operator`](crate::session::Operator), which writes down what was looked at.

mod analytics;
mod customers;
mod flags;
mod health;
mod levels;
mod logs;
mod one_line;
mod statistics;
mod support_views;

use api_types::routes;
use axum::Router;

use crate::{app::App, middleware::operators_only::for_operators_only};

/// One line per section. What is merged here exists for operators only; all of it is below `/api/operator`.
pub fn router(app: &App) -> Router<App> {
    let sections = Router::new()
        .merge(logs::router())
        .merge(levels::router())
        .merge(flags::router())
        .merge(customers::router())
        .merge(support_views::router())
        .merge(analytics::router())
        .merge(statistics::router())
        .merge(health::router());
    for_operators_only("/api/operator", sections, app)
        .merge(for_operators_only("/operator/support-view", support_views::pages(), app))
        .merge(for_operators_only(routes::HEALTH_DETAIL, health::detail(), app))
}
