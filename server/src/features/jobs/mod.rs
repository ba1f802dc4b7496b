//! A person's jobs: what they are doing, what became of each server, and how they are steered. They are asked for where
//! it is known what can be done: see `features/servers/actions`.

mod control;
mod items;
mod list;
mod result;

use api_types::routes;
use axum::{Router, routing::get};
use uuid::Uuid;

use crate::{
    app::App,
    error::ApiError,
    jobs::{JobRow, Jobs, start::no_such_job},
    session::Caller,
};

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::JOBS, get(list::list_jobs))
        .route(routes::JOB, get(list::show_job).post(control::control_job))
        .route(routes::JOB_ITEMS, get(items::list_items))
        .route(routes::JOB_RESULT, get(result::download_result))
}

/// The caller's job of an address. Other people's jobs are as good as none.
///
/// Errors: 404, 503 Postgres does not answer.
async fn find(jobs: &Jobs, caller: &Caller, id: &str) -> Result<JobRow, ApiError> {
    let uuid = Uuid::try_parse(id).map_err(|_| no_such_job(id))?;
    let found = jobs.store().find_job(&caller.user().id, uuid).await?;
    found.ok_or_else(|| no_such_job(id))
}
