//! Refuses what is too large or no text before anything reads it.

use api_types::routes;
use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};

use super::route::Route;
use crate::{error::ApiError, proxy::is_passed_on};

/// Longest path with its query.
const LONGEST_URI: usize = 8 << 10;
/// Headers of a request; a browser sends about twenty.
const MOST_HEADERS: usize = 100;
/// All headers together. hyper has its own limit far above; below it the answer can have a sentence and an id.
const LARGEST_HEADERS: usize = 32 << 10;
/// Largest body, but for what is passed on to services. The largest we take is a form with a password.
pub const LARGEST_BODY: usize = 64 << 10;
/// Largest list of what a job is to be done to: 20,000 ids take 800 KB.
pub const LARGEST_JOB: usize = 2 << 20;

/// Errors: 400 path or query are no UTF-8 once decoded, 413, 414, 431.
pub fn check_limits(request: &Request) -> Result<(), ApiError> {
    let uri = request.uri();
    if uri.path_and_query().map_or(0, |whole| whole.as_str().len()) > LONGEST_URI {
        return Err(ApiError::Refused { status: StatusCode::URI_TOO_LONG });
    }
    let headers = request.headers();
    if headers.len() > MOST_HEADERS || size_of_headers(headers) > LARGEST_HEADERS {
        return Err(ApiError::Refused { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE });
    }
    // What is passed on is bounded where it is passed on.
    let is_bounded_here = !is_passed_on(request.uri().path());
    if is_bounded_here
        && announced_length(request.headers()).is_some_and(|length| length > largest_body(request) as u64)
    {
        return Err(ApiError::Refused { status: StatusCode::PAYLOAD_TOO_LARGE });
    }
    if !is_text(uri.path()) || !is_text(uri.query().unwrap_or("")) {
        return Err(ApiError::Invalid {
            code: "not_utf8",
            message: "The address of the request is not valid text.".to_owned(),
        });
    }
    Ok(())
}

fn largest_body(request: &Request) -> usize {
    match Route::of(request).as_str() {
        Some(routes::PROJECT_JOBS) => LARGEST_JOB,
        _ => LARGEST_BODY,
    }
}

fn size_of_headers(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether percent-encoded text is UTF-8 once it is decoded.
fn is_text(encoded: &str) -> bool {
    if !encoded.contains('%') {
        return true;
    }
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|byte| (*byte as char).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_text_is_told_from_encoded_bytes() {
        for text in ["", "/a", "/%C3%A4", "/100%", "/%zz", "%F0%9F%98%80"] {
            assert!(is_text(text), "{text}");
        }
        for bytes in ["/%ff", "/%C3", "/%C3%28", "%ED%A0%80"] {
            assert!(!is_text(bytes), "{bytes}");
        }
    }
}
