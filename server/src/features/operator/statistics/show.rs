//! All graphs of one range.

use std::sync::Arc;

use api_types::operator::statistics::{
    PERCENTILES, RANGES, ReleaseMark, Statistics, StatisticsQuery, USUAL_PERCENTILE, USUAL_RANGE,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use chrono::DateTime;

use super::graphs::{Names, Steps};
use crate::{
    clock::Clock, config::Config, error::ApiError, graphite::Graphite, health::Health, session::Operator,
};

/// Shows what was measured, on equal steps up to now. Which series are asked for is ours to say; of the browser's
/// question only the range and the percentile are read.
///
/// Errors: 404 no operator, 400 `invalid_range` or `invalid_percentile`, 503 `graphite_unreachable`, 504
/// `graphite_timeout`, 502 `graphite_refused`, `graphite_too_large` or `graphite_malformed`.
pub async fn show_statistics(
    operator: Operator,
    query: Result<Query<StatisticsQuery>, QueryRejection>,
    State(graphite): State<Graphite>,
    State(config): State<Arc<Config>>,
    State(health): State<Health>,
    State(clock): State<Clock>,
) -> Result<Json<Statistics>, ApiError> {
    let query =
        query.map(|Query(query)| query).unwrap_or(StatisticsQuery { last: Some(0), percentile: None });
    let last = query.last.unwrap_or(USUAL_RANGE);
    let range = RANGES.into_iter().find(|(range, _)| *range == last);
    let (last, step) = range.ok_or_else(|| ApiError::Invalid {
        code: "invalid_range",
        message: "The range has to be one of those that the page offers.".to_owned(),
    })?;
    let percentile = query.percentile.unwrap_or(USUAL_PERCENTILE);
    if !PERCENTILES.contains(&percentile) {
        return Err(ApiError::Invalid {
            code: "invalid_percentile",
            message: "The percentile has to be 50, 95 or 99.".to_owned(),
        });
    }
    operator.note("looked at the statistics", format_args!("of {last} seconds"));
    if !graphite.is_configured() {
        return Ok(Json(Statistics::default()));
    }
    let steps = Steps::until(clock.now().timestamp(), last, step);
    let names = Names {
        graphite: &config.graphite.prefix,
        statsd: &config.statsd.prefix,
        percentile,
        step_secs: step,
    };
    let rendered = graphite.render(&names.targets(), steps.first(), clock.now().timestamp()).await?;
    let since = DateTime::from_timestamp(steps.first(), 0).unwrap_or_default();
    // Graphs without marks are worth more than none.
    let releases = health.store().list_releases(since).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "graphs are shown without the releases");
        Vec::new()
    });
    let mark = |(release, at): (String, DateTime<chrono::Utc>)| ReleaseMark { release, at: at.timestamp() };
    Ok(Json(Statistics {
        is_configured: true,
        graphs: steps.graphs(&rendered),
        at: steps.at,
        step_secs: step,
        percentile,
        releases: releases.into_iter().map(mark).collect(),
    }))
}
