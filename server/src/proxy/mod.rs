//! Requests passed through unchanged: authorize, choose endpoint, filter, send, record.
//!
//! `/api/cloud/{region}/{service}/…` goes to the endpoint that the caller's own service catalog names, with the
//! caller's token, and comes back without anything a browser should not have.

mod body;
mod changes;
mod consoles;
mod endpoint;
mod headers;
mod open_calls;
mod page;
mod path;
mod reads;
mod record;
mod rewrite;
mod send;
mod sockets;

use std::sync::Arc;

use api_types::{ProjectId, Region, routes};
use axum::{
    body::Body,
    extract::{FromRef, Request},
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use hyper::body::Body as _;

use self::{
    changes::Write,
    endpoint::Endpoints,
    open_calls::OpenCalls,
    path::{CloudPath, CloudQuery},
    reads::{Reads, Shared, Turn},
    record::{Record, Source},
    send::{Answered, Sending},
};
use crate::{
    changes::Changes,
    clock::Clock,
    config::ProxyConfig,
    error::ApiError,
    log,
    metrics::Metrics,
    session::{Caller, Cookies, Scopes, Session, Sessions},
    shutdown::Shutdown,
    upstream::{ServiceType, Target, UpstreamClient},
};

/// Passes requests on. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    upstream: UpstreamClient,
    scopes: Scopes,
    config: ProxyConfig,
    metrics: Metrics,
    open: OpenCalls,
    endpoints: Endpoints,
    reads: Reads,
    changes: Changes,
    clock: Clock,
    shutdown: Shutdown,
}

/// On every answer whose line in the log is written here.
#[derive(Clone, Copy, Debug)]
pub struct Recorded;

/// The sub-app: passes requests on for whoever is signed in. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct PassOn {
    proxy: Proxy,
    sessions: Sessions,
    cookies: Cookies,
}

/// Whether a request is one of ours, whose body may be long and take its time.
pub fn is_passed_on(path: &str) -> bool {
    path.starts_with(routes::CLOUD_PREFIX)
}

impl PassOn {
    pub fn new(proxy: &Proxy, sessions: &Sessions, cookies: Cookies) -> Self {
        Self { proxy: proxy.clone(), sessions: sessions.clone(), cookies }
    }

    /// Passes a request on to a service, and its answer back.
    ///
    /// Errors: 400 `invalid_path`, `invalid_project_id`, `project_needed`, `unexpected_body`, `console_not_passed_on`; 404
    /// no such service there, or no role in the project; 405, 408, 413, 415; 429 `too_many_calls`; 502 to 504 where the service has no answer;
    /// and those of [`Caller`].
    /// Whatever the service itself answers is passed on with its status, under
    /// [`ANSWER_HEADER`](api_types::routes::ANSWER_HEADER).
    pub async fn pass_on(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let mut record = Record::begin(&parts, &self.proxy);
        let caller = Caller::of(&parts, self).await;
        let answered = match caller {
            Ok(caller) => self.proxy.pass(&mut record, &caller, parts, body).await,
            Err(error) => Err(error),
        };
        let mut response = match answered {
            Ok(answered) => answered.into_response(record),
            Err(error) => {
                record.refused(&error);
                error.into_response()
            }
        };
        response.extensions_mut().insert(Recorded);
        response
    }
}

impl Proxy {
    pub fn new(
        upstream: UpstreamClient,
        scopes: Scopes,
        config: &ProxyConfig,
        metrics: Metrics,
        clock: Clock,
        changes: Changes,
        shutdown: Shutdown,
    ) -> Self {
        let open = OpenCalls::new(metrics.clone(), config);
        let reads = Reads::new(config.cache, clock.clone());
        let (config, endpoints) = (config.clone(), Endpoints::default());
        Self(Arc::new(Inner {
            upstream,
            scopes,
            config,
            metrics,
            open,
            endpoints,
            reads,
            changes,
            clock,
            shutdown,
        }))
    }

    /// Forgets the answers that are kept of a project in a region, because something was changed there. Every write
    /// that is passed on does it; whoever writes in another way calls it before and after.
    pub fn forget(&self, project: &ProjectId, region: &Region) {
        self.0.reads.forget(project, region);
    }

    /// Requests under way with one service of one region, WebSockets included.
    pub fn open_calls(&self, target: &Target) -> usize {
        self.0.open.now(target)
    }

