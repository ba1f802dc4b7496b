//! The call itself: what goes up, what comes back, and what is done when the service refuses the token.

use std::sync::Arc;

use api_types::{ProjectId, routes};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Body as _;
use tokio::time::timeout;
use url::Url;

use super::{
    Inner,
    body::{AnswerBody, Source as BodySource},
    consoles,
    endpoint::Endpoint,
    headers::{self, AnswerKind, RequestKind},
    page,
    path::CloudPath,
    reads::Document,
    record::{Record, Source},
    rewrite::Rewriter,
    sockets::{Handshake, Tunnel, Wish},
};
use crate::{
    error::ApiError,
    log,
    session::{Caller, ProjectScope, Verdict},
    upstream::{
        ServiceType, Target, UpstreamError,
        streaming::{LONGEST_DOCUMENT, StreamError, StreamedAnswer, StreamedBody, StreamedCall},
        upload::{Upload, UploadFault, UploadProgress},
    },
};

/// A request that may go to its endpoint.
pub struct Sending<'a> {
    pub proxy: &'a Inner,
    pub caller: &'a Caller,
    pub project: &'a ProjectId,
    pub path: &'a CloudPath<'a>,
    pub target: &'a Target,
    pub endpoint: &'a Arc<Endpoint>,
    pub url: Url,
}

/// An answer as the browser gets it.
pub struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: AnsweredBody,
}

enum AnsweredBody {
    Stream(Box<StreamedBody>, Option<Rewriter>),
    Document(Arc<Document>),
    Socket(Box<Tunnel>),
}

impl Answered {
    /// A document that somebody asked for just now or is asking for.
    pub fn known(document: Arc<Document>) -> Self {
        Self {
            status: StatusCode::OK,
            headers: document.headers.clone(),
            body: AnsweredBody::Document(document),
        }
    }

    /// The whole answer, where others who ask the same may have it.
    pub fn document(&self) -> Option<Arc<Document>> {
        match &self.body {
            AnsweredBody::Document(document) if self.status == StatusCode::OK => Some(document.clone()),
            _ => None,
        }
    }

    /// The response, whose body writes the record's line at its end.
    pub fn into_response(mut self, record: Record) -> Response {
        let body = match self.body {
            AnsweredBody::Stream(body, rewriter) => {
                Body::new(AnswerBody::new(BodySource::Stream(*body), rewriter, record))
            }
            AnsweredBody::Document(document) => {
                Body::new(AnswerBody::new(BodySource::Whole(Some(document.body.clone())), None, record))
            }
            AnsweredBody::Socket(tunnel) => {
                log::spawn(tunnel.run(record));
                Body::empty()
            }
        };
        let length = body.size_hint().exact();
        if let Some(length) = length.filter(|length| *length > 0) {
            self.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
        }
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl Sending<'_> {
    /// Sends the request, with the `headers` that are for the service. When that refuses the token, Keystone is asked,
    /// and a request that can be repeated is, once.
    pub async fn send(
        &self,
        record: &mut Record,
        parts: &Parts,
        mut headers: HeaderMap,
        body: Body,
        scope: Arc<ProjectScope>,
        wish: Option<Wish>,
    ) -> Result<Answered, ApiError> {
        let mut upload = self.upload(parts, body)?;
        record.upload = upload.as_ref().map(|(_, progress)| progress.clone());
        if wish.is_some() || upload.as_ref().is_some_and(|(upload, _)| upload.is_long) {
            record.is_transfer()?;
        }
        let has_body = upload.is_some();
        let handshake = wish.as_ref().map(Wish::handshake);
        consoles::lift(&parts.method, self.path, &mut headers);
        headers.extend(handshake.iter().flat_map(|handshake| handshake.headers.clone()));
        put_token(&mut headers, &scope);
        let upload = upload.take().map(|(upload, _)| upload);
        let mut answer = self.stream(&parts.method, &headers, upload).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            drop(answer);
            let renewed = self.renewed(&scope).await?;
            if has_body {
                // It is gone, and whoever sent it still has it.
                return Err(ApiError::TokenRenewed);
            }
            put_token(&mut headers, &renewed);
            answer = self.stream(&parts.method, &headers, None).await?;
            if answer.status == StatusCode::UNAUTHORIZED {
                // To a browser 401 says that its session is over, which it is not.
                let refused = UpstreamError::refused(answer.status, &answer.headers);
                return Err(ApiError::upstream(self.target)(refused));
            }
        }
        match (wish, handshake) {
            (Some(wish), Some(handshake)) if answer.status == StatusCode::SWITCHING_PROTOCOLS => {
                self.connected(record, wish, &handshake, answer)
            }
            (Some(_), _) if answer.status.is_success() => Err(self.malformed("it is no WebSocket")),
            _ => self.answered(record, &parts.method, answer).await,
        }
    }

