//! The caller's jobs.

use api_types::jobs::{Job, JobList};
use axum::{
    Json,
    extract::{Path, State},
};

use super::find;
use crate::{
    error::ApiError,
    jobs::{JobRow, Jobs, start::shown},
    session::Caller,
};

/// More than a person looks through.
const MOST_JOBS: i64 = 50;

/// Lists the caller's jobs in all projects, the newest first: those that are not over, however many and old they are,
/// and the newest 50.
///
/// Errors: 401 no session, 503 Postgres does not answer.
pub async fn list_jobs(caller: Caller, State(jobs): State<Jobs>) -> Result<Json<JobList>, ApiError> {
    let rows = jobs.store().list_jobs(&caller.user().id, MOST_JOBS).await?;
    Ok(Json(JobList { jobs: rows.iter().filter_map(JobRow::shown).collect() }))
}

/// Shows one of the caller's jobs.
///
/// Errors: 401 no session, 404 the caller has no such job, 503 Postgres does not answer.
pub async fn show_job(
    caller: Caller,
    State(jobs): State<Jobs>,
    Path(id): Path<String>,
) -> Result<Json<Job>, ApiError> {
    shown(&find(&jobs, &caller, &id).await?).map(Json)
}
