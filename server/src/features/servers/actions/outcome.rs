//! What the answer to an action means for its item: done, refused, not now, or not known.

use std::time::Duration;

use api_types::{ErrorBody, jobs::ItemError};
use serde_json::Value;

use crate::{
    error::seconds_up,
    jobs::{Outcome, Reason},
    upstream::{Answer, ConnectionError, Target, UpstreamError},
};

/// A call that was made, as its outcome is judged.
pub struct Judged<'a> {
    pub target: &'a Target,
    /// The id of the call in our log.
    pub request_id: &'a str,
    /// Somebody waits for this one item: what could be tried again in a while is told now.
    pub is_single: bool,
}

impl Judged<'_> {
    /// What a call without a good answer means. Neither 401 nor what is fine for the action comes here.
    pub fn outcome(&self, error: &UpstreamError) -> Outcome {
        let not_now = |retry_in: Duration, slows| Outcome::NotNow { retry_in, slows };
        match error {
            // It was not made, and the service recovers or does not.
            UpstreamError::CircuitOpen { retry_in } if !self.is_single => not_now(*retry_in, false),
            UpstreamError::TooBusy if !self.is_single => not_now(BUSY_PAUSE, false),
            UpstreamError::CircuitOpen { .. } | UpstreamError::TooBusy => self.failed(error),
            UpstreamError::Unreachable { .. } if was_never_connected(error) => {
                if self.is_single {
                    self.failed(error)
                } else {
                    not_now(DOWN_PAUSE, false)
                }
            }
            UpstreamError::Status { status, retry_after, .. } => match (status.as_u16(), retry_after) {
                // It says that it did nothing, and when to come again. Somebody who waits is not kept for long.
                (429, after) | (413, after @ Some(_)) => {
                    let after = after.unwrap_or(RATE_PAUSE);
                    if self.is_single && after > WORTH_WAITING {
                        self.failed(error)
                    } else {
                        not_now(after, true)
                    }
                }
                // Nobody was there to do it, says a proxy without a service behind it, and some say it too when the
                // service was lost after the request had been passed on.
                (503, after) => {
                    Outcome::Doubtful { reason: self.reason(error), retry_in: after.unwrap_or(DOWN_PAUSE) }
                }
                // The answer of a proxy that lost the service on the way.
                (502 | 504, _) => self.unknown(error),
                _ => self.failed(error),
            },
            // It was sent; what became of it nobody said, or not legibly.
            UpstreamError::Timeout { .. }
            | UpstreamError::Unreachable { .. }
            | UpstreamError::Malformed { .. }
            | UpstreamError::TooLarge { .. } => self.unknown(error),
        }
    }

    pub fn failed(&self, error: &UpstreamError) -> Outcome {
        Outcome::Failed {
            reason: self.reason(error),
            upstream_request_id: error.request_id().map(str::to_owned),
        }
    }

    fn unknown(&self, error: &UpstreamError) -> Outcome {
        Outcome::Unknown { reason: Some(self.reason(error)) }
    }

    fn reason(&self, error: &UpstreamError) -> Reason {
        let (message, status) = match error {
            UpstreamError::Status { status, message, .. } => {
                (Some(message.clone()).filter(|message| !message.is_empty()), Some(status.as_u16()))
            }
            _ => (None, None),
        };
        reason(&ItemError {
            error: ErrorBody {
                code: error.code().to_owned(),
                message: error.sentence(self.target),
                request_id: self.request_id.to_owned(),
                retry_after_secs: error.retry_after().map(seconds_up),
            },
            upstream_message: message,
            upstream_status: status,
        })
    }
}

/// An error of an item, as it is kept.
pub fn reason(error: &ItemError) -> Reason {
    Reason(serde_json::to_string(error).unwrap_or_default())
}

/// What is worth noting of a good answer: the id of the image that a snapshot becomes. From 2.45 on it is in the body,
/// before that at the end of the address of the new image.
pub fn note(answer: &Answer) -> Option<String> {
    let body: Option<Value> = answer.json().ok();
    let in_body = body.as_ref().and_then(|body| body.get("image_id")).and_then(Value::as_str);
    let in_header = answer.header("location").and_then(|url| url.rsplit('/').next());
    let id = in_body.or(in_header)?;
    uuid::Uuid::try_parse(id).is_ok().then(|| id.to_owned())
}

const BUSY_PAUSE: Duration = Duration::from_secs(1);
/// While a service is down; the circuit decides how often it is really tried.
const DOWN_PAUSE: Duration = Duration::from_secs(5);
/// For a service that asks for fewer and does not say when.
const RATE_PAUSE: Duration = Duration::from_secs(2);
/// How long a person is kept waiting for a service that asks for fewer.
const WORTH_WAITING: Duration = Duration::from_secs(5);

