//! What was done to one server through the panel, by whom.

use api_types::{
    ErrorBody, Region,
    jobs::{ItemError, ItemResult},
    servers::{
        ServerHistory,
        detail::{HistoryAction, HistoryEntry},
    },
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use uuid::Uuid;

use crate::{
    changes::{Changes, PastChange},
    error::ApiError,
    features::servers::route::ServerOfRoute,
    jobs::{Jobs, Past},
    session::ProjectCaller,
    upstream::{ServiceType, Target, UpstreamError},
};

/// Shows what the project's people did to a server through the panel, the newest first: by jobs, and by requests that
/// were passed on, both for as long as jobs are kept. A server that is gone has a history too.
///
/// Errors: 400 no id, 404 no region's name, 503 Postgres does not answer, and those of [`ProjectCaller`].
pub async fn show_history(
    caller: ProjectCaller,
    State(jobs): State<Jobs>,
    State(changes): State<Changes>,
    ServerOfRoute { region, server }: ServerOfRoute,
) -> Result<Json<ServerHistory>, ApiError> {
    let target = Uuid::from_bytes(server.0);
    let (past, passed_on) = tokio::try_join!(
        jobs.store().list_past(caller.project.as_str(), region.as_str(), target, MOST_ENTRIES as i64),
        changes.list(&caller.project, &region, server, MOST_ENTRIES as i64),
    )?;
    let entries = past.into_iter().filter_map(entry).collect();
    let passed_on = passed_on.into_iter().map(|change| entry_of_change(change, &region)).collect();
    Ok(Json(newest(entries, passed_on)))
}

/// More than anybody reads; the cloud's own history goes further back.
const MOST_ENTRIES: usize = 200;

/// The newest of both, each the newest first.
fn newest(mut entries: Vec<HistoryEntry>, mut passed_on: Vec<HistoryEntry>) -> ServerHistory {
    let at = |entry: Option<&HistoryEntry>| entry.map(|entry| entry.at);
    while entries.len() + passed_on.len() > MOST_ENTRIES {
        let is_older = match (at(entries.last()), at(passed_on.last())) {
            (Some(job), Some(change)) => job < change,
            (job, _) => job.is_some(),
        };
        if is_older {
            entries.pop()
        } else {
            passed_on.pop()
        };
    }
    ServerHistory { entries, passed_on }
}

fn entry(past: Past) -> Option<HistoryEntry> {
    Some(HistoryEntry {
        action: HistoryAction::Panel(past.action()?),
        result: past.result()?,
        detail: past.detail,
        user_name: past.user_name,
        user_id: past.user_id,
        at: past.at.timestamp(),
        job: Some(past.job_id.to_string()),
        request_id: past.request_id,
        upstream_request_id: past.upstream_request_id,
    })
}

fn entry_of_change(change: PastChange, region: &Region) -> HistoryEntry {
    HistoryEntry {
        result: result_of(&change, region),
        action: change.action.into(),
        detail: change.detail,
        user_name: change.user_name,
        user_id: change.user_id,
        at: change.at.timestamp(),
        job: None,
        request_id: Some(change.request_id),
        upstream_request_id: change.upstream_request_id,
    }
}

/// What the cloud's answer means, as an item's of a job.
fn result_of(change: &PastChange, region: &Region) -> ItemResult {
    let status = u16::try_from(change.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    match status {
        Some(status) if status.is_success() => ItemResult::Done,
        // The service may have been lost after it had the request.
        Some(StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
        | None => ItemResult::Uncertain,
        Some(status) => {
            // A refusal names the server by its path, and only the compute service has such paths.
            let target = Target::new(ServiceType::Compute, region.clone());
            let refused = UpstreamError::refused(status, &HeaderMap::new());
            let error = ErrorBody {
                code: refused.code().to_owned(),
                message: refused.sentence(&target),
                request_id: change.request_id.clone(),
                retry_after_secs: None,
            };
            let upstream_status = Some(status.as_u16());
            ItemResult::Failed { error: ItemError { error, upstream_message: None, upstream_status } }
        }
    }
}

#[cfg(test)]
mod tests {
    use api_types::servers::ActionKind;

    use super::*;

    fn entry(at: i64) -> HistoryEntry {
        HistoryEntry {
            action: HistoryAction::Panel(ActionKind::Stop),
            detail: None,
            user_name: "alice".to_owned(),
            user_id: "u-1".to_owned(),
            at,
            result: ItemResult::Done,
            job: None,
            request_id: None,
            upstream_request_id: None,
        }
    }

    #[test]
    fn of_too_many_the_newest_are_shown_wherever_they_come_from() {
        let odd = (0..150).map(|number| entry(2 * (150 - number) + 1)).collect();
        let even = (0..150).map(|number| entry(2 * (150 - number))).collect();
        let history = newest(odd, even);
        assert_eq!((history.entries.len(), history.passed_on.len()), (100, 100));
        let oldest = history.entries.iter().chain(&history.passed_on).map(|entry| entry.at).min();
        assert_eq!(oldest, Some(102));
        assert_eq!(newest((0..250).map(entry).collect(), Vec::new()).entries.len(), MOST_ENTRIES);
    }

    #[test]
    fn an_answer_that_may_be_of_somebody_else_on_the_way_is_uncertain() {
        let result = |status| {
            let change = PastChange {
                request_id: "req-1".to_owned(),
                at: chrono::DateTime::UNIX_EPOCH,
                action: "create".to_owned(),
                detail: None,
                user_id: "u-1".to_owned(),
                user_name: "alice".to_owned(),
                status,
                upstream_request_id: None,
            };
            result_of(&change, &"RegionOne".parse().expect("a region"))
        };
        assert_eq!((result(202), result(204)), (ItemResult::Done, ItemResult::Done));
        assert!([502, 503, 504].into_iter().all(|status| result(status) == ItemResult::Uncertain));
        assert!(
            [300, 403, 409, 500]
                .into_iter()
                .all(|status| matches!(result(status), ItemResult::Failed { .. }))
        );
    }
}
