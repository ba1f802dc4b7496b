//! Ends the caller's session.

use api_types::routes::{CSRF_HEADER, SIGN_IN};
use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use crate::{
    app::App,
    error::ApiError,
    session::{Caller, Cookies, EndReason},
};

#[derive(Default, Deserialize)]
pub struct SignOutForm {
    #[serde(default)]
    csrf_token: String,
}

/// Signs out, here; the cookie goes in any case. A form is sent on to the sign-in page, a program gets 204. Their
/// token comes in the form or in the header.
///
/// Errors: 403 the token is missing or wrong.
pub async fn sign_out(
    caller: Option<Caller>,
    State(app): State<App>,
    headers: HeaderMap,
    form: Result<Form<SignOutForm>, FormRejection>,
) -> Result<Response, ApiError> {
    let from_header = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
    if let Some(caller) = &caller {
        let from_form = form.as_ref().map_or("", |Form(form)| form.csrf_token.as_str());
        let token = from_header.unwrap_or(from_form);
        if !app.sessions.is_csrf_token(&caller.session, token) {
            return Err(ApiError::Forged { reason: "the CSRF token is missing or wrong" });
        }
        if let Some(view) = caller.session.support_view(&app.clock) {
            tracing::info!(
                target: crate::log::AUDIT,
                project = view.project.as_str(),
                support_view = %view.id,
                "a support view ended with its session"
            );
        }
        let mut tokens = app.forget_session(caller.session.id);
        tokens.extend(app.sessions.end(caller.session.id, EndReason::SignedOut).await);
        app.given_up.add(tokens);
    }
    let mut response = match from_header {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => Redirect::to(SIGN_IN).into_response(),
    };
    response.headers_mut().append(header::SET_COOKIE, app.cookies.clear(Cookies::SESSION));
    Ok(response)
}
