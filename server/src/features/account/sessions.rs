//! The caller's sessions: when, from where, in which browser; and their end.

use api_types::session::{SessionList, SessionSummary};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::AppendHeaders,
};
use serde::Deserialize;

use crate::{
    app::App,
    clock::Clock,
    error::ApiError,
    session::{Caller, Cookies, SessionId, Sessions},
};

/// Lists the caller's live sessions, the newest first.
///
/// Errors: 401 no session, 503 Postgres does not answer.
pub async fn list_sessions(
    caller: Caller,
    State(sessions): State<Sessions>,
    State(clock): State<Clock>,
) -> Result<Json<SessionList>, ApiError> {
    let store = sessions.store();
    let rows = store.list_sessions_of_user(&caller.user().id, clock.now(), sessions.idle_since()).await?;
    let items = rows.into_iter().map(|row| SessionSummary {
        id: row.id.to_string(),
        created_at: row.created_at.timestamp(),
        // The row is written once a minute; the one that asks is being used right now.
        last_seen_at: if row.id == caller.session.id { clock.now() } else { row.last_seen_at }.timestamp(),
        address: row.address,
        browser: row.browser,
        is_current: row.id == caller.session.id,
    });
    Ok(Json(SessionList { items: items.collect() }))
}

/// Ends one of the caller's sessions; the current one may be it.
///
/// Errors: 401 no session, 404 the caller has no such session, 503 Postgres does not answer.
pub async fn delete_session(
    caller: Caller,
    Path(id): Path<SessionId>,
    State(app): State<App>,
) -> Result<(StatusCode, SetCookies), ApiError> {
    let Some(token) = app.sessions.revoke(&caller.user().id, id).await? else {
        return Err(ApiError::NoSuchSession { id: id.to_string() });
    };
    let mut tokens = app.forget_session(id);
    tokens.extend(token);
    app.given_up.add(tokens);
    Ok((StatusCode::NO_CONTENT, cleared_cookie(&app, id == caller.session.id)))
}

#[derive(Deserialize)]
pub struct DeleteSessionsQuery {
    #[serde(default)]
    include_current: bool,
}

/// Signs out everywhere: ends all the caller's sessions but this one, or this one too.
///
/// Errors: 401 no session, 503 Postgres does not answer.
pub async fn delete_sessions(
    caller: Caller,
    Query(query): Query<DeleteSessionsQuery>,
    State(app): State<App>,
) -> Result<(StatusCode, SetCookies), ApiError> {
    let except = (!query.include_current).then_some(caller.session.id);
    let mut tokens = app.sessions.revoke_all(&caller.user().id, except).await?;
    if query.include_current {
        tokens.extend(app.forget_session(caller.session.id));
    }
    app.given_up.add(tokens);
    Ok((StatusCode::NO_CONTENT, cleared_cookie(&app, query.include_current)))
}

type SetCookies = AppendHeaders<Vec<(HeaderName, HeaderValue)>>;

fn cleared_cookie(app: &App, is_over: bool) -> SetCookies {
    let clear = is_over.then(|| (header::SET_COOKIE, app.cookies.clear(Cookies::SESSION)));
    AppendHeaders(clear.into_iter().collect())
}
