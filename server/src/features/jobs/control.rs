//! Starting, pausing, going on with, canceling and repeating a job.

use api_types::jobs::{ControlJob, Job, JobState};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};

use super::find;
use crate::{
    app::App,
    error::ApiError,
    jobs::{
        JobRow, Repeated,
        start::{repeat, reread, shown, start},
    },
    session::Caller,
};

/// Steers a job. Asking for what is so already is fine: of two tabs, or two clicks, the second one changes nothing.
///
/// Errors: 404 the caller has no such job; 409 `job_finished`, `job_not_started`, `job_paused`,
/// `confirmation_needed`, `nothing_failed`, `values_erased`; 503 Postgres does not answer; those of Keystone where the
/// job begins or goes on.
pub async fn control_job(
    caller: Caller,
    State(app): State<App>,
    Path(id): Path<String>,
    body: Result<Json<ControlJob>, JsonRejection>,
) -> Result<Json<Job>, ApiError> {
    let Json(wanted) = body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let mut row = find(&app.jobs, &caller, &id).await?;
    // The job may go on between looking and acting, by itself or by another tab; then it is looked at again.
    for _ in 0..MOST_TRIES {
        if let Some(row) = act(&caller, &app, &row, &wanted).await? {
            return shown(&row).map(Json);
        }
        row = reread(&app.jobs, &row).await?;
    }
    Err(conflict("job_busy", "The job is changing all the time. Please try again."))
}

const MOST_TRIES: u32 = 5;

/// `None`: it is in another state by now.
async fn act(
    caller: &Caller,
    app: &App,
    row: &JobRow,
    wanted: &ControlJob,
) -> Result<Option<JobRow>, ApiError> {
    let state = row.state();
    let (jobs, user) = (&app.jobs, &row.user_id);
    let finished = || conflict("job_finished", "The job is over; there is nothing left to change.");
    let not_started = || conflict("job_not_started", "The job has not been started yet.");
    let has_changed = match (wanted, state) {
        (ControlJob::Start { .. }, JobState::Running)
        | (ControlJob::Resume, JobState::Running)
        | (ControlJob::Pause, JobState::Paused)
        | (ControlJob::Cancel, JobState::Canceled) => true,

        (ControlJob::Start { confirmed }, JobState::Planned) => {
            let needed = shown(row)?.confirmation;
            if !needed.is_given(Some(confirmed)) {
                let message = "The word that confirms this is not the right one.";
                return Err(conflict("confirmation_needed", message));
            }
            return begin(caller, app, row).await;
        }
        (ControlJob::Start { .. } | ControlJob::RetryFailed { .. }, JobState::Paused) => return Err(paused()),
        (ControlJob::Resume, JobState::Paused) => return begin(caller, app, row).await,
        (ControlJob::Pause, JobState::Running) => jobs.store().pause_job(user, row.id).await?,
        (ControlJob::Cancel, JobState::Planned | JobState::Running | JobState::Paused) => {
            cancel(app, row).await?
        }
        (ControlJob::RetryFailed { uncertain_too }, state) if state != JobState::Planned => {
            return retry(caller, app, row, *uncertain_too).await;
        }
        (ControlJob::Pause | ControlJob::Resume | ControlJob::RetryFailed { .. }, JobState::Planned) => {
            return Err(not_started());
        }
        _ => return Err(finished()),
    };
    if has_changed { reread(jobs, row).await.map(Some) } else { Ok(None) }
}

async fn begin(caller: &Caller, app: &App, row: &JobRow) -> Result<Option<JobRow>, ApiError> {
    start(&app.jobs, &app.scopes, &caller.session, row, &caller.request_id.0).await.map(Some)
}

async fn cancel(app: &App, row: &JobRow) -> Result<bool, ApiError> {
    let has_canceled = app.jobs.store().cancel_job(&row.user_id, row.id).await?;
    if has_canceled {
        app.jobs.wake();
        // Whoever works on it erases the permit; where nobody does, nobody would. Left behind, the cleaning does.
        if let Err(error) = app.jobs.erase_permit(row.id).await {
            tracing::debug!(job = %row.id, %error, "a job's secrets are erased later");
        }
    }
    Ok(has_canceled)
}

async fn retry(
    caller: &Caller,
    app: &App,
    row: &JobRow,
    uncertain_too: bool,
) -> Result<Option<JobRow>, ApiError> {
    let nothing_failed = || conflict("nothing_failed", "There is nothing that failed.");
    // Before a token is asked for; what failed by then is looked at once more.
    if row.failed == 0 && !(uncertain_too && row.uncertain > 0) {
        return Err(nothing_failed());
    }
    match repeat(&app.jobs, &app.scopes, &caller.session, row, uncertain_too, &caller.request_id.0).await? {
        Repeated::InLine(_) => reread(&app.jobs, row).await.map(Some),
        Repeated::NotStarted => Ok(None),
        Repeated::NothingFailed => Err(nothing_failed()),
        Repeated::Paused => Err(paused()),
        Repeated::Erased => {
            let message = "The password was erased when this ended. Please start it anew.";
            Err(conflict("values_erased", message))
        }
    }
}

fn paused() -> ApiError {
    conflict("job_paused", "The job is paused. Resume it to go on.")
}

fn conflict(code: &'static str, message: &str) -> ApiError {
    ApiError::Conflict { code, message: message.to_owned() }
}