    async fn pass(
        &self,
        record: &mut Record,
        caller: &Caller,
        mut parts: Parts,
        body: Body,
    ) -> Result<Answered, ApiError> {
        record.session = Some(caller.session.clone());
        check_method(&parts.method)?;
        let uri = parts.uri.clone();
        let path = CloudPath::parse(&uri, parts.version)?;
        let target = Target::new(path.service, path.region.clone());
        record.target = Some(target.clone());
        consoles::refuse(&path)?;
        let query = CloudQuery::parse(uri.query());
        let wish = sockets::wish(&mut parts)?;
        let project = project_of(&parts, &query, &caller.session)?;
        record.project = Some(project.clone());
        log::note_project(project.as_str());
        let scope = self.0.scopes.scope(&caller.session, &project).await?;

        let interface = self.0.upstream.config().interface;
        let endpoint = self.0.endpoints.choose(&scope, path.service, &path.region, interface)?;
        let url = endpoint.url(&path.segments, query.rest.as_deref());
        record.url = Some(url.clone());
        record.open = Some(self.0.open.begin(&target, caller.session.id)?);
        let sending = Sending {
            proxy: &self.0,
            caller,
            project: &project,
            path: &path,
            target: &target,
            endpoint: &endpoint,
            url,
        };
        let passed = headers::for_upstream(&parts.headers);
        if !parts.method.is_safe() {
            // What is read from here on is not to be of before; nor what is read until the end.
            let _forgetting = Forgetting::new(&self.0.reads, &project, &path.region);
            record.change = Write::of(&parts.method, &path, self.0.clock.now());
            let body = match &record.change {
                Some(change) => change.watch(body),
                None => body,
            };
            return sending.send(record, &parts, passed, body, scope, None).await;
        }
        if wish.is_some()
            || !self.0.reads.is_on()
            || !headers::is_shareable(&parts.headers)
            || !body.is_end_stream()
        {
            return sending.send(record, &parts, passed, body, scope, wish).await;
        }
        let asked = headers::question(&parts.method, &sending.url, &passed);
        let question = self.0.reads.question(&scope, path.service, &path.region, asked);
        loop {
            match self.0.reads.take_turn(&question) {
                Turn::Known(document) => {
                    record.answered(StatusCode::OK, &document.headers, Source::Memory);
                    return Ok(Answered::known(document));
                }
                Turn::Wait(waiting) => match waiting.outcome().await {
                    Shared::Document(document) => {
                        record.answered(StatusCode::OK, &document.headers, Source::Shared);
                        return Ok(Answered::known(document));
                    }
                    Shared::Alone => return sending.send(record, &parts, passed, body, scope, None).await,
                    Shared::Left => {}
                },
                Turn::Ask(asking) => {
                    let answered = sending.send(record, &parts, passed, body, scope, None).await;
                    match answered.as_ref().ok().and_then(Answered::document) {
                        Some(document) => asking.share(document),
                        None => asking.alone(),
                    }
                    return answered;
                }
            }
        }
    }
}

/// Forgets at the beginning and at the end of a write, however it ends.
struct Forgetting<'a> {
    reads: &'a Reads,
    project: &'a ProjectId,
    region: &'a Region,
}

impl<'a> Forgetting<'a> {
    fn new(reads: &'a Reads, project: &'a ProjectId, region: &'a Region) -> Self {
        reads.forget(project, region);
        Self { reads, project, region }
    }
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.reads.forget(self.project, self.region);
    }
}

/// Errors: 405.
fn check_method(method: &Method) -> Result<(), ApiError> {
    const METHODS: [Method; 6] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if METHODS.contains(method) {
        return Ok(());
    }
    Err(ApiError::Refused { status: StatusCode::METHOD_NOT_ALLOWED })
}

/// Whether a request below [`routes::CLOUD`] is an action of a server. Which one its body says.
pub fn is_server_action(parts: &Parts) -> bool {
    let Ok(path) = CloudPath::parse(&parts.uri, parts.version) else { return false };
    let segments: Vec<&str> = path.segments.iter().map(AsRef::as_ref).collect();
    parts.method == Method::POST
        && path.service == ServiceType::Compute
        && matches!(segments[..], ["servers", _, "action"])
}

/// The project in which a request below [`routes::CLOUD`] is made.
///
/// Errors: 400 none is named, or what is named is none.
pub fn project_of_request(parts: &Parts, session: &Session) -> Result<ProjectId, ApiError> {
    project_of(parts, &CloudQuery::parse(parts.uri.query()), session)
}

/// The project a request is made in: what its header says, else its query, else the session's first.
fn project_of(parts: &Parts, query: &CloudQuery<'_>, session: &Session) -> Result<ProjectId, ApiError> {
    let named = parts.headers.get(routes::PROJECT_HEADER);
    let named =
        named.map(|value| value.to_str().unwrap_or_default().parse()).or_else(|| query.project.clone());
    match (named, &session.default_project) {
        (Some(Ok(project)), _) => Ok(project),
        (Some(Err(_)), _) => Err(ApiError::Invalid {
            code: "invalid_project_id",
            message: "The project that is named is no project id.".to_owned(),
        }),
        (None, Some(project)) => Ok(project.clone()),
        (None, None) => Err(ApiError::Invalid {
            code: "project_needed",
            message: "The request has to say in which project it is made.".to_owned(),
        }),
    }
}
