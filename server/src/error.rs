//! Why a request failed: the only type that becomes an error response.

use std::{error::Error, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    graphite::GraphiteError,
    upstream::{Target, UpstreamError},
};

/// Why a request failed, in terms of what its caller can do next.
///
/// A handler returns it; [`answer_errors`](crate::middleware::answer_errors) turns it into the JSON of the API or
/// into a page, with the request's id, and logs it once with all its causes.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{kind} {id} does not exist in this project")]
    NotFound { kind: &'static str, id: String },
    /// The caller has no role in the project, or there is no such project: Keystone does not tell, nor do we.
    #[error("the caller cannot use project {id}")]
    NoSuchProject { id: String },
    /// The caller has no such session.
    #[error("the caller has no session {id}")]
    NoSuchSession { id: String },
    /// The caller has no such job.
    #[error("the caller has no job {id}")]
    NoSuchJob { id: String },
    /// A value that was sent cannot be used. The message is a sentence for the caller.
    #[error("{message}")]
    Invalid { code: &'static str, message: String },
    /// What is asked for does not go with what is there by now. The message is a sentence for the caller.
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    /// The user has more unfinished jobs than anybody follows.
    #[error("the user has too many jobs")]
    TooManyJobs,
    /// axum, or a limit, refused the request before a handler saw it.
    #[error("the request was refused with {status}")]
    Refused { status: StatusCode },
    #[error("no session")]
    NoSession,
    /// There was a session, and now there is none.
    #[error("the session has ended")]
    SessionEnded,
    /// The session is there, but Keystone's token in it has expired: the password is needed again.
    #[error("the token of the session has expired")]
    TokenExpired,
    /// The session is there, sealed with a key that this node does not have: keys are being changed, in a wrong order.
    #[error("the session cannot be decrypted with the keys of this node")]
    SessionUnreadable,
    /// An operator asks about somebody or something that neither the panel nor Keystone knows.
    #[error("there is no {kind} {id}")]
    NoSuchCustomer { kind: &'static str, id: String },
    /// An operator asks for a flag that this release does not have.
    #[error("there is no flag {name}")]
    NoSuchFlag { name: String },
    /// An operator may only look at projects in which Keystone gives them a role.
    #[error("{user} has no role in project {project}")]
    NoRoleInProject { project: String, user: String },
    /// The session looks at this project for a customer, and changes nothing there meanwhile.
    #[error("the session only looks at project {project}")]
    SupportViewReadOnly { project: String },
    #[error("the request did not come from the panel itself: {reason}")]
    Forged { reason: &'static str },
    #[error("the credentials are wrong")]
    WrongCredentials,
    #[error("locked out for another {retry_after:?}")]
    LockedOut { retry_after: Duration },
    /// The session has as many streams open as it may.
    #[error("the session has {most} streams open already")]
    TooManyStreams { most: usize },
    /// The session has as many requests to the cloud under way as it may.
    #[error("the session has {most} such calls under way already")]
    TooManyCalls { most: usize },
    /// The session asked for something more often than it may.
    #[error("asked too often, for another {retry_after:?}")]
    TooOften { retry_after: Duration },
    /// A service refused the token, there is a new one now, and the request cannot be repeated by us.
    #[error("the token was renewed on the way")]
    TokenRenewed,
    /// Keystone asks for a second factor, and none was given.
    #[error("a one-time code is needed")]
    SecondFactorNeeded,
    #[error("{target} did not answer as expected")]
    Upstream {
        target: Target,
        // Boxed: what a service said is large, and every handler's result would be as large.
        #[source]
        source: Box<UpstreamError>,
    },
    /// Our own database does not answer.
    #[error("the database did not answer")]
    Database {
        #[from]
        source: sqlx::Error,
    },
    /// The console's graphs cannot be had.
    #[error("Graphite did not answer as expected")]
    Graphite {
        #[from]
        source: GraphiteError,
    },
    #[error("the request took longer than {limit:?}")]
    TooSlow { limit: Duration },
    /// The panel itself is wrong.
    #[error("{doing} failed")]
    Internal {
        doing: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ApiError {
    /// For `map_err`: a failure of a call to one service.
    pub fn upstream(target: &Target) -> impl FnOnce(UpstreamError) -> Self + use<> {
        let target = target.clone();
        move |source| Self::Upstream { target, source: source.into() }
    }

    /// For `map_err`: something that cannot fail unless the panel is wrong.
    pub fn internal<E: Into<Box<dyn Error + Send + Sync>>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Internal { doing, source: source.into() }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. }
            | Self::NoSuchProject { .. }
            | Self::NoSuchSession { .. }
            | Self::NoSuchCustomer { .. }
            | Self::NoSuchFlag { .. }
            | Self::NoSuchJob { .. } => StatusCode::NOT_FOUND,
            Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::TooManyJobs => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused { status } => *status,
            // 401 says one thing only: there is no session that can go on.
            Self::NoSession | Self::SessionEnded | Self::TokenExpired => StatusCode::UNAUTHORIZED,
            Self::WrongCredentials
            | Self::SecondFactorNeeded
            | Self::Forged { .. }
            | Self::NoRoleInProject { .. }
            | Self::SupportViewReadOnly { .. } => StatusCode::FORBIDDEN,
            Self::LockedOut { .. }
            | Self::TooManyStreams { .. }
            | Self::TooManyCalls { .. }
            | Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream { source, .. } => upstream_status(source),
            Self::Database { .. } | Self::SessionUnreadable | Self::TokenRenewed => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Graphite { source } => source.status(),
            Self::TooSlow { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable and meant for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. }
            | Self::NoSuchSession { .. }
            | Self::NoSuchCustomer { .. }
            | Self::NoSuchFlag { .. }
            | Self::NoSuchJob { .. } => "not_found",
            Self::NoSuchProject { .. } => "project_not_found",
            Self::Invalid { code, .. } | Self::Conflict { code, .. } => code,
            Self::TooManyJobs => "too_many_jobs",
            Self::Refused { status } => refusal_code(*status),
            // To a browser both mean the same: nothing goes on without signing in.
            Self::NoSession | Self::SessionEnded => "session_ended",
            Self::TokenExpired => "token_expired",
            Self::SessionUnreadable => "session_unreadable",
            Self::NoRoleInProject { .. } => "no_role_in_project",
            Self::SupportViewReadOnly { .. } => "support_view_read_only",
            Self::Forged { .. } => "forged_request",
            Self::WrongCredentials => "wrong_credentials",
            Self::LockedOut { .. } => "locked_out",
            Self::TooManyStreams { .. } => "too_many_streams",
            Self::TooManyCalls { .. } => "too_many_calls",
            Self::TooOften { .. } => "too_often",
            Self::TokenRenewed => "token_renewed",
            Self::SecondFactorNeeded => "second_factor_needed",
            Self::Upstream { source, .. } => source.code(),
            Self::Database { .. } => "database_unavailable",
            Self::Graphite { source } => source.code(),
            Self::TooSlow { .. } => "request_timeout",
            Self::Internal { .. } => "internal_error",
        }
    }

    /// One sentence for a person; no markup.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotFound { kind, id } => format!("There is no {kind} {id} in this project."),
            Self::NoSuchProject { .. } => "There is no such project, or you have no role in it.".to_owned(),
            Self::NoSuchSession { .. } => "You have no such session; it may have ended already.".to_owned(),
            Self::NoSuchJob { .. } => "You have no such job; it may have been deleted since.".to_owned(),
            Self::Invalid { message, .. } | Self::Conflict { message, .. } => message.clone(),
            Self::TooManyJobs => {
                "You have many actions that are not finished yet. Please wait for some of them, or cancel them."
                    .to_owned()
            }
            Self::Refused { status } => refusal_sentence(*status).to_owned(),
            Self::NoSession => "Please sign in.".to_owned(),
            Self::SessionEnded => "Your session has ended. Please sign in again.".to_owned(),
            Self::TokenExpired => "Your sign-in has expired. Please enter your password again.".to_owned(),
            Self::SessionUnreadable => {
                "The panel cannot read your session at the moment. Please try again shortly, or sign in again."
                    .to_owned()
            }
            Self::NoSuchCustomer { kind, id } => {
                format!("Neither the panel nor Keystone knows a {kind} {id}.")
            }
            Self::NoSuchFlag { name } => format!("This release has no flag {name}."),
            Self::NoRoleInProject { project, user } => {
                format!(
                    "You have no role in this project, and a support view shows no more than your own rights reach. \
                     Whoever manages roles there, such as an administrator of its domain, can give you one: openstack \
                     role add --user {user} --project {project} reader."
                )
            }
            Self::SupportViewReadOnly { .. } => {
                "You are looking at this project in a support view, which changes nothing. End the support view \
                 first."
                    .to_owned()
            }
            Self::Forged { .. } => {
                "This request did not come from the panel itself. Please reload the page and try again."
                    .to_owned()
            }
            Self::WrongCredentials => "The user name or password is not correct.".to_owned(),
            Self::LockedOut { retry_after } => {
                format!("Too many attempts failed. Please try again in {}.", in_words(*retry_after))
            }
            Self::TooManyStreams { most } => {
                format!(
                    "You have {most} lists and consoles open, and no more are possible. Please close some of them."
                )
            }
            Self::TooManyCalls { most } => {
                format!(
                    "You have {most} of these requests under way, and no more are possible. Please wait for one to end."
                )
            }
            Self::TooOften { retry_after } => {
                format!("This was asked for too often. Please wait for {}.", in_words(*retry_after))
            }
            Self::TokenRenewed => {
                "The service did not accept your sign-in at first. It was renewed; please try again.".to_owned()
            }
            Self::SecondFactorNeeded => "Please enter the one-time code as well.".to_owned(),
            Self::Upstream { target, source } => source.sentence(target),
            Self::Database { .. } => {
                "The panel cannot reach its own records at the moment. Please try again shortly.".to_owned()
            }
            Self::Graphite { source } => source.sentence(),
            Self::TooSlow { limit } => format!("The panel did not manage this within {}.", in_words(*limit)),
            Self::Internal { .. } => "Something went wrong in the panel itself.".to_owned(),
        }
    }

    /// How long to wait before asking again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::LockedOut { retry_after } | Self::TooOften { retry_after } => Some(*retry_after),
            Self::Upstream { source, .. } => source.retry_after(),
            Self::Database { .. } | Self::SessionUnreadable => Some(Duration::from_secs(5)),
            Self::TokenRenewed => Some(Duration::ZERO),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    /// Status and `Retry-After` only; the middleware that knows the request adds the body.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        if let Some(wait) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds_up(wait)));
        }
        if matches!(self, Self::NoSession | Self::SessionEnded | Self::TokenExpired) {
            // RFC 9110 wants the scheme named; browsers show no dialog for one they do not know.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Session"));
        }
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

