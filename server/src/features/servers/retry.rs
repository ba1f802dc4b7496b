//! Asking a region again before its back-off is over.

use axum::{extract::State, http::StatusCode};

use super::{
    index::ServerIndexes,
    route::{RegionOfRoute, no_such_region},
};
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
    RegionOfRoute(region): RegionOfRoute,
) -> Result<StatusCode, ApiError> {
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
