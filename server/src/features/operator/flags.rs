//! Who has which flag, and what operators change of it: "a tenth of the users, and nobody of that one company".

use std::sync::Arc;

use api_types::{
    operator::flags::{FlagList, FlagSetting, FlagState, MOST_NAMED, SetFlag},
    routes,
};
use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    routing::{get, put},
};

use super::one_line::{LONGEST, because, text};
use crate::{
    app::App,
    clock::Clock,
    config::Config,
    error::ApiError,
    flags::{self, Flag, Flags},
    session::Operator,
};

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::OPERATOR_FLAGS, get(list_flags))
        .route(routes::OPERATOR_FLAG, put(set_flag).delete(clear_flag))
}

/// Every flag, as this node has it.
pub fn states(flags: &Flags) -> Vec<FlagState> {
    Flag::ALL.iter().map(|flag| state(flags, *flag, flags.setting(*flag))).collect()
}

/// Lists the flags, as this node has them.
///
/// Errors: 404 no operator.
async fn list_flags(
    operator: Operator,
    State(flags): State<Flags>,
    State(config): State<Arc<Config>>,
    State(clock): State<Clock>,
) -> Json<FlagList> {
    operator.note("looked at the flags", "");
    let node = config.node.name.clone();
    Json(FlagList { at: clock.now().timestamp(), node, flags: states(&flags) })
}

/// Sets who has a flag, in place of what was set before. Every node follows within moments; a page that is open stays as
/// it is.
///
/// Errors: 404 no operator or no such flag, 400 `invalid_flag`, 503 Postgres does not answer.
async fn set_flag(
    operator: Operator,
    State(flags): State<Flags>,
    Path(name): Path<String>,
    body: Result<Json<SetFlag>, JsonRejection>,
) -> Result<Json<FlagState>, ApiError> {
    let flag = flag_of(&name)?;
    let Json(wanted) = body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    if wanted.percent > 100 {
        return Err(invalid("A share has 0 to 100 percent."));
    }
    let because = because(&wanted.because, INVALID)?.to_owned();
    let (on_for, off_for) = (names(&wanted.on_for)?, names(&wanted.off_for)?);
    if let Some(both) = on_for.iter().find(|name| off_for.contains(name)) {
        return Err(invalid(&format!("{both} cannot have it and not have it.")));
    }
    let changed_by = operator.caller.user().name.clone();
    let wanted = flags::SetFlag { flag, percent: wanted.percent, on_for, off_for, changed_by, because };
    let set = flags.set(wanted).await?;
    operator.note("changed a flag", in_words(flag, &set));
    Ok(Json(state(&flags, flag, Some(set))))
}

/// Takes back what is set: the flag is as configured again. What is not there is as good.
///
/// Errors: 404 no operator or no such flag, 503 Postgres does not answer.
async fn clear_flag(
    operator: Operator,
    State(flags): State<Flags>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let flag = flag_of(&name)?;
    if let Some(cleared) = flags.clear(flag).await? {
        operator.note("took back a flag", in_words(flag, &cleared));
    }
    Ok(StatusCode::NO_CONTENT)
}

const INVALID: &str = "invalid_flag";

fn flag_of(name: &str) -> Result<Flag, ApiError> {
    let unknown = || ApiError::NoSuchFlag { name: name.chars().take(LONGEST).collect() };
    Flag::named(name).ok_or_else(unknown)
}

/// Each once, without those that are empty.
fn names(wanted: &[String]) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    for name in wanted {
        let name = text(name, INVALID)?;
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if names.len() > MOST_NAMED {
        return Err(invalid(&format!("At most {MOST_NAMED} users can be named.")));
    }
    Ok(names)
}

fn state(flags: &Flags, flag: Flag, set: Option<flags::Setting>) -> FlagState {
    let shown = |set: flags::Setting| FlagSetting {
        percent: set.percent,
        on_for: set.on_for,
        off_for: set.off_for,
        changed_by: set.changed_by,
        changed_at: set.changed_at.timestamp(),
        because: set.because,
    };
    FlagState {
        name: flag.name().to_owned(),
        says: flag.says().to_owned(),
        configured_percent: flags.configured(flag),
        set: set.map(shown),
    }
}

/// The lists last: they may be long.
fn in_words(flag: Flag, set: &flags::Setting) -> String {
    let (on_for, off_for) = (set.on_for.join(","), set.off_for.join(","));
    let (name, percent, because) = (flag.name(), set.percent, &set.because);
    format!("{name} percent={percent} because={because} on_for={on_for} off_for={off_for}")
}

fn invalid(message: &str) -> ApiError {
    ApiError::Invalid { code: INVALID, message: message.to_owned() }
}
