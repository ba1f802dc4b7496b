//! Keeps other sites from using a person's cookie.

use api_types::routes::CSRF_HEADER;
use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, Method, header},
};

use super::read_only::{opens_console, read_only};
use crate::{app::App, error::ApiError, session::Caller};

/// Lets reading requests pass; a state change and a WebSocket must come from our own pages.
///
/// Three nets, each for where another one has a hole: `Sec-Fetch-Site` and `Origin` as browsers set them; a token
/// that only our own pages can read, in a header for the API and in the form for the pages (the handlers of forms
/// check theirs); and `SameSite` on the cookie. A WebSocket cannot carry a header, so its `Origin` has to be there.
///
/// Errors: 403 `forged_request`, 403 `support_view_read_only`; for a state change of the API without a session those of [`Caller`].
pub async fn check_origin_and_token(app: &App, request: Request) -> Result<Request, ApiError> {
    let is_api = request.uri().path().starts_with("/api");
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_socket = wants_websocket(&request);
    if is_change || is_socket || is_api {
        check_fetch_site(request.headers())?;
    }
    if is_change || is_socket {
        check_origin(app, request.headers(), is_socket)?;
    }
    if !is_api || !(is_change || is_socket || opens_console(&request)) {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    if is_change {
        let caller = <Caller as FromRequestParts<App>>::from_request_parts(&mut parts, app).await?;
        let token = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or("");
        if !app.sessions.is_csrf_token(&caller.session, token) {
            return Err(ApiError::Forged { reason: "the CSRF token is missing or wrong" });
        }
    }
    // Here, where every state change passes: a session that looks at a customer's project changes nothing there.
    let body = read_only(app, &mut parts, body, is_change, is_socket).await?;
    Ok(Request::from_parts(parts, body))
}

fn check_fetch_site(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get("sec-fetch-site").map(|value| value.as_bytes()) {
        // `none` is a person's own doing, such as typing the address.
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(ApiError::Forged { reason: "Sec-Fetch-Site names another site" }),
    }
}

fn check_origin(app: &App, headers: &HeaderMap, is_required: bool) -> Result<(), ApiError> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    match headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("")) {
        Some(origin) if app.config.listen.public_url.is_own_origin(origin, host) => Ok(()),
        Some(_) => Err(ApiError::Forged { reason: "Origin is another one than ours" }),
        // Programs send none; what protects a browser that sends none is the token.
        None if !is_required => Ok(()),
        None => Err(ApiError::Forged { reason: "Origin is missing" }),
    }
}

fn wants_websocket(request: &Request) -> bool {
    // Over HTTP/2 a WebSocket begins with CONNECT.
    *request.method() == Method::CONNECT
        || request
            .headers()
            .get(header::UPGRADE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
