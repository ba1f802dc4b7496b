//! One line in the log for every request.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::header,
    middleware::Next,
    response::Response,
};

use crate::{
    proxy::Recorded,
    session::{ClientAddress, RequestId, SeenCaller},
};

/// Writes `request_id`, method, path, status, duration, caller and size. The query stays out, as do cookies, tokens
/// and bodies. A stream is logged when it begins. What was passed on to a service has its line from the proxy.
pub async fn log_request(request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let method = request.method().clone();
    // A path nobody serves is whatever somebody typed; it is bounded.
    let path: String = request.uri().path().chars().take(200).collect();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    let address = request.extensions().get::<ClientAddress>().map(|ClientAddress(ip)| ip.to_string());
    let seen = request.extensions().get::<SeenCaller>().cloned().unwrap_or_default();
    let their_id = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
    let their_id: Option<String> = their_id.map(|id| id.chars().take(64).collect());

    let response = next.run(request).await;

    if response.extensions().get::<Recorded>().is_some() {
        return response;
    }
    let session = seen.0.lock().take();
    let size_bytes = response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    tracing::info!(
        request_id = &*id.0,
        client_request_id = their_id,
        %method,
        path,
        route,
        status = response.status().as_u16(),
        // A tenth of a millisecond is as fine as anybody reads it.
        duration_ms = (started_at.elapsed().as_secs_f64() * 10_000.0).round() / 10.0,
        size_bytes,
        address,
        user = session.as_ref().map(|session| session.user.name.as_str()),
        session = session.as_ref().map(|session| session.id.short()),
        "request"
    );
    response
}
