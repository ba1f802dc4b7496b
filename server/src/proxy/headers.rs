//! Which headers go through, each way. What is not named here stays behind.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use crate::error::ApiError;

/// The headers of a request that its service is to see.
///
/// Everything else stays here: the cookie, whatever names a token or a user, what is meant for the connection
/// (RFC 9110, 7.6.1) and what the connection's own list names.
pub fn for_upstream(headers: &HeaderMap) -> HeaderMap {
    let of_connection = named_by_connection(headers);
    // With what is added later: the token, the host, the program.
    let mut passed = HeaderMap::with_capacity(12);
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

/// Whether the answer to a read may be given to others who ask the same, or come from memory.
pub fn is_shareable(headers: &HeaderMap) -> bool {
    const OF_ONE: [HeaderName; 6] = [
        header::RANGE,
        header::IF_RANGE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
    ];
    let wants_fresh = headers.get_all(header::CACHE_CONTROL).iter().any(|value| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|word| matches!(word.trim(), "no-cache" | "no-store" | "max-age=0"))
    });
    !wants_fresh && !OF_ONE.iter().any(|name| headers.contains_key(name))
}

/// All that is sent on of a read but its token, as one text: its address and the headers that are [for the
/// service](for_upstream).
pub fn question(method: &Method, url: &Url, passed: &HeaderMap) -> String {
    let mut text = String::with_capacity(512);
    text.push_str(method.as_str());
    text.push(' ');
    text.push_str(url.as_str());
    for (name, value) in passed {
        text.push('\n');
        text.push_str(name.as_str());
        text.push(':');
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    text
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(text).expect("a value"))])
    }

    #[test]
    fn the_kinds_of_bodies_are_told_apart() {
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/openstack-images-v2.1-json-patch",
        ] {
            assert_eq!(check_request_kind(&kind(json)).ok(), Some(RequestKind::Json), "{json}");
        }
        assert_eq!(check_request_kind(&kind("application/octet-stream")).ok(), Some(RequestKind::Upload));
        for other in ["", "text/html", "application/json2", "application/x-www-form-urlencoded", "json"] {
            assert!(check_request_kind(&kind(other)).is_err(), "{other}");
        }
        assert_eq!(answer_kind(&HeaderMap::new()), AnswerKind::None);
        for (text, expected) in [
            ("application/json", AnswerKind::Json),
            ("application/schema+json; x=y", AnswerKind::Json),
            ("text/plain", AnswerKind::Plain),
            ("text/html", AnswerKind::Foreign),
            ("image/svg+xml", AnswerKind::Foreign),
            ("application/xhtml+xml", AnswerKind::Foreign),
        ] {
            assert_eq!(answer_kind(&kind(text)), expected, "{text}");
        }
    }

    fn name() -> impl Strategy<Value = HeaderName> {
        let known = [
            "cookie",
            "set-cookie",
            "authorization",
            "x-auth-token",
            "x-subject-token",
            "x-service-token",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "proxy-authorization",
            "content-length",
            "host",
            "accept",
            "content-type",
            "openstack-api-version",
            "range",
            "etag",
            "retry-after",
            "location",
            "link",
            "server",
            "x-openstack-request-id",
            "x-forwarded-for",
            "via",
        ];
        prop_oneof![
            prop::sample::select(known.to_vec()).prop_map(HeaderName::from_static),
            "[a-z][a-z0-9-]{0,20}".prop_map(|name| name.parse().expect("a name")),
        ]
    }

    fn headers() -> impl Strategy<Value = HeaderMap> {
        let value = prop_oneof![
            "[ -~]{0,30}",
            prop::collection::vec(name(), 1..4).prop_map(|names| names
                .iter()
                .map(HeaderName::as_str)
                .collect::<Vec<_>>()
                .join(", ")),
        ];
        let value = value.prop_map(|text| HeaderValue::from_str(&text).expect("a value"));
        prop::collection::vec((name(), value), 0..30).prop_map(HeaderMap::from_iter)
    }

    proptest! {
        /// Only what is listed goes up, and nothing that the connection's own list names.
        #[test]
        fn only_listed_headers_go_to_a_service(headers in headers()) {
            let passed = for_upstream(&headers);
            let of_connection = named_by_connection(&headers);
            for (name, value) in &passed {
                let is_ours = matches!(name.as_str(), "accept-encoding" | "accept");
                prop_assert!(is_ours || TO_UPSTREAM.contains(name), "{}", name);
                prop_assert!(is_ours || !of_connection.contains(name), "{}", name);
                prop_assert!(is_ours || headers.get_all(name).iter().any(|sent| sent == value));
            }
            prop_assert_eq!(passed.get(header::ACCEPT_ENCODING).map(HeaderValue::as_bytes), Some(&b"identity"[..]));
        }

        #[test]
        fn only_listed_headers_come_to_a_browser(headers in headers()) {
            let passed = for_browser(&headers);
            let of_connection = named_by_connection(&headers);
            for (name, value) in &passed {
                prop_assert!(TO_BROWSER.contains(name) && !of_connection.contains(name), "{}", name);
                prop_assert!(headers.get_all(name).iter().any(|sent| sent == value));
            }
            for name in ["set-cookie", "x-subject-token", "x-auth-token", "server", "location", "link", "transfer-encoding"] {
                prop_assert!(!passed.contains_key(name), "{}", name);
            }
        }
    }
}
