//! Why a call brought no answer, or brought a refusal.

use std::{error::Error, time::Duration};

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{Answer, Target};

/// Why a call to a service failed. Keeps what the service said.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("no answer within {after:?}")]
    Timeout { after: Duration },
    #[error("no connection, or one that broke")]
    Unreachable {
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The last calls failed, so this one was not made.
    #[error("the circuit is open for another {retry_in:?}")]
    CircuitOpen { retry_in: Duration },
    /// Too many calls wait for this service already.
    #[error("no free place under the cap on calls")]
    TooBusy,
    /// The service answered with 400 or more (or a redirect, which none of ours sends on purpose).
    #[error("status {status}: {message}")]
    Status {
        status: StatusCode,
        /// The service's own code, where its error has one: `itemNotFound`, `OverQuota`.
        code: Option<String>,
        /// The service's own sentence; may be empty.
        message: String,
        /// The id of the request in the service's log.
        request_id: Option<String>,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the API promises: no JSON, or JSON of another shape.
    #[error("the answer could not be read: {reason}")]
    Malformed { reason: String },
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
}

impl UpstreamError {
    /// The error an answer stands for, if it stands for one.
    pub fn of(answer: &Answer) -> Option<Self> {
        if answer.status.is_success() || answer.status == StatusCode::MULTIPLE_CHOICES {
            return None;
        }
        let (code, message) = said(&answer.body);
        Some(Self::Status {
            status: answer.status,
            code,
            message,
            request_id: request_id(&answer.headers),
            retry_after: answer
                .header(header::RETRY_AFTER.as_str())
                .and_then(|text| text.parse().ok())
                .map(Duration::from_secs),
        })
    }

    /// A refusal of which only the head was read.
    pub fn refused(status: StatusCode, headers: &HeaderMap) -> Self {
        Self::Status {
            status,
            code: None,
            message: String::new(),
            request_id: request_id(headers),
            retry_after: None,
        }
    }

    /// Stable and meant for programs, as in [`api_types::servers::RegionFailure`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "upstream_timeout",
            Self::Unreachable { .. } => "upstream_unreachable",
            Self::CircuitOpen { .. } => "circuit_open",
            Self::TooBusy => "upstream_busy",
            Self::Status { status, .. } => match status.as_u16() {
                401 => "unauthorized",
                403 => "forbidden",
                404 => "not_found",
                409 => "conflict",
                413 | 429 => "rate_limited",
                502..=504 => "upstream_unavailable",
                _ => "upstream_error",
            },
            Self::Malformed { .. } | Self::TooLarge { .. } => "upstream_malformed",
        }
    }

    /// True when asking once more, right away, may well bring an answer.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => matches!(status.as_u16(), 502..=504),
            _ => false,
        }
    }

    /// True when the service itself seems unwell, as against the request being wrong: what opens its circuit.
    pub fn is_fault_of_service(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Unreachable { .. } => true,
            Self::Status { status, .. } => status.is_server_error(),
            Self::CircuitOpen { .. } | Self::TooBusy | Self::Malformed { .. } | Self::TooLarge { .. } => {
                false
            }
        }
    }

    /// The status of the answer, where there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The id of the request in the service's log, where it said one.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Status { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// How long to leave the service alone, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::CircuitOpen { retry_in } => Some(*retry_in),
            _ => None,
        }
    }

    /// One sentence for a person.
    pub fn sentence(&self, target: &Target) -> String {
        match self {
            Self::Timeout { after } => {
                let seconds = after.as_secs_f64().ceil() as u64;
                let unit = if seconds == 1 { "second" } else { "seconds" };
                format!("{target} did not answer within {seconds} {unit}.")
            }
            Self::Unreachable { .. } => format!("{target} cannot be reached."),
            Self::CircuitOpen { .. } => {
                format!("{target} failed several times in a row and is left alone for a moment.")
            }
            Self::TooBusy => format!("{target} has more requests waiting than it can answer now."),
            Self::Status { status, message, .. } => match status.as_u16() {
                401 => format!("{target} does not accept the sign-in."),
                403 => format!("{target} does not allow this."),
                404 => format!("{target} does not know this."),
                413 | 429 => format!("{target} asks for fewer requests."),
                502..=504 => format!("{target} is not available."),
                code if status.is_server_error() => {
                    format!("{target} failed with an error of its own ({code}).")
                }
                code if message.is_empty() => format!("{target} refused the request ({code})."),
                _ => format!("{target} refused the request: {}", sentence_of(message)),
            },
            Self::Malformed { .. } => format!("{target} gave an answer that could not be read."),
            Self::TooLarge { .. } => format!("{target} gave an answer that is too long."),
        }
    }
}

/// The upstream's own message is shown to people: one line, bounded.
const LONGEST_MESSAGE: usize = 500;