    fn upload(&self, parts: &Parts, body: Body) -> Result<Option<(Upload, UploadProgress)>, ApiError> {
        let length = body.size_hint().exact();
        if body.is_end_stream() || length == Some(0) {
            return Ok(None);
        }
        if matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(ApiError::Invalid {
                code: "unexpected_body",
                message: "A request that only reads has no body.".to_owned(),
            });
        }
        let config = &self.proxy.config;
        let kind = headers::check_request_kind(&parts.headers)?;
        let largest = match kind {
            RequestKind::Json => config.max_document_bytes,
            RequestKind::Upload if self.target.service == ServiceType::Image => config.max_upload_bytes,
            RequestKind::Upload => {
                return Err(ApiError::Refused { status: StatusCode::UNSUPPORTED_MEDIA_TYPE });
            }
        };
        if length.is_some_and(|length| length > largest) {
            return Err(ApiError::Refused { status: StatusCode::PAYLOAD_TOO_LARGE });
        }
        let progress = UploadProgress::default();
        let upload = match kind {
            RequestKind::Json => Upload::document(body, largest, progress.clone()),
            RequestKind::Upload => Upload::long(body, largest, progress.clone()),
        };
        Ok(Some((upload, progress)))
    }

    async fn stream(
        &self,
        method: &Method,
        headers: &HeaderMap,
        upload: Option<Upload>,
    ) -> Result<StreamedAnswer, ApiError> {
        let call = StreamedCall { method, url: &self.url, headers, upload, idle: self.proxy.config.idle };
        self.proxy.upstream.stream(self.target, call).await.map_err(|error| match error {
            StreamError::Upstream(error) => ApiError::upstream(self.target)(error),
            StreamError::Upload(fault) => ApiError::Refused {
                status: match fault {
                    UploadFault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                    UploadFault::TooSlow => StatusCode::REQUEST_TIMEOUT,
                    UploadFault::EndedEarly => StatusCode::BAD_REQUEST,
                },
            },
        })
    }

    async fn renewed(&self, scope: &ProjectScope) -> Result<Arc<ProjectScope>, ApiError> {
        match self.proxy.scopes.refresh(&self.caller.session, scope).await? {
            Verdict::Valid(renewed) => Ok(renewed),
            Verdict::NoRole => Err(ApiError::NoSuchProject { id: scope.project.to_string() }),
            Verdict::Ended => Err(ApiError::SessionEnded),
        }
    }

    fn connected(
        &self,
        record: &mut Record,
        wish: Wish,
        handshake: &Handshake,
        answer: StreamedAnswer,
    ) -> Result<Answered, ApiError> {
        if !handshake.is_answered_by(&answer.headers) {
            return Err(self.malformed("it switches to something else than this WebSocket"));
        }
        record.answered(answer.status, &answer.headers, Source::Upstream);
        let (headers, browser) = wish.accept(&answer.headers);
        let tunnel = Tunnel {
            browser,
            service: answer.upgrade,
            session: self.caller.session.clone(),
            project: self.project.clone(),
            scopes: self.proxy.scopes.clone(),
            shutdown: self.proxy.shutdown.clone(),
            place: answer.body,
        };
        Ok(Answered { status: answer.status, headers, body: AnsweredBody::Socket(Box::new(tunnel)) })
    }

    async fn answered(
        &self,
        record: &mut Record,
        method: &Method,
        answer: StreamedAnswer,
    ) -> Result<Answered, ApiError> {
        let StreamedAnswer { status, headers: theirs, body, is_long, .. } = answer;
        if is_long && method.is_safe() {
            record.is_transfer()?;
        }
        if status.is_informational() {
            return Err(self.malformed("it changes the protocol unasked"));
        }
        if theirs.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(self.malformed("it is encoded, though that was not allowed"));
        }
        let mut headers = headers::for_browser(&theirs);
        let mut kind = headers::answer_kind(&theirs);
        let is_empty = status == StatusCode::NO_CONTENT || body.size_hint().exact() == Some(0);
        if is_empty && kind == AnswerKind::Foreign {
            // Glance names a kind even for nothing: `text/html`, when an image is deleted.
            headers.remove(header::CONTENT_TYPE);
            kind = AnswerKind::None;
        }
        match kind {
            AnswerKind::Json | AnswerKind::None => {}
            AnswerKind::Plain => {
                headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
            }
            // Its words follow.
            AnswerKind::Foreign if !status.is_success() => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            }
            AnswerKind::Foreign => return Err(self.malformed("it is of a kind that is not passed on")),
        }
        for name in [header::LOCATION, header::CONTENT_LOCATION] {
            let place = theirs.get(&name).and_then(|place| self.endpoint.ours_for(place.to_str().ok()?));
            if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
                headers.insert(name, place);
            }
        }
        if let Some(links) =
            theirs.get(header::LINK).and_then(|links| self.endpoint.ours_in_links(links.to_str().ok()?))
            && let Ok(links) = HeaderValue::from_str(&links)
        {
            headers.insert(header::LINK, links);
        }
        if *method == Method::HEAD
            && let Some(length) = theirs.get(header::CONTENT_LENGTH)
        {
            headers.insert(header::CONTENT_LENGTH, length.clone());
        }
        headers.insert(ANSWER, HeaderValue::from_static(routes::ANSWER_UPSTREAM));
        // Whatever it holds, it is no page of ours.
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        record.answered(status, &theirs, Source::Upstream);
        let length = body.size_hint().exact();
        let body = match kind {
            AnswerKind::Json if length.is_some_and(|length| 0 < length && length <= LONGEST_DOCUMENT) => {
                // Whole, so that one that breaks off is an error with a sentence, and one that others want can be shared.
                let whole = body.whole().await.map_err(ApiError::upstream(self.target))?;
                record.heard(&whole);
                let body = Rewriter::whole(self.endpoint, whole);
                AnsweredBody::Document(Arc::new(Document { headers: headers.clone(), body }))
            }
            AnswerKind::Foreign => {
                let page = timeout(page::LATEST, Limited::new(body, page::LONGEST).collect()).await;
                let page = page.ok().and_then(Result::ok).map(Collected::to_bytes).unwrap_or_default();
                let body = Bytes::from(page::words(&page, self.endpoint));
                AnsweredBody::Document(Arc::new(Document { headers: headers.clone(), body }))
            }
            AnswerKind::Json if !body.is_end_stream() => {
                AnsweredBody::Stream(Box::new(body), Some(Rewriter::new(self.endpoint.clone())))
            }
            _ => AnsweredBody::Stream(Box::new(body), None),
        };
        Ok(Answered { status, headers, body })
    }

    fn malformed(&self, reason: &str) -> ApiError {
        ApiError::upstream(self.target)(UpstreamError::Malformed { reason: reason.to_owned() })
    }
}

/// The token to act with. One that no header can hold is left out, and the service says 401.
fn put_token(headers: &mut HeaderMap, scope: &ProjectScope) {
    headers.remove(TOKEN);
    if let Ok(mut token) = HeaderValue::from_str(scope.token.expose()) {
        token.set_sensitive(true);
        headers.insert(TOKEN, token);
    }
}

const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const ANSWER: HeaderName = HeaderName::from_static(routes::ANSWER_HEADER);
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
