//! The servers of a project: the list as a stream, one server whole, and the index behind both.

mod actions;
mod console;
mod credentials;
pub mod decode;
pub mod feed;
mod fill;
pub mod index;
mod learn;
mod live;
mod open_streams;
pub mod position;
mod refresh;
mod retry;
mod route;
mod show;
mod stream;
#[cfg(test)]
mod tests;
mod upstream;

use api_types::routes;
use axum::{
    Router,
    routing::{get, post},
};

pub use self::{actions::ServerActions, index::ServerIndexes};
use crate::app::App;

pub fn router() -> Router<App> {
    actions::router()
        .route(routes::SERVERS, get(stream::list_servers).layer(stream::compression()))
        .route(routes::SERVERS_LIVE, get(live::follow_servers))
        .route(routes::SERVERS_RETRY, post(retry::retry_region))
        .route(routes::SERVER, get(show::show_server))
        .route(routes::SERVER_CONSOLE, get(console::open_console))
}
