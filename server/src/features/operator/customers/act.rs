//! What an operator may do for a customer here: end a session, lift a lockout. Both are written down.

use api_types::operator::customers::LiftLockout;
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection, rejection::PathRejection},
    http::StatusCode,
};

use crate::{
    app::App,
    error::ApiError,
    session::{Operator, SessionId},
};

/// Ends a session of anybody; whoever uses it is signed out within moments.
///
/// Errors: 404 no operator, or no such session; 409 `own_session`; 503 Postgres does not answer.
pub async fn end_session(
    operator: Operator,
    State(app): State<App>,
    id: Result<Path<SessionId>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::Refused { status: StatusCode::NOT_FOUND })?;
    if id == operator.caller.session.id {
        return Err(ApiError::Conflict {
            code: "own_session",
            message: "This is the session you are using. Please sign out to end it.".to_owned(),
        });
    }
    let Some((user, token)) = app.sessions.revoke_for_anybody(id).await? else {
        return Err(ApiError::NoSuchCustomer { kind: "session", id: id.short() });
    };
    operator.note("ended a session", format_args!("{} of {user}", id.short()));
    let mut tokens = app.forget_session(id);
    tokens.extend(token);
    app.given_up.add(tokens);
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a name try again at once, whether or not there is such a user.
///
/// Errors: 404 no operator; 409 `not_locked_out`: nothing is counted against it; 503 Postgres does not answer.
pub async fn lift_lockout(
    operator: Operator,
    State(app): State<App>,
    body: Result<Json<LiftLockout>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(LiftLockout { user, domain }) =
        body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    if !app.attempts.forgive(&user, &domain).await? {
        return Err(ApiError::Conflict {
            code: "not_locked_out",
            message: "No failed sign-ins are counted against this name any more.".to_owned(),
        });
    }
    operator.note("lifted a lockout", format_args!("of {user} in {domain}"));
    Ok(StatusCode::NO_CONTENT)
}
