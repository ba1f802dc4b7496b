//! Asking for a job.

use api_types::{
    jobs::{Confirmed, CreateJob, Job, JobState, MOST_SERVERS, confirmation},
    servers::action::ActionKind,
};
use axum::{Json, extract::State, extract::rejection::JsonRejection};
use uuid::Uuid;

use super::{
    plan::{detail, is_secret, plan},
    validate::check_action,
};
use crate::{
    app::App,
    error::ApiError,
    jobs::{Created, JobRow, NewJob, start},
    session::ProjectCaller,
};

/// Plans a job and starts it, where nothing more than was given has to confirm it. Asked twice with one key it is the
/// same job; who asks again with what confirms it, starts it.
///
/// Errors: 400 `invalid_job_key`, `no_servers`, `too_many_servers`, and those of the values; 404 no such region in the
/// project; 409 `job_key_used` for another request, or other values; 429 `too_many_jobs`; those of [`ProjectCaller`],
/// and of Keystone where the job begins.
pub async fn create_job(
    caller: ProjectCaller,
    State(app): State<App>,
    body: Result<Json<CreateJob>, JsonRejection>,
) -> Result<Json<Job>, ApiError> {
    let Json(wanted) = body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let key = Uuid::try_parse(&wanted.idempotency_key).map_err(|_| ApiError::Invalid {
        code: "invalid_job_key",
        message: "The key of the job has to be a UUID.".to_owned(),
    })?;
    let request = request_of(&caller, &wanted)?;
    let (row, kept) = match app.jobs.store().find_job_by_key(&caller.user().id, key).await? {
        Some(found) => found,
        None => write_down(&caller, &app, &wanted, key, &request).await?,
    };
    let action = wanted.action.kind();
    let is_same = match kept {
        Some(kept) => app.jobs.is_same_request(key, &request, &kept),
        None => row.project_id == caller.project.as_str() && row.action() == Some(action),
    };
    if !is_same {
        return Err(ApiError::Conflict {
            code: "job_key_used",
            message: "Something else was asked for with this key before.".to_owned(),
        });
    }
    let row = if row.state() == JobState::Planned && is_confirmed(action, &row, wanted.confirmed.as_ref()) {
        start::start(&app.jobs, &app.scopes, &caller.session, &row, &caller.request_id.0).await?
    } else {
        row
    };
    start::shown(&row).map(Json)
}

/// What is asked for, all of it: where, what, with which values, to whom, in their order.
fn request_of(caller: &ProjectCaller, wanted: &CreateJob) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(&(caller.project.as_str(), &wanted.action, &wanted.targets))
        .map_err(ApiError::internal("writing down what was asked for"))
}

/// Plans and keeps the plan. Gives the job of this key, with what was asked for under it: of two clicks the other may
/// have been faster.
async fn write_down(
    caller: &ProjectCaller,
    app: &App,
    wanted: &CreateJob,
    key: Uuid,
    request: &[u8],
) -> Result<(JobRow, Option<String>), ApiError> {
    let servers: usize = wanted.targets.iter().map(|region| region.servers.len()).sum();
    if servers == 0 {
        let message = "There is no server to do this to.".to_owned();
        return Err(ApiError::Invalid { code: "no_servers", message });
    }
    if servers > MOST_SERVERS {
        let message = format!("This can be done with {MOST_SERVERS} servers at a time at most.");
        return Err(ApiError::Invalid { code: "too_many_servers", message });
    }
    check_action(&wanted.action, servers)?;
    let items = plan(&app.servers, &caller.scope, wanted.action.kind(), &wanted.targets).await?;
    let id = Uuid::new_v4();
    let payload = serde_json::to_vec(&wanted.action).map_err(ApiError::internal("writing an action"))?;
    let sealed = app.jobs.seal_payload(id, &payload);
    let job = NewJob {
        id,
        user_id: caller.user().id.clone(),
        user_name: caller.user().name.clone(),
        session: caller.session.id.short(),
        project_id: caller.project.to_string(),
        project_name: caller.scope.project_name.clone(),
        idempotency_key: key,
        request: app.jobs.sign_request(key, request),
        action: wanted.action.kind(),
        detail: detail(&wanted.action),
        sealed_payload: sealed
            .ok_or_else(|| ApiError::internal("sealing an action")("the cipher refused"))?,
        payload_is_secret: is_secret(&wanted.action),
    };
    if app.jobs.store().create_job(&job, &items).await? == Created::TooMany {
        return Err(ApiError::TooManyJobs);
    }
    let found = app.jobs.store().find_job_by_key(&caller.user().id, key).await?;
    found.ok_or_else(|| ApiError::internal("reading a job just written")("it is gone"))
}

/// Whether what was given is enough for this plan.
fn is_confirmed(action: ActionKind, row: &JobRow, given: Option<&Confirmed>) -> bool {
    confirmation(action, row.runnable()).is_given(given)
}

#[cfg(test)]
mod tests {
    use api_types::jobs::{Confirmation, Confirmed};

    #[test]
    fn what_is_dangerous_needs_its_dialog_or_its_word() {
        let dialog = Confirmed { word: None };
        let word = |word: &str| Confirmed { word: Some(word.to_owned()) };
        let needed = Confirmation::Word { word: "delete".to_owned() };
        assert!(Confirmation::None.is_given(None));
        assert!(!Confirmation::Dialog.is_given(None) && Confirmation::Dialog.is_given(Some(&dialog)));
        assert!(!needed.is_given(Some(&dialog)) && !needed.is_given(Some(&word("del"))));
        assert!(needed.is_given(Some(&word(" delete "))));
    }
}
