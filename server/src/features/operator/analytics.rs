//! How the panel is used, in numbers.

use api_types::{
    analytics::{ANALYTICS_RANGES, AnalyticsQuery, AnalyticsReport},
    routes,
};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};

use crate::{analytics::Analytics, app::App, error::ApiError, session::Operator};

pub fn router() -> Router<App> {
    Router::new().route(routes::OPERATOR_ANALYTICS, get(show_analytics))
}

/// Shows what was counted in the last days.
///
/// Errors: 404 no operator, 400 `invalid_range`, 503 Postgres does not answer.
async fn show_analytics(
    operator: Operator,
    State(analytics): State<Analytics>,
    query: Result<Query<AnalyticsQuery>, QueryRejection>,
) -> Result<Json<AnalyticsReport>, ApiError> {
    let query = query.ok().map(|Query(query)| query).filter(|query| ANALYTICS_RANGES.contains(&query.days));
    let Some(AnalyticsQuery { days }) = query else {
        return Err(ApiError::Invalid {
            code: "invalid_range",
            message: "The range has to be 7, 30, 90 or 365 days.".to_owned(),
        });
    };
    operator.note("looked at the analytics", format_args!("of {days} days"));
    analytics.report(days).await.map(Json)
}
