//! A page of lines.

use std::time::Instant;

use api_types::operator::logs::{LogLine, LogPage, LogQuery, MOST_LINES, USUAL_LIMIT};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};

use super::filter::{filter_of, follow_jobs, in_words, position_of};
use crate::{
    clock::Clock,
    error::ApiError,
    jobs::Jobs,
    log::{
        Level,
        search::{LineRow, LogSearch, Start},
    },
    session::Operator,
    upstream::call_log::milliseconds,
};

/// Lists lines, the newest first.
///
/// Errors: 404 no operator, 400 `invalid_filter`, `invalid_fields` or `invalid_pattern`, 503 Postgres does not answer. A
/// search that takes too long is no error: it says how far it came.
pub async fn list_lines(
    operator: Operator,
    query: Result<Query<LogQuery>, QueryRejection>,
    State(search): State<LogSearch>,
    State(jobs): State<Jobs>,
    State(clock): State<Clock>,
) -> Result<Json<LogPage>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let started_at = Instant::now();
    let mut filter = filter_of(&query, clock.now())?;
    let start = match (&query.before, &query.after) {
        (Some(before), _) => Start::Before(position_of(before)?),
        (None, Some(after)) => Start::After(position_of(after)?),
        (None, None) => Start::Newest,
    };
    operator.note_reading("searched the log", in_words(&query));
    follow_jobs(&mut filter, &jobs).await?;
    let limit = query.limit.unwrap_or(USUAL_LIMIT).clamp(1, MOST_LINES) as usize;
    let found = search.find(&filter, start, limit).await?;
    let is_forward = matches!(start, Start::After(_));
    let mut lines: Vec<LogLine> = found.rows.into_iter().map(line_of).collect();
    if is_forward {
        lines.reverse();
    }
    Ok(Json(LogPage {
        lines,
        has_older: is_forward || found.has_more,
        has_newer: if is_forward { found.has_more } else { matches!(start, Start::Before(_)) },
        searched_to_us: found.searched_to.map(|at| at.timestamp_micros()),
        took_ms: milliseconds(started_at.elapsed()),
    }))
}

pub fn line_of(row: LineRow) -> LogLine {
    LogLine {
        at_us: row.at.timestamp_micros(),
        id: row.id,
        level: Level::ALL
            .into_iter()
            .find(|level| level.number() == row.level)
            .map_or("info", Level::as_str)
            .into(),
        facility: row.facility,
        description: row.description,
        user: row.user_name,
        user_id: row.user_id,
        project: row.project,
        session: row.session,
        request_id: row.request_id,
        node: row.node,
        region: row.region,
        zone: row.zone,
        environment: row.environment,
        release: row.release,
        fields: serde_json::from_str(&row.fields).unwrap_or_default(),
    }
}