/// There was no connection, so nothing can have been taken on.
fn was_never_connected(error: &UpstreamError) -> bool {
    let UpstreamError::Unreachable { source } = error else { return false };
    matches!(source.downcast_ref(), Some(ConnectionError::NotConnected(_)))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, StatusCode};
    use bytes::Bytes;

    use super::*;
    use crate::upstream::ServiceType;

    fn status(status: u16, retry_after: Option<u64>) -> UpstreamError {
        UpstreamError::Status {
            status: StatusCode::from_u16(status).expect("a status"),
            code: None,
            message: "the cloud's words".to_owned(),
            request_id: Some("req-1".to_owned()),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    fn word(error: &UpstreamError, is_single: bool) -> String {
        let target = Target::new(ServiceType::Compute, "RegionOne".parse().expect("a region"));
        match (Judged { target: &target, request_id: "req-0", is_single }).outcome(error) {
            Outcome::Done { .. } => "done".to_owned(),
            Outcome::Failed { reason, .. } => {
                let error: ItemError = serde_json::from_str(&reason.0).expect("an error");
                format!("failed {}", error.error.code)
            }
            Outcome::Unknown { .. } => "unknown".to_owned(),
            Outcome::Doubtful { retry_in, .. } => format!("doubtful, in {}", retry_in.as_secs()),
            Outcome::NotNow { retry_in, slows } => format!("in {} {slows}", retry_in.as_secs()),
            Outcome::Held { .. } => "held".to_owned(),
        }
    }

    #[test]
    fn only_what_surely_was_not_done_is_repeated() {
        let late = UpstreamError::Timeout { after: Duration::from_secs(1) };
        let broken = UpstreamError::Unreachable { source: "reset on the way".into() };
        for error in [late, broken, status(502, None), status(504, None)] {
            assert_eq!((word(&error, false), word(&error, true)), ("unknown".into(), "unknown".into()));
        }
        let open = UpstreamError::CircuitOpen { retry_in: Duration::from_secs(3) };
        assert_eq!(
            (word(&open, false), word(&open, true)),
            ("in 3 false".into(), "failed circuit_open".into())
        );
        for is_single in [false, true] {
            assert_eq!(word(&status(503, None), is_single), "doubtful, in 5");
            assert_eq!(word(&status(503, Some(9)), is_single), "doubtful, in 9");
        }
    }

    #[test]
    fn who_asks_for_fewer_gets_fewer_and_a_quota_of_that_status_is_a_refusal() {
        assert_eq!(word(&status(429, Some(7)), false), "in 7 true");
        assert_eq!(word(&status(413, Some(7)), false), "in 7 true");
        assert_eq!(word(&status(413, None), false), "failed rate_limited");
        assert_eq!(word(&status(429, Some(2)), true), "in 2 true");
        assert_eq!(word(&status(429, Some(60)), true), "failed rate_limited");
    }

    #[test]
    fn a_refusal_keeps_the_clouds_words_and_ids() {
        for (code, word_of) in
            [(400, "upstream_error"), (403, "forbidden"), (404, "not_found"), (409, "conflict")]
        {
            assert_eq!(word(&status(code, None), false), format!("failed {word_of}"));
        }
        let target = Target::new(ServiceType::Compute, "RegionOne".parse().expect("a region"));
        let judged = Judged { target: &target, request_id: "req-0", is_single: false };
        let Outcome::Failed { reason, upstream_request_id } = judged.outcome(&status(409, None)) else {
            panic!("a refusal")
        };
        let kept: ItemError = serde_json::from_str(&reason.0).expect("an error");
        assert_eq!(kept.upstream_message.as_deref(), Some("the cloud's words"));
        assert_eq!((kept.upstream_status, kept.error.request_id.as_str()), (Some(409), "req-0"));
        assert_eq!(upstream_request_id.as_deref(), Some("req-1"));
    }

    #[test]
    fn the_image_of_a_snapshot_is_found_in_both_kinds_of_answer() {
        const ID: &str = "f566e0c4-a4d8-488f-9ef7-72d1d7d78998";
        let mut headers = HeaderMap::new();
        let body = Bytes::from(format!(r#"{{"image_id": "{ID}"}}"#));
        let new = Answer { status: StatusCode::ACCEPTED, headers: headers.clone(), body };
        assert_eq!(note(&new).as_deref(), Some(ID));
        headers.insert("location", format!("http://127.0.0.1/images/{ID}").parse().expect("a value"));
        let old = Answer { status: StatusCode::ACCEPTED, headers, body: Bytes::new() };
        assert_eq!(note(&old).as_deref(), Some(ID));
    }
}
