//! The servers of a project: the list as a stream, one server whole, and the index behind both.

mod credentials;
pub mod decode;
pub mod feed;
mod fill;
pub mod index;
mod live;
pub mod position;
mod refresh;
mod retry;
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
use tower_http::compression::CompressionLayer;

pub use self::index::ServerIndexes;
use crate::app::App;

pub fn router() -> Router<App> {
    // zstd passes pieces on as they come; gzip and brotli at this size cost more time than they save.
    let zstd = CompressionLayer::new().no_br().no_deflate().no_gzip();
    Router::new()
        .route(routes::SERVERS, get(stream::list_servers).layer(zstd))
        .route(routes::SERVERS_LIVE, get(live::follow_servers))
        .route(routes::SERVERS_RETRY, post(retry::retry_region))
        .route(routes::SERVER, get(show::show_server))
}
