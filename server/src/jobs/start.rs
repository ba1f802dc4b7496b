//! Beginning a job and going on with one, on behalf of its owner.

use std::sync::Arc;

use api_types::jobs::Job;

use super::{JobRow, Jobs};
use crate::{
    error::ApiError,
    secret::Secret,
    session::{ProjectScope, Scopes, Session},
};

/// Begins a planned job, or goes on with a paused one, with a token of its own. Gives the job as it is then: somebody
/// else may have been faster, in whatever direction.
///
/// Errors: those of [`Scopes::issue`]; 503 Postgres does not answer.
pub async fn start(
    jobs: &Jobs,
    scopes: &Scopes,
    session: &Arc<Session>,
    row: &JobRow,
    revoke: impl FnOnce(Secret),
) -> Result<JobRow, ApiError> {
    let (sealed, token) = permit(jobs, scopes, session, row).await?;
    let has_started = jobs.store().start_job(&row.user_id, row.id, &row.state, &sealed).await?;
    if has_started {
        jobs.wake();
    } else {
        revoke(token);
    }
    reread(jobs, row).await
}

/// A token for the job, as it is kept, and as it is revoked if nobody keeps it.
///
/// Errors: those of [`Scopes::issue`].
pub async fn permit(
    jobs: &Jobs,
    scopes: &Scopes,
    session: &Arc<Session>,
    row: &JobRow,
) -> Result<(Vec<u8>, Secret), ApiError> {
    let no_project = || ApiError::NoSuchProject { id: row.project_id.clone() };
    let project = row.project_id.parse().map_err(|_| no_project())?;
    let issued = scopes.issue(session, &project).await?;
    let packed = ProjectScope::pack(&issued).ok_or_else(no_project)?;
    let sealed = jobs.seal_permit(row.id, &packed);
    let sealed = sealed.ok_or_else(|| ApiError::internal("sealing a job's token")("the cipher refused"))?;
    Ok((sealed, issued.token))
}

/// The job as it is now.
///
/// Errors: 404 it was deleted, 503 Postgres does not answer.
pub async fn reread(jobs: &Jobs, row: &JobRow) -> Result<JobRow, ApiError> {
    let found = jobs.store().find_job(&row.user_id, row.id).await?;
    found.ok_or_else(|| no_such_job(&row.id.to_string()))
}

/// As its owner sees it.
///
/// Errors: 404 it was written by a release that knows more than this one.
pub fn shown(row: &JobRow) -> Result<Job, ApiError> {
    row.shown().ok_or_else(|| no_such_job(&row.id.to_string()))
}

pub fn no_such_job(id: &str) -> ApiError {
    ApiError::NoSuchJob { id: id.chars().take(64).collect() }
}