fn sentence_of(message: &str) -> String {
    let mut text: String = message.chars().take(LONGEST_MESSAGE).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// The id of the call in the service's log.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    // Placement and old services use the second name only.
    ["x-openstack-request-id", "x-compute-request-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .and_then(|value| value.to_str().ok())
        .map(|text| text.chars().take(128).collect())
}

/// The service's own code and sentence, from any of the shapes the services have for errors.
fn said(body: &[u8]) -> (Option<String>, String) {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else {
        // HTML of a proxy or of Swift: nothing a person should read.
        return (None, String::new());
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(clean).unwrap_or_default();

    // Placement: {"errors": [{"status", "title", "detail", "code"}]}
    if let Some(first) = body.get("errors").and_then(Value::as_array).and_then(|errors| errors.first()) {
        let detail = text(first.get("detail"));
        let message = if detail.is_empty() { text(first.get("title")) } else { detail };
        return (first.get("code").and_then(Value::as_str).map(clean), message);
    }
    // Neutron: {"NeutronError": {"type", "message", "detail"}}, or just a text.
    if let Some(error) = body.get("NeutronError") {
        let message = error.as_str().map(clean).unwrap_or_else(|| text(error.get("message")));
        return (error.get("type").and_then(Value::as_str).map(clean), message);
    }
    // Designate: {"code": 404, "type": "zone_not_found", "message"}; Glance, and 404 for an unknown URL:
    // {"message": "…<br /><br />", "code": "404 Not Found", "title"}.
    if body.contains_key("message") && body.contains_key("code") {
        return (body.get("type").and_then(Value::as_str).map(clean), text(body.get("message")));
    }
    // Keystone and every 401: {"error": {…}}; Nova and Cinder: one key that names the kind.
    if let Some((kind, Value::Object(error))) = body.iter().next() {
        let code = if kind == "error" { error.get("identity").and(None) } else { Some(clean(kind)) };
        return (code, text(error.get("message")));
    }
    (None, String::new())
}

/// Glance's messages hold HTML line breaks, and any message may hold control characters.
fn clean(text: &str) -> String {
    let without_breaks = text.replace("<br />", " ");
    let words: Vec<&str> = without_breaks.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let mut line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(LONGEST_MESSAGE) {
        line.truncate(end);
    }
    line
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn error(status: u16, body: &'static str) -> UpstreamError {
        let mut headers = HeaderMap::new();
        headers.insert("x-openstack-request-id", "req-1".parse().expect("a value"));
        headers.insert("retry-after", "7".parse().expect("a value"));
        let answer = Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        };
        UpstreamError::of(&answer).expect("an error")
    }

    #[test]
    fn every_shape_of_error_gives_its_code_and_sentence() {
        let shapes = [
            (
                r#"{"error": {"code": 401, "title": "Unauthorized", "message": "Please sign in."}}"#,
                None,
                "Please sign in.",
            ),
            (
                r#"{"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}"#,
                Some("itemNotFound"),
                "Instance x could not be found.",
            ),
            (
                r#"{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded.", "detail": ""}}"#,
                Some("OverQuota"),
                "Quota exceeded.",
            ),
            (
                r#"{"code": 404, "type": "zone_not_found", "message": "Could not find Zone"}"#,
                Some("zone_not_found"),
                "Could not find Zone",
            ),
            (
                r#"{"message": "No image found with ID 0<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}"#,
                None,
                "No image found with ID 0",
            ),
            (
                r#"{"errors": [{"status": 404, "title": "Not Found", "detail": "No such provider", "code": "placement.undefined_code"}]}"#,
                Some("placement.undefined_code"),
                "No such provider",
            ),
            ("<html><body><h1>503 Service Unavailable</h1></body></html>", None, ""),
        ];
        for (body, code, message) in shapes {
            let UpstreamError::Status {
                code: said_code, message: said_message, request_id, retry_after, ..
            } = error(404, body)
            else {
                panic!("{body} is a status error")
            };
            assert_eq!(said_code.as_deref(), code, "{body}");
            assert_eq!(said_message, message, "{body}");
            assert_eq!(request_id.as_deref(), Some("req-1"));
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn only_what_may_pass_is_asked_for_again() {
        assert!(error(503, "").is_retryable());
        assert!(UpstreamError::Unreachable { source: "refused".into() }.is_retryable());
        for status in [400, 401, 403, 404, 409, 413, 429, 500] {
            assert!(!error(status, "").is_retryable(), "{status}");
        }
        // A second wait as long as the first would miss the deadline.
        assert!(!UpstreamError::Timeout { after: Duration::from_secs(1) }.is_retryable());
    }

    #[test]
    fn a_sentence_names_service_and_region_and_ends_like_one() {
        let region = "RegionTwo".parse().expect("a region");
        let target = Target::new(super::super::ServiceType::Compute, region);
        let late = UpstreamError::Timeout { after: Duration::from_secs(5) };
        assert_eq!(late.sentence(&target), "Compute in RegionTwo did not answer within 5 seconds.");
        let refused = error(400, r#"{"badRequest": {"code": 400, "message": "marker [x] not found"}}"#);
        assert_eq!(
            refused.sentence(&target),
            "Compute in RegionTwo refused the request: marker [x] not found."
        );
        for status in [400, 401, 403, 404, 409, 413, 418, 429, 500, 503] {
            assert!(error(status, "").sentence(&target).ends_with('.'), "{status}");
        }
    }
}
