//! The second factor: a one-time code, after the password was accepted.

use std::time::Instant;

use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    complete::{Patience, complete},
    next_path::NextPath,
    page::{Refusal, is_own_form, stale_form, totp_page},
    password::{blur, keystone_failed, tell_refused},
};
use crate::{
    app::App,
    error::ApiError,
    log::{self, Who},
    metrics::Metric,
    secret::Secret,
    session::{AuthError, ClientAddress, Cookies, Receipt},
};

/// Keystone's receipts are good for five minutes by default; it is Keystone that decides.
const FACTOR_LASTS: TimeDelta = TimeDelta::minutes(10);
const PURPOSE: &str = "first factor";
/// Browsers drop a cookie whose name, value and attributes are longer than this together.
const LARGEST_COOKIE: usize = 4096;

#[derive(Deserialize)]
pub struct TotpForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    form_token: String,
}

/// The first factor, accepted: kept by the browser, sealed so that it cannot read or change it.
#[derive(Serialize, Deserialize)]
struct FirstFactor {
    receipt: String,
    user: String,
    domain: String,
    next: String,
    expires_at: DateTime<Utc>,
}

/// Sends the browser on to the form for the code.
pub fn ask(
    app: &App,
    receipt: &Receipt,
    user: &str,
    domain: &str,
    next: &NextPath,
) -> Result<Response, ApiError> {
    let mut first = FirstFactor {
        receipt: receipt.receipt.expose().clone(),
        user: user.to_owned(),
        domain: domain.to_owned(),
        next: next.as_str().to_owned(),
        expires_at: app.clock.now() + FACTOR_LASTS,
    };
    let mut cookie = first.cookie(app)?;
    if cookie.len() > LARGEST_COOKIE {
        // To be signed in somewhere else is better than not to be.
        first.next = NextPath::default().as_str().to_owned();
        cookie = first.cookie(app)?;
    }
    let mut response = Redirect::to(api_types::routes::SIGN_IN_TOTP).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Shows the form for the code; without an accepted password, the way back to the first form.
pub async fn show_totp(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    match FirstFactor::of(&app, &headers) {
        Some(first) => totp_page(&app, &headers, &first.user, None),
        None => Ok(start_again()),
    }
}

/// Signs in with the code, or shows the form again with one sentence.
///
/// Errors: 4xx for a body that is no form.
pub async fn sign_in_with_totp(
    State(app): State<App>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(form): Form<TotpForm>,
) -> Result<Response, ApiError> {
    let started_at = Instant::now();
    let Some(first) = FirstFactor::of(&app, &headers) else { return Ok(start_again()) };
    // Keystone has accepted the password: this is a name, whatever else was typed before.
    log::note_caller(Who { user: Some(first.user.as_str().into()), ..Who::default() });
    let show_again = |refusal: Refusal| totp_page(&app, &headers, &first.user, Some(&refusal));
    if !is_own_form(&app, &headers, &form.form_token) {
        return show_again(stale_form());
    }
    let Some(code) = normal_code(&form.code) else {
        let sentence = "Please enter the six digits of the code.";
        return show_again(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    };
    let attempt = match app.attempts.begin(&first.user, &first.domain, address).await {
        Ok(attempt) => attempt,
        Err(error) => {
            let metric = match error {
                ApiError::LockedOut { .. } => Metric::LoginLockout,
                _ => Metric::LoginUnavailable,
            };
            app.metrics.count(metric, &[]);
            tell_refused(error.code());
            return show_again(error.into());
        }
    };
    let receipt = Secret::new(first.receipt.clone());
    match app.keystone.check_totp(&receipt, &first.user, &first.domain, &code).await {
        Ok(issued) => {
            let next = NextPath::parse(&first.next);
            let patience = Patience::since(started_at, &app);
            match complete(&app, &headers, address, &issued, &attempt, &next, patience).await {
                Ok(response) => Ok(response),
                Err(error) => {
                    app.metrics.count(Metric::LoginUnavailable, &[]);
                    tracing::warn!(error = %error, "a sign-in could not be completed");
                    show_again(error.into())
                }
            }
        }
        Err(AuthError::Refused) => {
            app.metrics.count(Metric::LoginFailure, &[]);
            tell_refused("wrong_code");
            blur(started_at, app.config.sign_in.refusal_step).await;
            show_again(Refusal::wrong_code())
        }
        Err(AuthError::Unavailable(error)) => show_again(keystone_failed(&app, &attempt, &error).await),
    }
}

/// A code as Keystone wants it, from a code as people type it: "123 456".
pub fn normal_code(typed: &str) -> Option<Secret> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let is_code = (6..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_code.then(|| Secret::new(digits))
}

impl FirstFactor {
    fn cookie(&self, app: &App) -> Result<HeaderValue, ApiError> {
        let bytes = serde_json::to_vec(self).map_err(ApiError::internal("writing the first factor"))?;
        let sealed = app
            .sessions
            .sealer()
            .seal(PURPOSE, &bytes)
            .map_err(ApiError::internal("sealing the first factor"))?;
        let lasts_secs = u64::try_from(FACTOR_LASTS.num_seconds()).ok();
        Ok(app.cookies.set(Cookies::FACTOR, &URL_SAFE_NO_PAD.encode(sealed), lasts_secs))
    }

    fn of(app: &App, headers: &HeaderMap) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(app.cookies.get(headers, Cookies::FACTOR)?).ok()?;
        let bytes = app.sessions.sealer().open(PURPOSE, &sealed)?;
        let first: Self = serde_json::from_slice(&bytes).ok()?;
        (first.expires_at > app.clock.now()).then_some(first)
    }
}

fn start_again() -> Response {
    Redirect::to(api_types::routes::SIGN_IN).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_as_people_type_it_and_nothing_else_is() {
        for typed in ["123456", " 123 456 ", "123-456", "12345678"] {
            assert!(normal_code(typed).is_some(), "{typed}");
        }
        for typed in ["", "12345", "123456789", "12345a", "１２３４５６"] {
            assert!(normal_code(typed).is_none(), "{typed}");
        }
    }
}
