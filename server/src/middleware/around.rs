//! What happens around every request, in its order: one layer, since each layer of its own is a box to clone and one to
//! allocate for every request.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;

use super::{
    answer_errors::{ErrorForm, answer_errors, answer_panic},
    csrf::check_origin_and_token,
    limits::check_limits,
    log_request::RequestLine,
    metrics::MeasuredRequest,
    request_id,
    security_headers::SecurityHeaders,
};
use crate::{app::App, error::ApiError, log::Context, proxy::is_passed_on, session::RequestId};

/// What is needed around a request. Cheap to clone.
#[derive(Clone)]
pub struct Around(Arc<Inner>);

struct Inner {
    app: App,
    headers: SecurityHeaders,
    /// The time to the head of an answer, the reading of the request's body included. What streams, streams on.
    longest: Duration,
}

/// Around the requests of people.
pub async fn around(State(around): State<Around>, request: Request, next: Next) -> Response {
    around.handle(request, |request| next.run(request)).await
}

/// Around the probes of machines: no more than an id, and the headers that every answer has.
pub async fn around_probe(State(around): State<Around>, mut request: Request, next: Next) -> Response {
    let id = request_id::name(&mut request, &around.0.app.config.listen.trusted_proxies);
    let mut response = Context::of_request(id.0.clone()).within(next.run(request)).await;
    around.0.headers.add_to(response.headers_mut());
    request_id::tell(&id, &mut response);
    response
}

impl Around {
    pub fn new(app: &App) -> Self {
        let headers = SecurityHeaders::new(&app.config.listen.public_url);
        // The upstream calls of a request have their own deadline; a little more lets their answer through.
        let longest = app.config.upstream.timeout + Duration::from_secs(5);
        Self(Arc::new(Inner { app: app.clone(), headers, longest }))
    }

    /// Has `next` answer a request.
    pub async fn handle<F>(&self, mut request: Request, next: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        // Outermost, since everything below names the request by its id. Whatever is logged on the way belongs to it.
        let id = request_id::name(&mut request, &self.0.app.config.listen.trusted_proxies);
        let mut response =
            Context::of_request(id.0.clone()).within(self.handle_named(request, &id, next)).await;
        request_id::tell(&id, &mut response);
        response
    }

    async fn handle_named<F>(
        &self,
        request: Request,
        id: &RequestId,
        next: impl FnOnce(Request) -> F,
    ) -> Response
    where
        F: Future<Output = Response>,
    {
        // These see the final status and the whole duration.
        let started_at = Instant::now();
        let line = RequestLine::begin(&request, started_at);
        let measured = MeasuredRequest::begin(&request, started_at);
        let form = ErrorForm::of(&request);

        // A panic below is an answer above, with the id and the headers of every other.
        let answered = AssertUnwindSafe(self.check_and_answer(request, next)).catch_unwind().await;
        let answered = answered.unwrap_or_else(|panic| Ok(answer_panic(panic)));
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);

        answer_errors(&self.0.app, id, form, &mut response);
        // On every answer, errors included.
        self.0.headers.add_to(response.headers_mut());
        measured.end(response.status(), &self.0.app.metrics);
        line.end(&response);
        response
    }

    /// Errors: those of [`check_limits`] and [`check_origin_and_token`]; 504 `request_timeout`.
    async fn check_and_answer<F>(
        &self,
        request: Request,
        next: impl FnOnce(Request) -> F,
    ) -> Result<Response, ApiError>
    where
        F: Future<Output = Response>,
    {
        // Before anything reads the request.
        check_limits(&request)?;
        // A long upload is no slow handler; the proxy bounds each of its steps.
        let limit = (!is_passed_on(request.uri().path())).then_some(self.0.longest);
        let answering = async {
            // Inside the time limit: it may have to look the session up.
            let request = check_origin_and_token(&self.0.app, request).await?;
            Ok(next(request).await)
        };
        match limit {
            None => answering.await,
            Some(limit) => {
                let answered = tokio::time::timeout(limit, answering).await;
                answered.map_err(|_| ApiError::TooSlow { limit })?
            }
        }
    }
}