/// Whole seconds, rounded up, so that who waits for them waits long enough.
pub fn seconds_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// "40 seconds", "1 minute", "15 minutes": rounded up.
pub fn in_words(wait: Duration) -> String {
    let counted = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    let seconds = seconds_up(wait).max(1);
    match seconds {
        0..60 => counted(seconds, "second"),
        60..7200 => counted(seconds.div_ceil(60), "minute"),
        _ => counted(seconds.div_ceil(3600), "hour"),
    }
}

fn upstream_status(error: &UpstreamError) -> StatusCode {
    match error {
        UpstreamError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        UpstreamError::Unreachable { .. } | UpstreamError::CircuitOpen { .. } | UpstreamError::TooBusy => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        UpstreamError::Status { status, .. } => match status.as_u16() {
            413 | 429 => StatusCode::TOO_MANY_REQUESTS,
            400 | 403 | 404 | 409 => *status,
            503 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        },
        UpstreamError::Malformed { .. } | UpstreamError::TooLarge { .. } => StatusCode::BAD_GATEWAY,
    }
}

fn refusal_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "not_found",
        405 => "method_not_allowed",
        406 => "not_acceptable",
        408 => "request_timeout",
        411 => "length_required",
        413 => "body_too_large",
        414 => "uri_too_long",
        415 => "unsupported_media_type",
        422 => "invalid_body",
        426 => "upgrade_required",
        431 => "headers_too_large",
        400..500 => "bad_request",
        _ => "internal_error",
    }
}

