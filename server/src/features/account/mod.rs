//! The caller's own account: who is signed in, and from where.

mod sessions;
mod show;

use api_types::routes;
use axum::{
    Router,
    routing::{delete, get},
};

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::SESSION, get(show::show_session))
        .route(routes::SESSIONS, get(sessions::list_sessions).delete(sessions::delete_sessions))
        .route(routes::SESSION_BY_ID, delete(sessions::delete_session))
}
