//! What is logged at the moment, and what operators change of it for a while: "debug this customer for ten minutes".

use std::sync::Arc;

use api_types::{
    operator::logs::{LevelOverride, LogLevels, MOST_LEVEL_MINUTES, SetLogLevel},
    routes,
};
use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    routing::{delete, get},
};
use chrono::TimeDelta;
use uuid::Uuid;

use super::one_line::{because, text};
use crate::{
    app::App,
    clock::Clock,
    config::Config,
    error::ApiError,
    log::{self, LevelStore, Log, SetLevel, SetLevelError},
    session::{Operator, Sessions},
};

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::OPERATOR_LEVELS, get(list_levels).post(set_level))
        .route(routes::OPERATOR_LEVEL, delete(clear_level))
}

/// Lists what is logged.
///
/// Errors: 404 no operator, 503 Postgres does not answer.
async fn list_levels(
    operator: Operator,
    State(levels): State<LevelStore>,
    State(config): State<Arc<Config>>,
    State(log): State<Log>,
    State(sessions): State<Sessions>,
    State(clock): State<Clock>,
) -> Result<Json<LogLevels>, ApiError> {
    operator.note("looked at the log's levels", "");
    let set = levels.list_levels().await?;
    let users = set.iter().filter_map(|set| set.user.clone()).collect();
    let signed_in = signed_in(&sessions, &clock, users).await?;
    Ok(Json(LogLevels {
        at: clock.now().timestamp(),
        configured: config.log.filter.to_string(),
        node: log.place().node.clone(),
        overrides: set.into_iter().map(|set| shown(set, &signed_in)).collect(),
    }))
}

/// Sets what is logged of one user, or of everybody, for a while. Every node follows within moments. The user may come
/// later; the answer says whether somebody of this name is here now.
///
/// Errors: 404 no operator, 400 `invalid_level`, 503 Postgres does not answer.
async fn set_level(
    operator: Operator,
    State(levels): State<LevelStore>,
    State(sessions): State<Sessions>,
    State(clock): State<Clock>,
    body: Result<Json<SetLogLevel>, JsonRejection>,
) -> Result<Json<LevelOverride>, ApiError> {
    let Json(wanted) = body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let user = text(wanted.user.as_deref().unwrap_or_default(), INVALID)?;
    let filter = text(&wanted.filter, INVALID)?;
    let because = because(&wanted.because, INVALID)?;
    if !(1..=MOST_LEVEL_MINUTES).contains(&wanted.minutes) {
        return Err(invalid("This can be set for a minute at least and for a day at most."));
    }
    let user = Some(user.to_owned()).filter(|user| !user.is_empty());
    let signed_in = signed_in(&sessions, &clock, user.clone().into_iter().collect()).await?;
    let set = levels
        .set_level(SetLevel {
            user,
            filter: filter.to_owned(),
            until: clock.now() + TimeDelta::minutes(i64::from(wanted.minutes)),
            set_by: operator.caller.user().name.clone(),
            because: because.to_owned(),
        })
        .await
        .map_err(|error| match error {
            SetLevelError::Filter(..) => {
                invalid("There is no such level, or the filter cannot be understood.")
            }
            SetLevelError::Database(source) => source.into(),
        })?;
    operator.note("changed what is logged", in_words(&set));
    Ok(Json(shown(set, &signed_in)))
}

/// Ends what is set before its time is over. What is not there is as good.
///
/// Errors: 404 no operator, 503 Postgres does not answer.
async fn clear_level(
    operator: Operator,
    State(levels): State<LevelStore>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    if let Some(cleared) = levels.clear_level(id).await? {
        operator.note("took back what is logged", in_words(&cleared));
    }
    Ok(StatusCode::NO_CONTENT)
}

const INVALID: &str = "invalid_level";

/// Those of these names under which somebody is signed in.
async fn signed_in(sessions: &Sessions, clock: &Clock, users: Vec<String>) -> Result<Vec<String>, ApiError> {
    if users.is_empty() {
        return Ok(users);
    }
    Ok(sessions.store().list_signed_in(&users, clock.now(), sessions.idle_since()).await?)
}

fn shown(set: log::LevelOverride, signed_in: &[String]) -> LevelOverride {
    LevelOverride {
        is_signed_in: set.user.as_ref().map(|user| signed_in.contains(user)),
        id: set.id.to_string(),
        user: set.user,
        filter: set.filter,
        until: set.until.timestamp(),
        set_by: set.set_by,
        set_at: set.set_at.timestamp(),
        because: set.because,
    }
}

fn in_words(set: &log::LevelOverride) -> String {
    let whose = set.user.as_deref().map_or("everybody".to_owned(), |user| format!("user={user}"));
    let until = set.until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    format!("{whose} filter={} until={until} because={}", set.filter, set.because)
}

fn invalid(message: &str) -> ApiError {
    ApiError::Invalid { code: INVALID, message: message.to_owned() }
}