fn refusal_sentence(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "There is nothing at this address.",
        405 => "This address does not take requests of this kind.",
        406 => "The answer cannot be had in the form that was asked for.",
        408 => "The request did not arrive in time.",
        411 => "The request does not say how long it is.",
        413 => "The request is too large.",
        414 => "The address of the request is too long.",
        415 => "The request's body is of a kind that cannot be read here.",
        422 => "The request's body does not have the form that is expected here.",
        426 => "This address is for WebSocket connections.",
        431 => "The headers of the request are too large.",
        400..500 => "The request could not be understood.",
        _ => "Something went wrong in the panel itself.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_units_and_never_too_short() {
        let words = |ms| in_words(Duration::from_millis(ms));
        assert_eq!(words(0), "1 second");
        assert_eq!(words(1_001), "2 seconds");
        assert_eq!(words(59_500), "1 minute");
        assert_eq!(words(61_000), "2 minutes");
        assert_eq!(words(900_000), "15 minutes");
        assert_eq!(words(7_200_001), "3 hours");
    }

    #[test]
    fn every_refusal_has_a_sentence_and_a_code() {
        for status in (400..=431).filter_map(|status| StatusCode::from_u16(status).ok()) {
            let error = ApiError::Refused { status };
            assert!(error.sentence().ends_with('.'), "{status}");
            assert!(error.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{status}");
        }
    }
}
