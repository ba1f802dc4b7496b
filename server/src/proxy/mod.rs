//! Requests passed through unchanged: authorize, choose endpoint, filter, send, record.
//!
//! `/api/cloud/{region}/{service}/…` goes to the endpoint that the caller's own service catalog names, with the
//! caller's token, and comes back without anything a browser should not have.

#![allow(dead_code, reason = "the parts that answer from memory and carry sockets follow")]

mod body;
mod endpoint;
mod headers;
mod open_calls;
mod path;
mod record;
mod send;

use std::sync::Arc;

use api_types::{ProjectId, routes};
use axum::{
    Router,
    extract::{FromRef, Request, State},
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};

use self::{
    endpoint::Endpoint,
    open_calls::OpenCalls,
    path::{CloudPath, CloudQuery},
    record::Record,
    send::{Answered, Sending},
};
use crate::{
    config::ProxyConfig,
    error::ApiError,
    metrics::Metrics,
    session::{Caller, Cookies, Scopes, Session, Sessions},
    upstream::{Target, UpstreamClient},
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
}

/// On every answer whose line in the log is written here.
#[derive(Clone, Copy, Debug)]
pub struct Recorded;

pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Proxy: FromRef<S>,
    Sessions: FromRef<S>,
    Cookies: FromRef<S>,
{
    Router::new().route(routes::CLOUD, any(pass_on))
}

/// Whether a request is one of ours, whose body may be long and take its time.
pub fn is_passed_on(path: &str) -> bool {
    path.starts_with(routes::CLOUD_PREFIX)
}

/// Passes a request on to a service, and its answer back.
///
/// Errors: 400 `invalid_path`, `invalid_project_id`, `project_needed`, `unexpected_body`; 404 no such service there, or
/// no role in the project; 405, 408, 413, 415; 502 to 504 where the service has no answer; and those of [`Caller`].
/// Whatever the service itself answers is passed on with its status, under
/// [`ANSWER_HEADER`](api_types::routes::ANSWER_HEADER).
async fn pass_on(State(proxy): State<Proxy>, caller: Result<Caller, ApiError>, request: Request) -> Response {
    let mut record = Record::begin(&request, proxy.0.metrics.clone());
    let mut response = match proxy.pass(&mut record, caller, request).await {
        Ok(answered) => answered.into_response(record),
        Err(error) => {
            record.refused(&error);
            error.into_response()
        }
    };
    response.extensions_mut().insert(Recorded);
    response
}

impl Proxy {
    pub fn new(upstream: UpstreamClient, scopes: Scopes, config: &ProxyConfig, metrics: Metrics) -> Self {
        let open = OpenCalls::new(metrics.clone());
        Self(Arc::new(Inner { upstream, scopes, config: config.clone(), metrics, open }))
    }

    async fn pass(
        &self,
        record: &mut Record,
        caller: Result<Caller, ApiError>,
        request: Request,
    ) -> Result<Answered, ApiError> {
        let caller = caller?;
        record.session = Some(caller.session.clone());
        let (parts, body) = request.into_parts();
        check_method(&parts.method)?;
        let path = CloudPath::parse(&parts.uri, parts.version)?;
        let target = Target::new(path.service, path.region.clone());
        record.target = Some(target.clone());
        let query = CloudQuery::parse(parts.uri.query());

        let project = project_of(&parts, &query, &caller.session)?;
        record.project = Some(project.clone());
        let scope = self.0.scopes.scope(&caller.session, &project).await?;

        let interface = self.0.upstream.config().interface;
        let endpoint = Endpoint::choose(&scope, path.service, &path.region, interface)?;
        let url = endpoint.url(&path.segments, query.rest.as_deref());
        record.url = Some(url.clone());
        record.open = Some(self.0.open.begin(&target));
        let sending = Sending { proxy: &self.0, caller: &caller, target: &target, endpoint: &endpoint, url };
        sending.send(record, &parts, body, scope).await
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
