//! The projects a caller may work in, for the switcher, and what each region offers them.

mod list;
mod lists;
mod services;

use api_types::routes;
use axum::{Router, routing::get};

pub use lists::ProjectLists;

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::PROJECTS, get(list::list_projects))
        .route(routes::PROJECT_SERVICES, get(services::list_services))
}
