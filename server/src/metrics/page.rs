//! The page `/metrics`, on an address of its own or behind a token. Without either there is none.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

use super::{Metrics, prometheus::CONTENT_TYPE};
use crate::{
    config::{ConnectionLimits, ListenConfig, MetricsConfig},
    connections,
    event_loops::EventLoops,
    secret::Secret,
    shutdown::Shutdown,
};

/// Where the page is.
pub const PATH: &str = "/metrics";

/// The page among those of the panel, where there is a token for it.
pub fn router<S: Clone + Send + Sync + 'static>(metrics: &Metrics, config: &MetricsConfig) -> Router<S> {
    match &config.token {
        Some(_) => page(metrics, config),
        None => Router::new(),
    }
}

/// Serves nothing but the page, until `shutdown` begins.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    config: MetricsConfig,
    listen: ListenConfig,
    shutdown: Shutdown,
) {
    // Those who read it are few.
    let connections = ConnectionLimits { most: 32, ..listen.connections.clone() };
    let listen = ListenConfig { connections, ..listen };
    connections::serve(listener, page(&metrics, &config), shutdown, listen, &EventLoops::none()).await;
}

fn page<S: Clone + Send + Sync + 'static>(metrics: &Metrics, config: &MetricsConfig) -> Router<S> {
    let page = Page { metrics: metrics.clone(), token: config.token.clone() };
    Router::new().route(PATH, get(show).with_state(page))
}

#[derive(Clone)]
struct Page {
    metrics: Metrics,
    token: Option<Secret>,
}

async fn show(State(page): State<Page>, headers: HeaderMap) -> Response {
    if !page.token.as_ref().is_none_or(|token| sent(&headers, token)) {
        let mut response = (StatusCode::UNAUTHORIZED, "This page wants its token.\n").into_response();
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        return response;
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], page.metrics.as_prometheus()).into_response()
}

/// How long it takes tells nothing but the token's length.
fn sent(headers: &HeaderMap, token: &Secret) -> bool {
    let said = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let (scheme, said) = said.split_at_checked(7).unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(said.ct_eq(token.expose().as_bytes()))
}
