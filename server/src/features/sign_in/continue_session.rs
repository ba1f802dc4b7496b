//! The password again, in a dialog, before or after the token runs out: the session goes on with a new token.

use std::time::Instant;

use api_types::session::{ContinueSession, CurrentSession};
use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
};

use super::{attempts::Attempt, password::blur, totp::normal_code};
use crate::{
    app::App,
    error::ApiError,
    metrics::Metric,
    secret::Secret,
    session::{
        AuthError, Caller, ClientAddress, CookieSecret, Cookies, IssuedToken, Keystone, PasswordAnswer,
        Session, current_session,
    },
    upstream::UpstreamError,
};

/// Goes on with the caller's session: same user, same page, new token, new cookie.
///
/// Errors: 401 no session, 403 wrong password or code (`wrong_credentials`) or a code is needed
/// (`second_factor_needed`), 429 locked out, 503 or 504 Keystone does not answer.
pub async fn continue_session(
    caller: Caller,
    old_cookie: CookieSecret,
    State(app): State<App>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Json(body): Json<ContinueSession>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<CurrentSession>), ApiError> {
    let started_at = Instant::now();
    let session = &*caller.session;
    let attempt =
        app.attempts.begin(&session.user.name, &session.user.domain, address).await.inspect_err(|error| {
            if matches!(error, ApiError::LockedOut { .. }) {
                app.metrics.count(Metric::LoginLockout, &[]);
            }
        })?;
    let issued = match check(&app, session, &Secret::new(body.password), body.totp.as_deref()).await {
        // Keystone answers for whom it was asked; were it another user, this session would change hands.
        Ok(issued) if issued.user.id == session.user.id => issued,
        Ok(_) | Err(Refusal::Wrong) => {
            app.metrics.count(Metric::LoginFailure, &[]);
            blur(started_at, app.config.sign_in.refusal_step).await;
            return Err(ApiError::WrongCredentials);
        }
        Err(Refusal::CodeNeeded) => return give_back(&app, &attempt, ApiError::SecondFactorNeeded).await,
        Err(Refusal::Keystone(error)) => {
            app.metrics.count(Metric::LoginUnavailable, &[]);
            return give_back(&app, &attempt, ApiError::upstream(&Keystone::target())(error)).await;
        }
    };
    app.attempts.succeed(&attempt).await?;
    let cookie = app.sessions.renew(session, &old_cookie, &issued).await?;
    app.scopes.forget_session(session.id);
    app.metrics.count(Metric::LoginSuccess, &[]);
    let renewed = app.sessions.find(&cookie, Some(address)).await?;
    let current = current_session(&app.sessions, &app.operators, &renewed, &app.config, &app.clock).await;
    let set_cookie = app.cookies.set(Cookies::SESSION, &cookie.encoded(), None);
    Ok(([(header::SET_COOKIE, set_cookie)], Json(current)))
}

enum Refusal {
    Wrong,
    CodeNeeded,
    Keystone(UpstreamError),
}

async fn check(
    app: &App,
    session: &Session,
    password: &Secret,
    code: Option<&str>,
) -> Result<IssuedToken, Refusal> {
    let receipt = match app.keystone.check_password_again(&session.user, password).await? {
        PasswordAnswer::Token(issued) => return Ok(*issued),
        PasswordAnswer::SecondFactor(receipt) => receipt,
    };
    let code = code.filter(|code| !code.trim().is_empty()).ok_or(Refusal::CodeNeeded)?;
    let code = normal_code(code).ok_or(Refusal::Wrong)?;
    Ok(app.keystone.check_totp(&receipt.receipt, &session.user.name, &session.user.domain, &code).await?)
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused => Self::Wrong,
            AuthError::Unavailable(error) => Self::Keystone(error),
        }
    }
}

async fn give_back<T>(app: &App, attempt: &Attempt, error: ApiError) -> Result<T, ApiError> {
    app.attempts.give_back(attempt).await?;
    Err(error)
}
