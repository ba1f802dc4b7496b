//! The operator's console: what the panel and the cloud did for whom, a section each. For operators only.
//!
//! A handler asks for an [`Operator`](crate::session::Operator), which writes down what was looked at.

mod health;
mod logs;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};

use crate::{app::App, middleware::operators_only::operators_only};

/// One line per section. What is merged here exists for operators only.
pub fn router(app: &App) -> Router<App> {
    Router::new()
        .merge(logs::router())
        .merge(health::router())
        .merge(health::detail())
        .route_layer(from_fn_with_state(Arc::new(app.clone()), operators_only))
}
