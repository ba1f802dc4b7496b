//! What was done to one server through the panel, by whom.

use api_types::servers::{ServerHistory, detail::HistoryEntry};
use axum::{Json, extract::State};
use uuid::Uuid;

use crate::{
    error::ApiError,
    features::servers::route::ServerOfRoute,
    jobs::{Jobs, Past},
    session::ProjectCaller,
};

/// Shows what the project's people did to a server through the panel, the newest first, as long as their jobs are kept.
/// A server that is gone has a history too.
///
/// Errors: 400 no id, 404 no region's name, 503 Postgres does not answer, and those of [`ProjectCaller`].
pub async fn show_history(
    caller: ProjectCaller,
    State(jobs): State<Jobs>,
    ServerOfRoute { region, server }: ServerOfRoute,
) -> Result<Json<ServerHistory>, ApiError> {
    let target = Uuid::from_bytes(server.0);
    let past = jobs.store().list_past(caller.project.as_str(), region.as_str(), target, MOST_ENTRIES).await?;
    Ok(Json(ServerHistory { entries: past.into_iter().filter_map(entry).collect() }))
}

/// More than anybody reads; the cloud's own history goes further back.
const MOST_ENTRIES: i64 = 200;

fn entry(past: Past) -> Option<HistoryEntry> {
    Some(HistoryEntry {
        action: past.action()?,
        result: past.result()?,
        detail: past.detail,
        user_name: past.user_name,
        user_id: past.user_id,
        at: past.at.timestamp(),
        job: past.job_id.to_string(),
        request_id: past.request_id,
        upstream_request_id: past.upstream_request_id,
    })
}
