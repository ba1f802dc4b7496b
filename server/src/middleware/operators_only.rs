//! Hides the operator's console from everybody else.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};

use crate::{app::App, error::ApiError, session::Operator};

/// Around every route of the console, whatever the method, and before anything of the request is read: who is no
/// operator gets the answer of an address that nobody serves.
///
/// Errors: those of [`Operator`].
pub async fn operators_only(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    <Operator as FromRequestParts<App>>::from_request_parts(&mut parts, &*app).await?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}
