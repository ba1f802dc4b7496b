//! Asking a region again before its back-off is over.

use api_types::Region;
use axum::{
    extract::{Path, State},
    http::StatusCode,
};

use super::{index::ServerIndexes, show::parse_path};
use crate::{
    error::ApiError,
    session::ProjectCaller,
    upstream::{ServiceType, Target},
};

/// Asks the region again now; what comes of it is seen in the stream. Within a second of the last time nothing more
/// is done: it is being asked.
///
/// Errors: 400 no region's name, 404 the project has no such region, and those of [`ProjectCaller`].
pub async fn retry_region(
    caller: ProjectCaller,
    State(indexes): State<ServerIndexes>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<StatusCode, ApiError> {
    let (_, region) = parse_path(path)?;
    let region: Region = region.parse().map_err(|_| no_such_region(&region))?;
    let upstream = indexes.upstream();
    if upstream.compute(&caller.scope, &region).is_none() {
        return Err(no_such_region(region.as_str()));
    }
    if !indexes.may_retry(&caller.scope, &region) {
        return Ok(StatusCode::ACCEPTED);
    }
    upstream.client.try_now(&Target::new(ServiceType::Compute, region.clone()));
    if let Some(index) = indexes.find(&caller.scope, &region) {
        index.retry_now();
    }
    Ok(StatusCode::ACCEPTED)
}

pub(super) fn no_such_region(region: &str) -> ApiError {
    ApiError::NotFound { kind: "region", id: region.chars().take(255).collect() }
}
