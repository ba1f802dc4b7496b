//! The projects a caller may work in, for the switcher.

mod list;
mod lists;

use api_types::routes;
use axum::{Router, routing::get};

pub use lists::ProjectLists;

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new().route(routes::PROJECTS, get(list::list_projects))
}
