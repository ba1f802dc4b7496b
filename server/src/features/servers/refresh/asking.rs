//! Asking on behalf of whoever looks: with the token of one of them, and of another when that is refused.

use std::{error::Error, sync::Arc, time::Duration};

use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::Keeper;
use crate::{
    features::servers::{
        index::{Credentials, Failure, Refusal},
        upstream::{Place, ServersUpstream},
    },
    upstream::{ServiceType, Target, UpstreamError},
};

/// Why something could not be asked.
#[derive(Debug)]
pub(super) enum Trouble {
    Upstream {
        target: Target,
        error: Box<UpstreamError>,
    },
    /// The tokens of all who look are of no use.
    Credentials {
        code: &'static str,
        message: String,
    },
    /// Nobody looks any more.
    Nobody,
    /// The catalog has no such service in the region.
    NoService {
        target: Target,
    },
    /// The node holds as many rows as it may.
    Full,
    /// The upstream answers, but its answers lead nowhere.
    Stuck {
        target: Target,
    },
}

impl Keeper<'_> {
    pub(super) fn target(&self, service: ServiceType) -> Target {
        Target::new(service, self.index.key.region.clone())
    }

    /// Makes a call, with whichever token is accepted.
    pub(super) async fn ask<T>(
        &self,
        service: ServiceType,
        call: impl for<'p> Fn(&'p ServersUpstream, &'p Place<'p>) -> BoxFuture<'p, Result<T, UpstreamError>>,
    ) -> Result<T, Trouble> {
        let upstream = &self.shared.upstream;
        let mut useless: Vec<Arc<dyn Credentials>> = Vec::new();
        let mut renewals = 0;
        let mut patience = CIRCUIT_PATIENCE;
        let mut last = Trouble::Nobody;
        while let Some(credentials) =
            self.index.credentials(|present| useless.iter().any(|useless| Arc::ptr_eq(useless, present)))
        {
            let scope = credentials.scope();
            let place = match service {
                ServiceType::Image => upstream.image(&scope, &self.index.key.region),
                _ => upstream.compute(&scope, &self.index.key.region),
            };
            let Some(place) = place else { return Err(Trouble::NoService { target: self.target(service) }) };
            let error = match call(upstream, &place).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match &error {
                UpstreamError::Status { status: StatusCode::UNAUTHORIZED, .. } => {
                    match credentials.refused(&scope).await {
                        // A service that refuses what Keystone has just confirmed is at fault itself.
                        Refusal::Renewed if renewals == MOST_RENEWALS => {
                            return Err(Trouble::upstream(place.target.clone(), error));
                        }
                        Refusal::Renewed => {
                            self.index.note_use(&credentials, false);
                            renewals += 1;
                        }
                        Refusal::Ended => {
                            self.index.note_use(&credentials, true);
                            useless.push(credentials);
                        }
                        Refusal::Unusable { code, message } => {
                            self.index.note_use(&credentials, true);
                            useless.push(credentials);
                            last = Trouble::Credentials { code, message };
                        }
                    }
                }
                // The circuit lets a share of the calls through; another moment may be ours.
                UpstreamError::CircuitOpen { retry_in }
                    if *retry_in <= patience && *retry_in <= SHORT_WAIT =>
                {
                    patience -= *retry_in;
                    sleep(*retry_in).await;
                }
                _ => return Err(Trouble::upstream(place.target.clone(), error)),
            }
        }
        Err(last)
    }
}

/// How often a renewed token is tried in one call.
const MOST_RENEWALS: u32 = 2;
/// A wait for the circuit worth sitting through, and how long all of them together may take.
const SHORT_WAIT: Duration = Duration::from_secs(1);
const CIRCUIT_PATIENCE: Duration = Duration::from_secs(10);

impl Trouble {
    pub fn upstream(target: Target, error: UpstreamError) -> Self {
        Self::Upstream { target, error: Box::new(error) }
    }

    /// As viewers are told.
    pub fn failure(&self) -> Failure {
        let (code, message, retry_after) = match self {
            Self::Upstream { target, error } => (error.code(), error.sentence(target), error.retry_after()),
            Self::Credentials { code, message } => (*code, message.clone(), None),
            Self::Nobody => ("session_ended", "The session has ended.".to_owned(), None),
            Self::NoService { target } => {
                ("no_such_service", format!("{target} is not in the service catalog."), None)
            }
            Self::Full => (
                "index_full",
                "The panel holds as many servers as it has memory for at the moment.".to_owned(),
                None,
            ),
            Self::Stuck { target } => {
                ("upstream_malformed", format!("{target} gives answers that contradict each other."), None)
            }
        };
        Failure { code: code.to_owned(), message, retry_after }
    }

    /// It is about the tokens of those who look, and says nothing about the region.
    pub fn is_of_credentials(&self) -> bool {
        matches!(self, Self::Credentials { .. } | Self::Nobody)
    }

    /// For the log: everything that is known.
    pub fn chain(&self) -> String {
        let Self::Upstream { error, .. } = self else { return self.failure().message };
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        if let Some(request_id) = error.request_id() {
            text.push_str(" (");
            text.push_str(request_id);
            text.push(')');
        }
        text
    }

    /// The upstream does not take this very question, though it may take another.
    pub fn is_refusal(&self) -> bool {
        let Self::Upstream { error, .. } = self else { return false };
        matches!(error.status().map(|status| status.as_u16()), Some(400 | 403 | 404))
    }

    /// Fewer rows may do.
    pub fn is_too_much(&self) -> bool {
        let Self::Upstream { error, .. } = self else { return false };
        matches!(**error, UpstreamError::Timeout { .. } | UpstreamError::TooLarge { .. })
    }

    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Upstream { error, .. } if matches!(**error, UpstreamError::Timeout { .. }))
    }

    /// It may just have been bad luck, and the same question a moment later may be answered.
    pub fn is_mishap(&self) -> bool {
        let Self::Upstream { error, .. } = self else { return false };
        match &**error {
            UpstreamError::Unreachable { .. } | UpstreamError::Malformed { .. } => true,
            UpstreamError::Status { status, .. } => status.is_server_error(),
            _ => false,
        }
    }
}
