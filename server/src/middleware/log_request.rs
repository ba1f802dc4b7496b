//! One line in the log for every request.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::header,
    middleware::Next,
    response::Response,
};

use crate::{proxy::Recorded, session::ClientAddress, upstream::call_log::milliseconds};

/// Writes method, path, status, duration and size; request id and caller are known by the context. The query stays out, as do cookies, tokens
/// and bodies. A stream is logged when it begins. What was passed on to a service has its line from the proxy.
pub async fn log_request(request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let their_id = request.headers().get("x-request-id").cloned();
    let extensions = request.extensions();
    let route = extensions.get::<MatchedPath>().cloned();
    let address = extensions.get::<ClientAddress>().copied();

    let response = next.run(request).await;

    if response.extensions().get::<Recorded>().is_some() {
        return response;
    }
    let size_bytes = response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let their_id = their_id.as_ref().and_then(|id| id.to_str().ok());
    // A path nobody serves is whatever somebody typed; it is bounded.
    let path: String = uri.path().chars().take(200).collect();
    let status = response.status().as_u16();
    tracing::info!(
        client_request_id = their_id.map(|id| id.chars().take(64).collect::<String>()),
        %method,
        path,
        route = route.as_ref().map(MatchedPath::as_str),
        status,
        duration_ms = milliseconds(started_at.elapsed()),
        size_bytes,
        address = address.map(|ClientAddress(ip)| ip.to_string()),
        "{method} {path} {status}"
    );
    response
}
