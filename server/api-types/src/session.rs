//! Who is signed in, where, and until when.

use serde::{Deserialize, Serialize};

use crate::ProjectId;

/// The caller's own session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentSession {
    pub user: User,
    /// To be sent as [`CSRF_HEADER`](crate::routes::CSRF_HEADER) with every state change.
    pub csrf_token: String,
    /// The project a fresh visit lands on; `None` when the user has no project.
    pub default_project: Option<ProjectId>,
    /// Seconds until the Keystone token expires; the panel warns before that.
    pub token_expires_in_secs: i64,
    /// Warn this many seconds before the token expires.
    pub warn_before_expiry_secs: i64,
    /// Continuing needs a one-time code as well as the password.
    pub needs_totp: bool,
    /// Where "Help" leads, as configured.
    pub help_url: Option<String>,
    /// Seconds after which the cloud confirms a resize by itself, as configured; `None`: it waits for a person.
    #[serde(default)]
    pub resize_confirm_secs: Option<u32>,
    /// The caller may open the operator's console. Left out for everybody else, who is not to learn of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_operator: bool,
    /// The panel's release.
    pub release: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    pub name: String,
    pub domain: String,
}

/// Re-entering the password before the token expires.
#[derive(Clone, Serialize, Deserialize)]
pub struct ContinueSession {
    pub password: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<String>,
}

/// One of the caller's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Names the session to us; of no use to sign in with.
    pub id: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970; written at most once a minute.
    pub last_seen_at: i64,
    /// The address it was last used from.
    pub address: String,
    /// "Firefox on Linux", from the browser's own word.
    pub browser: String,
    pub is_current: bool,
}

/// All live sessions of the caller, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    pub items: Vec<SessionSummary>,
}
