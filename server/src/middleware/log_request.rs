//! One line in the log for every request.

use std::time::Instant;

use axum::{
    extract::Request,
    http::{HeaderValue, Method, Uri, header},
    response::Response,
};

use super::route::Route;
use crate::{proxy::Recorded, session::ClientAddress, upstream::call_log::milliseconds};

/// What the line says of the request, while it is handled.
pub struct RequestLine {
    started_at: Instant,
    method: Method,
    uri: Uri,
    their_id: Option<HeaderValue>,
    route: Route,
    address: Option<ClientAddress>,
}

impl RequestLine {
    pub fn begin(request: &Request, started_at: Instant) -> Self {
        let extensions = request.extensions();
        Self {
            started_at,
            method: request.method().clone(),
            uri: request.uri().clone(),
            their_id: request.headers().get("x-request-id").cloned(),
            route: Route::of(request),
            address: extensions.get::<ClientAddress>().copied(),
        }
    }

    /// Writes method, path, status, duration and size; request id and caller are known by the context. The query stays
    /// out, as do cookies, tokens and bodies. A stream is logged when it begins. What was passed on to a service has its
    /// line from the proxy.
    pub fn end(self, response: &Response) {
        if response.extensions().get::<Recorded>().is_some() {
            return;
        }
        let Self { started_at, method, uri, their_id, route, address } = self;
        let size_bytes = response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let their_id = their_id.as_ref().and_then(|id| id.to_str().ok());
        // A path nobody serves is whatever somebody typed; it is bounded.
        let path: String = uri.path().chars().take(200).collect();
        let status = response.status().as_u16();
        tracing::info!(
            client_request_id = their_id.map(|id| id.chars().take(64).collect::<String>()),
            %method,
            path,
            route = route.as_str(),
            status,
            duration_ms = milliseconds(started_at.elapsed()),
            size_bytes,
            address = address.map(|ClientAddress(ip)| ip.to_string()),
            "{method} {path} {status}"
        );
    }
}
