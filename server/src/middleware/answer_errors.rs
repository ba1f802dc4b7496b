//! Gives every error its body: JSON for the API, a page for people. Logs it, once.

use std::{error::Error, sync::Arc};

use api_types::ErrorBody;
use askama::Template;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    error::{ApiError, seconds_up},
    metrics::Metric,
    page_style,
    proxy::Recorded,
    session::RequestId,
};

/// The form that an error would have.
pub enum ErrorForm {
    Json,
    Page { theme: &'static str },
}

impl ErrorForm {
    pub fn of(request: &Request) -> Self {
        if request.uri().path().starts_with("/api") {
            return Self::Json;
        }
        Self::Page { theme: page_style::theme(request.headers()) }
    }
}

/// Takes the [`ApiError`] a handler returned, or makes one of what axum refused, and writes the answer.
pub fn answer_errors(app: &App, id: &RequestId, form: ErrorForm, response: &mut Response) {
    let is_recorded = response.extensions().get::<Recorded>().is_some();
    let error = match response.extensions_mut().remove::<Arc<ApiError>>() {
        Some(error) => error,
        // What a service answered goes on as it is.
        None if !is_recorded && is_bare_refusal(response) => {
            Arc::new(ApiError::Refused { status: response.status() })
        }
        None => return,
    };
    if !is_recorded {
        log(&error);
        app.metrics.count(Metric::ErrorAnswered, &[error.code()]);
    }
    // Said of the body that goes: a browser would fail to unpack the one that comes.
    response.headers_mut().remove(header::CONTENT_ENCODING);
    let (content_type, body) = match form {
        ErrorForm::Json => ("application/json", as_json(&error, id)),
        ErrorForm::Page { theme } => {
            let policy = HeaderValue::from_static(page_style::policy());
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            ("text/html; charset=utf-8", as_page(&error, id, &app.config.sign_in.brand, theme))
        }
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Said here, since axum says it at another place, or not at all, depending on how a route is served.
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
}

/// What a panic becomes.
pub fn answer_panic(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said =
        said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned());
    ApiError::internal("handling the request")(said).into_response()
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    brand: &'a str,
    title: &'a str,
    sentence: &'a str,
    code: &'a str,
    request_id: &'a str,
    /// The way on is the sign-in page, since everything else would fail alike.
    wants_sign_in: bool,
    theme: &'static str,
    style: &'static str,
}

/// An error status with a body that none of our handlers wrote: they answer in HTML or JSON.
fn is_bare_refusal(response: &Response) -> bool {
    let status = response.status();
    let kind =
        response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_ours = kind.starts_with("text/html") || kind.starts_with("application/");
    (status.is_client_error() || status.is_server_error()) && !is_ours
}

fn as_json(error: &ApiError, id: &RequestId) -> String {
    let body = ErrorBody {
        code: error.code().to_owned(),
        message: error.sentence(),
        request_id: id.0.to_string(),
        retry_after_secs: error.retry_after().map(seconds_up),
    };
    serde_json::to_string(&body).unwrap_or_default()
}

fn as_page(error: &ApiError, id: &RequestId, brand: &str, theme: &'static str) -> String {
    let title = match error.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::UNAUTHORIZED => "Signed out",
        StatusCode::FORBIDDEN => "Not allowed",
        status if status.is_client_error() => "This did not work",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => "Not available right now",
        _ => "Something went wrong",
    };
    let page = ErrorPage {
        brand,
        title,
        sentence: &error.sentence(),
        code: error.code(),
        request_id: &id.0,
        wants_sign_in: matches!(error, ApiError::SessionUnreadable),
        theme,
        style: page_style::CSS,
    };
    page.render().unwrap_or_else(|_| error.sentence())
}

/// The whole chain of causes, where it is the panel's or an upstream's failure; a word where it is the caller's.
fn log(error: &ApiError) {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let (code, causes) = (error.code(), causes.join(": "));
    match error {
        ApiError::Internal { .. } => tracing::error!(code, causes, "{error}"),
        ApiError::Upstream { .. }
        | ApiError::Database { .. }
        | ApiError::Graphite { .. }
        | ApiError::TooSlow { .. }
        | ApiError::SessionUnreadable => {
            tracing::warn!(code, causes, "{error}");
        }
        ApiError::Forged { .. } => tracing::warn!(code, "{error}"),
        _ => tracing::debug!(code, "{error}"),
    }
}
