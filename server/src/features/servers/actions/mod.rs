//! What is done to servers: asked for as jobs, planned from the index, done one by one, and remembered.

mod calls;
mod create;
mod floating_ip;
mod history;
mod look_up;
mod outcome;
mod plan;
#[cfg(test)]
mod tests;
mod validate;
mod work;

use api_types::routes;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

pub use self::work::ServerActions;
use crate::{app::App, middleware::limits::LARGEST_JOB};

pub fn router() -> Router<App> {
    Router::new()
        .route(
            routes::PROJECT_JOBS,
            // 20,000 ids are longer than any other body.
            post(create::create_job).layer(DefaultBodyLimit::max(LARGEST_JOB)),
        )
        .route(routes::SERVER_HISTORY, get(history::show_history))
}
