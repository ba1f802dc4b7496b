//! One line in the log and the measurements of every call, however it ends.

use std::{borrow::Cow, sync::Arc};

use api_types::ProjectId;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, request::Parts};
use tokio::time::Instant;
use url::Url;

use super::{Proxy, changes::Write, open_calls::OpenCall};
use crate::{
    changes::Change,
    error::ApiError,
    log::Context,
    metrics::Metric,
    session::{ClientAddress, RequestId, Session},
    upstream::{
        Target, UpstreamError,
        call_log::{CallLine, chain, outcome_of, without_secrets},
        upload::UploadProgress,
    },
};

/// What is known of a call so far. Its line is written when it ends; dropped before, the caller has left.
pub struct Record {
    proxy: Proxy,
    /// What the log knows of the request, for the line at its end.
    context: Context,
    started_at: Instant,
    request_id: Arc<str>,
    client_request_id: Option<HeaderValue>,
    address: Option<ClientAddress>,
    method: Method,
    /// Our own address, for what gets no further.
    uri: Uri,
    pub session: Option<Arc<Session>>,
    pub project: Option<ProjectId>,
    pub target: Option<Target>,
    pub url: Option<Url>,
    pub upload: Option<UploadProgress>,
    pub open: Option<OpenCall>,
    /// What a server's history is to tell.
    pub change: Option<Write>,
    status: Option<StatusCode>,
    upstream_request_id: Option<HeaderValue>,
    received_bytes: u64,
    source: Source,
    is_written: bool,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Upstream,
    /// A call that somebody else made at the same time.
    Shared,
    /// A call that was just made.
    Memory,
}

impl Record {
    pub fn begin(parts: &Parts, proxy: &Proxy) -> Self {
        let extensions = &parts.extensions;
        Self {
            proxy: proxy.clone(),
            context: Context::current(),
            started_at: Instant::now(),
            request_id: extensions.get::<RequestId>().cloned().unwrap_or_default().0,
            client_request_id: parts.headers.get("x-request-id").cloned(),
            address: extensions.get::<ClientAddress>().copied(),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            session: None,
            project: None,
            target: None,
            url: None,
            upload: None,
            open: None,
            change: None,
            status: None,
            upstream_request_id: None,
            received_bytes: 0,
            source: Source::Upstream,
            is_written: false,
        }
    }

    /// Notes that the call is a transfer.
    ///
    /// Errors: those of [`OpenCall::is_transfer`].
    pub fn is_transfer(&mut self) -> Result<(), ApiError> {
        self.open.as_mut().map_or(Ok(()), OpenCall::is_transfer)
    }

    /// Notes the head of the answer.
    pub fn answered(&mut self, status: StatusCode, headers: &HeaderMap, source: Source) {
        self.status = Some(status);
        self.source = source;
        self.upstream_request_id = REQUEST_IDS.iter().find_map(|name| headers.get(name)).cloned();
        if let Some(change) = &mut self.change {
            change.answered(status, headers);
        }
    }

    /// Notes the answer's body, where it is whole.
    pub fn heard(&mut self, document: &[u8]) {
        if let Some(change) = &mut self.change {
            change.answer(document);
        }
    }

    /// Notes bytes of the answer that went to the browser.
    pub fn received(&mut self, bytes: usize) {
        self.received_bytes += bytes as u64;
    }

    /// The whole answer went to the browser.
    pub fn complete(&mut self) {
        let is_failure = self.status.is_some_and(|status| status.is_server_error());
        let outcome = self.status.map_or("ok", outcome_of);
        self.write(Ending { is_failure, outcome, words: Words::Received, cause: None });
    }

    /// The answer broke off on its way.
    pub fn broken(&mut self, error: &UpstreamError) {
        let cause = Some(chain(error));
        self.write(Ending { is_failure: true, outcome: error.code(), words: Words::Broken, cause });
    }

    /// There is no answer of the service.
    pub fn refused(&mut self, error: &ApiError) {
        self.status = Some(error.status());
        // Too many requests at a time are the cloud's limit at work, and so is a circuit that was opened before.
        let is_failure = error.status().is_server_error()
            && !matches!(error, ApiError::Upstream { source, .. }
                if matches!(**source, UpstreamError::TooBusy | UpstreamError::CircuitOpen { .. }));
        let words = if self.url.is_some() { Words::NoAnswer } else { Words::Refused };
        self.write(Ending { is_failure, outcome: error.code(), words, cause: Some(chain(error)) });
    }

