//! The page the browser's program starts in: the real frame in final sizes, so that nothing moves when it takes over.

mod icons;
mod page;

use axum::{Router, routing::get};

use crate::{app::App, middleware::operators_only::for_operators_only};

/// The paths of the browser's own route tree. What is not here is not found.
pub fn router(app: &App) -> Router<App> {
    let operators = Router::new()
        .route("/operator", get(page::show_operator))
        .route("/operator/{*page}", get(page::show_operator));
    Router::new()
        .route("/", get(page::show_start))
        .route("/projects/{project}", get(page::show_project))
        .route("/projects/{project}/servers", get(page::show_servers))
        .route("/projects/{project}/servers/new", get(page::show_product))
        .route("/projects/{project}/servers/{region}/{server}", get(page::show_servers))
        .route("/projects/{project}/images", get(page::show_product))
        .route("/projects/{project}/key-pairs", get(page::show_product))
        .route("/projects/{project}/flavors", get(page::show_product))
        .route("/projects/{project}/server-groups", get(page::show_product))
        .route("/projects/{project}/quotas", get(page::show_product))
        .route("/account/sessions", get(page::show_account))
        .merge(for_operators_only("/operator", operators, app))
}
