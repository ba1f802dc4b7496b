//! The body of every error response.

use serde::{Deserialize, Serialize};

/// What the browser is told when a request fails: one sentence, a stable code, and the id under which the log
/// has the cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Stable and meant for programs: `upstream_timeout`, `not_found`, `session_ended`.
    pub code: String,
    /// One sentence for a person; no markup.
    pub message: String,
    /// The id of this request in our logs; also in the `x-request-id` header.
    pub request_id: String,
    /// Seconds after which asking again makes sense, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_secs: Option<u64>,
}
