//! The form for user and password arrives.

use std::time::{Duration, Instant};

use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;

use super::{
    complete::{Patience, complete},
    next_path::NextPath,
    page::{DomainField, Filled, Refusal, form_page, is_own_form, stale_form},
    totp,
};
use crate::{
    app::App,
    error::ApiError,
    metrics::Metric,
    secret::Secret,
    session::{AuthError, ClientAddress, PasswordAnswer},
    upstream::UpstreamError,
};

#[derive(Deserialize)]
pub struct SignInForm {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    next: NextPath,
    #[serde(default)]
    form_token: String,
}

/// Signs in, or shows the form again with one sentence: wrong, locked out, Keystone down, Keystone slow.
///
/// Errors: 4xx for a body that is no form.
pub async fn sign_in(
    State(app): State<App>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, ApiError> {
    let started_at = Instant::now();
    let filled = Filled { user: form.user, domain: form.domain, next: form.next };
    let user = filled.user.trim();
    let show_again = |refusal: Refusal| form_page(&app, &headers, &filled, Some(&refusal));

    if !is_own_form(&app, &headers, &form.form_token) {
        return show_again(stale_form());
    }
    if user.is_empty() || form.password.is_empty() {
        let sentence = "Please enter your user name and your password.";
        return show_again(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    }
    let Some(domain) = DomainField::of(&app.config.sign_in.domains).chosen(&filled.domain) else {
        return show_again(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Please choose your domain."));
    };

    let attempt = match app.attempts.begin(user, domain, address).await {
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
    let password = Secret::new(form.password);
    match app.keystone.check_password(user, domain, &password).await {
        Ok(PasswordAnswer::Token(issued)) => {
            let patience = Patience::since(started_at, &app);
            match complete(&app, &headers, address, &issued, &attempt, &filled.next, patience).await {
                Ok(response) => Ok(response),
                Err(error) => {
                    app.metrics.count(Metric::LoginUnavailable, &[]);
                    tracing::warn!(error = %error, "a sign-in could not be completed");
                    show_again(error.into())
                }
            }
        }
        Ok(PasswordAnswer::SecondFactor(receipt)) => {
            // Right so far; the code will be counted on its own.
            app.attempts.give_back(&attempt).await?;
            if !receipt.wants_totp {
                let sentence = "Your account needs a second factor that this panel does not have.";
                return show_again(Refusal::new(StatusCode::FORBIDDEN, sentence));
            }
            totp::ask(&app, &receipt, user, domain, &filled.next)
        }
        Err(AuthError::Refused) => {
            app.metrics.count(Metric::LoginFailure, &[]);
            tell_refused("wrong_credentials");
            blur(started_at, app.config.sign_in.refusal_step).await;
            show_again(Refusal::wrong_credentials())
        }
        Err(AuthError::Unavailable(error)) => show_again(keystone_failed(&app, &attempt, &error).await),
    }
}

/// The address stands in the request's own line. The name does not: people type passwords there.
pub fn tell_refused(code: &str) {
    tracing::info!(code, "refused a sign-in");
}

/// Gives the attempt back, since nobody was refused, and says which of the two it was: down or slow.
pub async fn keystone_failed(
    app: &App,
    attempt: &super::attempts::Attempt,
    error: &UpstreamError,
) -> Refusal {
    if let Err(error) = app.attempts.give_back(attempt).await {
        tracing::warn!(%error, "an attempt that was no failure stays counted");
    }
    app.metrics.count(Metric::LoginUnavailable, &[]);
    tracing::warn!(code = error.code(), %error, "Keystone did not answer a sign-in");
    Refusal::of_keystone(error)
}

/// Keystone refuses an unknown user in 5 ms and a wrong password in 200. Waiting for the next full step hides which
/// of the two it was.
pub async fn blur(started_at: Instant, step: Duration) {
    if !step.is_zero() {
        let steps = started_at.elapsed().as_nanos() / step.as_nanos() + 1;
        let until = step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX));
        tokio::time::sleep_until((started_at + until).into()).await;
    }
}
