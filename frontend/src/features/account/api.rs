//! The account's calls.

use api_types::{
    routes,
    session::{SessionList, SessionSummary},
};
use web_sys::AbortSignal;

use crate::api_client::{ApiError, Call};

/// All live sessions of the caller, the newest first.
pub async fn list_sessions(until: Option<AbortSignal>) -> Result<Vec<SessionSummary>, ApiError> {
    let mut call = Call::get(routes::SESSIONS);
    if let Some(until) = &until {
        call = call.until(until);
    }
    call.json::<SessionList>().await.map(|list| list.items)
}

/// Ends one of the caller's sessions.
pub async fn revoke_session(id: &str) -> Result<(), ApiError> {
    Call::delete(routes::session_by_id(id)).done().await
}

/// Ends all of the caller's sessions but this one.
pub async fn revoke_other_sessions() -> Result<(), ApiError> {
    Call::delete(routes::SESSIONS).done().await
}