    /// A WebSocket ended.
    pub fn closed(&mut self, sent: u64, received: u64, why: &str) {
        self.received_bytes = received;
        self.write(Ending {
            is_failure: false,
            outcome: "ok",
            words: Words::Closed { sent },
            cause: Some(why.to_owned()),
        });
    }

    fn write(&mut self, ending: Ending) {
        if std::mem::replace(&mut self.is_written, true) {
            return;
        }
        // Only a catalog's regions are names of measurements: anybody may ask for others.
        let is_known = self.open.take().is_some();
        let took = self.started_at.elapsed();
        let service = self.target.as_ref().map_or("none", |target| target.service.tag());
        let region = self.target.as_ref().filter(|_| is_known).map_or("none", |target| target.region_tag());
        let metrics = &self.proxy.0.metrics;
        metrics.count(Metric::ProxyCall, &[service, region, ending.outcome]);
        metrics.time(Metric::ProxyDuration, &[service, region], took);

        let url = match &self.url {
            Some(url) => without_secrets(url),
            None => Cow::Owned(self.uri.path().chars().take(200).collect()),
        };
        let sent_bytes = match ending.words {
            Words::Closed { sent } => sent,
            _ => self.upload.as_ref().map_or(0, UploadProgress::bytes),
        };
        let client_request_id = self.client_request_id.as_ref().and_then(|id| id.to_str().ok());
        // User, session, project and the request's id are of the context.
        let line = CallLine {
            facility: "proxy",
            region: self.target.as_ref().map_or("none", Target::region_tag),
            service,
            method: self.method.as_str(),
            url: &url,
            status: self.status.map(|status| status.as_u16()),
            outcome: ending.outcome,
            sent_bytes,
            received_bytes: self.received_bytes,
            took,
            source: self.source.word(),
            upstream_request_id: self.upstream_request_id.as_ref().and_then(|id| id.to_str().ok()),
            client_request_id: client_request_id.map(|id| &id[..id.floor_char_boundary(64)]),
            address: self.address.map(|ClientAddress(ip)| ip),
            cause: ending.cause.as_deref(),
            what: ending.words.around_service(),
            ..CallLine::default()
        };
        self.context.clone().within_now(|| line.write(ending.is_failure));
        self.note_change();
    }

    /// Whatever became of the answer on its way to the browser.
    fn note_change(&mut self) {
        let Some(told) = self.change.take().and_then(Write::told) else { return };
        let region = self.target.as_ref().and_then(|target| target.region.clone());
        let (Some(session), Some(project), Some(region)) = (&self.session, &self.project, region) else {
            return;
        };
        let upstream_request_id = self.upstream_request_id.as_ref().and_then(|id| id.to_str().ok());
        self.proxy.0.changes.note(Change {
            request_id: self.request_id.clone(),
            at: told.at,
            project: project.clone(),
            region,
            server: told.server,
            action: told.action,
            detail: told.detail,
            user_id: session.user.id.clone(),
            user_name: session.user.name.clone(),
            status: told.status,
            upstream_request_id: upstream_request_id.map(|id| id.chars().take(128).collect()),
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write(Ending {
            is_failure: false,
            outcome: "caller_left",
            words: Words::CallerLeft,
            cause: None,
        });
    }
}

impl Source {
    fn word(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Shared => "shared",
            Self::Memory => "memory",
        }
    }
}

const REQUEST_IDS: [HeaderName; 2] =
    [HeaderName::from_static("x-openstack-request-id"), HeaderName::from_static("x-compute-request-id")];

struct Ending {
    /// Something is wrong with us or the service.
    is_failure: bool,
    outcome: &'static str,
    words: Words,
    cause: Option<String>,
}

enum Words {
    Received,
    Broken,
    NoAnswer,
    Refused,
    CallerLeft,
    Closed { sent: u64 },
}

impl Words {
    fn around_service(&self) -> (&'static str, &'static str) {
        match self {
            Self::Received => ("received ", " response"),
            Self::Broken => ("", " response broke off"),
            Self::NoAnswer => ("received no ", " response"),
            Self::Refused => ("refused ", " request"),
            Self::CallerLeft => ("caller left before the end of the ", " response"),
            Self::Closed { .. } => ("closed ", " connection"),
        }
    }
}
