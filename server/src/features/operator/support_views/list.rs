//! Who looked at what, and why.

use api_types::operator::support_views::SupportView;
use axum::{Json, extract::State};

use super::shown;
use crate::{
    error::ApiError,
    session::{Operator, Sessions},
};

/// Lists the latest looks of all operators, the newest first.
///
/// Errors: 404 no operator, 503 Postgres does not answer.
pub async fn list_support_views(
    operator: Operator,
    State(sessions): State<Sessions>,
) -> Result<Json<Vec<SupportView>>, ApiError> {
    operator.note("looked at the support views", "of all operators");
    let rows = sessions.store().list_support_views(None, MOST_VIEWS).await?;
    Ok(Json(rows.into_iter().filter_map(shown).collect()))
}

const MOST_VIEWS: i64 = 50;
