//! Who is signed in.

use std::sync::Arc;

use api_types::session::CurrentSession;
use axum::{Json, extract::State};

use crate::{
    clock::Clock,
    config::Config,
    session::{Caller, Operators, Sessions, current_session},
};

/// Shows the caller's own session.
///
/// Errors: 401 no session.
pub async fn show_session(
    caller: Caller,
    State(sessions): State<Sessions>,
    State(operators): State<Operators>,
    State(config): State<Arc<Config>>,
    State(clock): State<Clock>,
) -> Json<CurrentSession> {
    Json(current_session(&sessions, &operators, &caller.session, &config, &clock).await)
}
