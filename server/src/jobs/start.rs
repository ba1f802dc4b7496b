//! Beginning a job, going on with one and repeating what failed, on behalf of its owner and with a token of its own.

use std::sync::Arc;

use api_types::jobs::Job;
use uuid::Uuid;

use super::{
    JobRow, Jobs,
    store::{Permit, Repeated},
};
use crate::{
    error::ApiError,
    log,
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
    request_id: &Arc<str>,
) -> Result<JobRow, ApiError> {
    let (jobs, scopes, session, row) = (jobs.clone(), scopes.clone(), session.clone(), row.clone());
    let request_id = request_id.clone();
    to_its_end(async move {
        let (sealed, token) = permit(&jobs, &scopes, &session, &row).await?;
        let started = jobs.store().start_job(&row.user_id, row.id, &row.state, &sealed, &request_id).await;
        let kept = started.as_ref().ok();
        let is_kept = settle(&jobs, &scopes, row.id, token, kept);
        started?;
        if is_kept {
            jobs.wake();
        }
        reread(&jobs, &row).await
    })
    .await
}

/// Puts what failed back in line, and what is uncertain where said, with a token of its own where the job has none.
///
/// Errors: those of [`Scopes::issue`]; 503 Postgres does not answer.
pub async fn repeat(
    jobs: &Jobs,
    scopes: &Scopes,
    session: &Arc<Session>,
    row: &JobRow,
    uncertain_too: bool,
    request_id: &Arc<str>,
) -> Result<Repeated, ApiError> {
    let (jobs, scopes, session, row) = (jobs.clone(), scopes.clone(), session.clone(), row.clone());
    let request_id = request_id.clone();
    to_its_end(async move {
        let (sealed, token) = permit(&jobs, &scopes, &session, &row).await?;
        let repeated =
            jobs.store().retry_items(&row.user_id, row.id, uncertain_too, &sealed, &request_id).await;
        let kept = match &repeated {
            Ok(Repeated::InLine(permit)) => Some(permit),
            _ => None,
        };
        settle(&jobs, &scopes, row.id, token, kept);
        jobs.wake();
        Ok(repeated?)
    })
    .await
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

/// Does what must not stop halfway when the browser goes away: a token that was issued is kept by its job or ended.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    log::spawn(work).await.map_err(ApiError::internal("giving a job its token"))?
}

/// A token for the job, as it is kept, and as it is ended if nobody keeps it.
///
/// Errors: those of [`Scopes::issue`].
async fn permit(
    jobs: &Jobs,
    scopes: &Scopes,
    session: &Arc<Session>,
    row: &JobRow,
) -> Result<(Vec<u8>, Secret), ApiError> {
    let no_project = || ApiError::NoSuchProject { id: row.project_id.clone() };
    let project = row.project_id.parse().map_err(|_| no_project())?;
    let issued = scopes.issue(session, &project).await?;
    let sealed = ProjectScope::pack(&issued).map(|packed| jobs.seal_permit(row.id, &packed));
    match sealed {
        Some(Some(sealed)) => Ok((sealed, issued.token)),
        refused => {
            scopes.give_back([issued.token]);
            let cipher = || ApiError::internal("sealing a job's token")("the cipher refused");
            Err(if refused.is_none() { no_project() } else { cipher() })
        }
    }
}

/// Ends the token that nobody has now: the new one, or the one that it replaces. Whether the job has the new one. Where
/// Postgres did not say (`None`), the job may have it, and is held when it is used: better than a token nobody ends.
fn settle(jobs: &Jobs, scopes: &Scopes, job: Uuid, token: Secret, permit: Option<&Permit>) -> bool {
    match permit {
        Some(Permit::Kept { replaced }) => {
            scopes.give_back(replaced.as_deref().and_then(|sealed| jobs.token_of(job, sealed)));
            true
        }
        Some(Permit::NotKept) | None => {
            scopes.give_back([token]);
            false
        }
    }
}
