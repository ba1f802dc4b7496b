//! Bounds how long a handler may take.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{error::ApiError, proxy::is_passed_on};

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub struct RequestTimeout(pub Duration);

/// Bounds the time to the head of the answer, the reading of the request's body included. What streams, streams on.
pub async fn timeout(
    State(RequestTimeout(limit)): State<RequestTimeout>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // A long upload is no slow handler; the proxy bounds each of its steps.
    if is_passed_on(request.uri().path()) {
        return Ok(next.run(request).await);
    }
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| ApiError::TooSlow { limit })
}
