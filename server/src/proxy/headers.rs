//! Which headers go through, each way. What is not named here stays behind.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::error::ApiError;

/// The headers of a request that its service is to see.
///
/// Everything else stays here: the cookie, whatever names a token or a user, what is meant for the connection
/// (RFC 9110, 7.6.1) and what the connection's own list names.
pub fn for_upstream(headers: &HeaderMap) -> HeaderMap {
    let of_connection = named_by_connection(headers);
    let mut passed = HeaderMap::with_capacity(8);
    for name in &TO_UPSTREAM {
        if of_connection.contains(name) {
            continue;
        }
        for value in headers.get_all(name) {
            passed.append(name.clone(), value.clone());
        }
    }
    // An encoded answer could not be searched for addresses.
    passed.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    passed.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    passed
}

/// The headers of an answer that the browser is to see. Those that hold addresses are not among them: see
/// [`rewrite`](super::rewrite).
pub fn for_browser(headers: &HeaderMap) -> HeaderMap {
    let of_connection = named_by_connection(headers);
    let mut passed = HeaderMap::with_capacity(12);
    for (name, value) in headers {
        if TO_BROWSER.contains(name) && !of_connection.contains(name) {
            passed.append(name.clone(), value.clone());
        }
    }
    passed
}

/// The kind of a request's body, if it is one that services take.
///
/// Errors: 415.
pub fn check_request_kind(headers: &HeaderMap) -> Result<RequestKind, ApiError> {
    let essence = essence(headers).unwrap_or_default();
    match essence.as_str() {
        "application/json" => Ok(RequestKind::Json),
        "application/octet-stream" => Ok(RequestKind::Upload),
        // Glance's own, with its version in the name, and the registered one.
        "application/json-patch+json" => Ok(RequestKind::Json),
        name if name.starts_with("application/openstack-images-v2") && name.ends_with("-json-patch") => {
            Ok(RequestKind::Json)
        }
        _ => Err(ApiError::Refused { status: StatusCode::UNSUPPORTED_MEDIA_TYPE }),
    }
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A document of some kilobytes.
    Json,
    /// Bytes, as many as there are.
    Upload,
}

/// What may be done with an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// JSON, which may hold addresses.
    Json,
    /// Text or bytes, passed on as they are.
    Plain,
    /// What a browser would show as a page or run: not as such, and not from our origin.
    Foreign,
    /// There is no body, or it is of no kind.
    None,
}

pub fn answer_kind(headers: &HeaderMap) -> AnswerKind {
    match essence(headers).as_deref() {
        None => AnswerKind::None,
        Some("application/json") => AnswerKind::Json,
        Some("application/octet-stream" | "text/plain") => AnswerKind::Plain,
        Some(name) if name.starts_with("application/") && name.ends_with("+json") => AnswerKind::Json,
        Some(_) => AnswerKind::Foreign,
    }
}

/// No `Content-Length`: each side's framing is its own, and is made from the body itself.
const TO_UPSTREAM: [HeaderName; 12] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
    header::IF_RANGE,
    HeaderName::from_static("openstack-api-version"),
    HeaderName::from_static("x-openstack-nova-api-version"),
    // Glance refuses an upload that turns out to have another size.
    HeaderName::from_static("x-openstack-image-size"),
];

const TO_BROWSER: [HeaderName; 17] = [
    header::CONTENT_TYPE,
    header::CONTENT_RANGE,
    header::CONTENT_LANGUAGE,
    header::ACCEPT_RANGES,
    header::ETAG,
    header::LAST_MODIFIED,
    header::RETRY_AFTER,
    header::VARY,
    header::WARNING,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("openstack-api-version"),
    HeaderName::from_static("x-openstack-nova-api-version"),
    HeaderName::from_static("x-openstack-request-id"),
    HeaderName::from_static("x-compute-request-id"),
    HeaderName::from_static("openstack-image-import-methods"),
    HeaderName::from_static("openstack-image-store-ids"),
    HeaderName::from_static("x-openstack-image-size"),
];

/// The media type without its parameters, in lower case.
fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or_default();
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The names a `Connection` header says are for the next hop only.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}
