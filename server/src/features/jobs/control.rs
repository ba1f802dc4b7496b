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
        JobRow,
        start::{permit, reread, shown, start},
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
        (ControlJob::Start { .. }, JobState::Paused) => {
            return Err(conflict("job_paused", "The job is paused. Resume it to go on."));
        }
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
    let revoke = |token| app.revoke_later(vec![token]);
    let after = start(&app.jobs, &app.scopes, &caller.session, row, revoke).await?;
    Ok(Some(after))
}

async fn cancel(app: &App, row: &JobRow) -> Result<bool, ApiError> {
    let has_canceled = app.jobs.store().cancel_job(&row.user_id, row.id).await?;
    if has_canceled {
        // Whoever works on it ends the permit; where nobody does, nobody would.
        app.jobs.wake();
        end_permit(app, row).await;
    }
    Ok(has_canceled)
}

async fn end_permit(app: &App, row: &JobRow) {
    // Left behind, it is erased by the cleaning.
    let Ok(Some(sealed)) = app.jobs.store().take_permit(row.id).await else { return };
    let project = row.project_id.parse().ok();
    let permit = app.jobs.open_permit(row.id, &sealed);
    let scope = project.zip(permit);
    let scope = scope.and_then(|(project, permit)| crate::session::ProjectScope::unpack(&project, &permit));
    app.revoke_later(scope.map(|scope| scope.token).into_iter().collect());
}

async fn retry(
    caller: &Caller,
    app: &App,
    row: &JobRow,
    uncertain_too: bool,
) -> Result<Option<JobRow>, ApiError> {
    let (sealed, token) = permit(&app.jobs, &app.scopes, &caller.session, row).await?;
    let repeated = app.jobs.store().retry_items(&row.user_id, row.id, uncertain_too, &sealed).await;
    let is_used = matches!(repeated, Ok(Some(1..))) && row.state() != JobState::Running;
    if !is_used {
        app.revoke_later(vec![token]);
    }
    match repeated? {
        Some(0) => Err(conflict("nothing_failed", "There is nothing that failed.")),
        Some(_) => {
            app.jobs.wake();
            reread(&app.jobs, row).await.map(Some)
        }
        None => {
            let message = "The password was erased when this ended. Please start it anew.";
            Err(conflict("values_erased", message))
        }
    }
}

fn conflict(code: &'static str, message: &str) -> ApiError {
    ApiError::Conflict { code, message: message.to_owned() }
}
