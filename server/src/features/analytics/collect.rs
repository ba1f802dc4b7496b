//! A browser says what it has counted.

use api_types::analytics::AnalyticsBatch;
use axum::{
    Extension, Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
};

use crate::{
    analytics::Analytics,
    error::ApiError,
    session::{Caller, ClientAddress},
};

/// Adds it to everybody's. The session is only what bounds it; it is not kept with it, nor is the address.
///
/// Errors: 400 `invalid_analytics`, 401 no session, 429 `too_often`.
pub async fn collect(
    caller: Caller,
    State(analytics): State<Analytics>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Result<Json<AnalyticsBatch>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(batch) = body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let address = address.map(|Extension(ClientAddress(address))| address);
    analytics.add(caller.session.id, &batch, &headers, address).await?;
    Ok(StatusCode::NO_CONTENT)
}
