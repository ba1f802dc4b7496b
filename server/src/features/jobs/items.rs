//! What became of each server of a job.

use api_types::jobs::{JobItems, ListJobItemsQuery};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};

use super::find;
use crate::{
    error::ApiError,
    jobs::{ItemRow, Jobs},
    session::Caller,
};

const USUAL_LIMIT: u32 = 200;
const MOST: u32 = 1_000;
const RESULTS: [&str; 7] = ["waiting", "running", "done", "failed", "skipped", "uncertain", "canceled"];

/// Lists a job's items in the order of the list, a page at a time, all or those with one result.
///
/// Errors: 400 `invalid_limit`, `invalid_result`, 401 no session, 404 the caller has no such job, 503 Postgres does not
/// answer.
pub async fn list_items(
    caller: Caller,
    State(jobs): State<Jobs>,
    Path(id): Path<String>,
    query: Result<Query<ListJobItemsQuery>, QueryRejection>,
) -> Result<Json<JobItems>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let limit = query.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MOST).contains(&limit) {
        let message = format!("The limit has to be from 1 to {MOST}.");
        return Err(ApiError::Invalid { code: "invalid_limit", message });
    }
    if query.result.as_deref().is_some_and(|result| !RESULTS.contains(&result)) {
        let message = format!("A result is one of {}.", RESULTS.join(", "));
        return Err(ApiError::Invalid { code: "invalid_result", message });
    }
    let job = find(&jobs, &caller, &id).await?;
    let after = query.after.map_or(-1, |after| i32::try_from(after).unwrap_or(i32::MAX));
    let rows = jobs.store().list_items(job.id, query.result.as_deref(), after, i64::from(limit)).await?;
    let is_full = rows.len() == limit as usize;
    let next = rows.last().filter(|_| is_full).map(|last| i64::from(last.number));
    Ok(Json(JobItems { items: rows.iter().filter_map(ItemRow::shown).collect(), next }))
}
