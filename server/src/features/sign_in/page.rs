//! The pages: the form, with what went wrong the last time, and the form for the one-time code.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::next_path::NextPath;
use crate::{
    app::App,
    error::{ApiError, in_words, seconds_up},
    page_style,
    session::{Caller, CookieSecret, Cookies, Keystone},
    upstream::UpstreamError,
};

#[derive(Deserialize)]
pub struct SignInQuery {
    #[serde(default)]
    next: NextPath,
}

/// Shows the form; who is signed in already goes on to where they wanted to go.
///
/// Errors: 503 the session cannot be looked up.
pub async fn show_sign_in(
    caller: Result<Caller, ApiError>,
    State(app): State<App>,
    Query(query): Query<SignInQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match caller {
        // With an expired token the panel would only send them back here.
        Ok(caller) if !caller.session.is_token_expired(app.clock.now()) => {
            return Ok(Redirect::to(query.next.as_str()).into_response());
        }
        // A session that this node cannot read keeps nobody from opening another.
        Ok(_) | Err(ApiError::NoSession | ApiError::SessionEnded | ApiError::SessionUnreadable) => {}
        Err(error) => return Err(error),
    }
    let filled = Filled { next: query.next, ..Filled::default() };
    form_page(&app, &headers, &filled, None)
}

/// What was typed before, to be shown again. The password never is.
#[derive(Default)]
pub struct Filled {
    pub user: String,
    pub domain: String,
    pub next: NextPath,
}

/// Why a form is shown again.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub sentence: String,
    /// Seconds to wait, as a header for programs.
    pub retry_after_secs: Option<u64>,
}

impl Refusal {
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into(), retry_after_secs: None }
    }

    /// Wrong name, wrong password, unknown, disabled: one sentence for all of them.
    pub fn wrong_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "The user name or password is not correct.")
    }

    pub fn wrong_code() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "The code is not correct. Codes change every 30 seconds; please enter a new one.",
        )
    }

    /// Keystone does not answer: not at all, or not in time.
    pub fn of_keystone(error: &UpstreamError) -> Self {
        match error {
            UpstreamError::Timeout { .. } | UpstreamError::TooBusy => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "The identity service is taking too long to answer. Nothing is wrong with what you entered; please try again.",
            ),
            _ => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The identity service cannot be reached, so nobody can sign in at the moment. Please try again in a few minutes.",
            ),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let sentence = match &error {
            ApiError::LockedOut { retry_after } => {
                format!("Too many attempts have failed. Please try again in {}.", in_words(*retry_after))
            }
            ApiError::Database { .. } => {
                "The panel cannot reach its own records, so nobody can sign in at the moment. Please try again shortly."
                    .to_owned()
            }
            ApiError::Upstream { source, target } if *target == Keystone::target() => {
                return Self::of_keystone(source);
            }
            _ => error.sentence(),
        };
        let retry_after_secs = error.retry_after().map(seconds_up);
        Self { status: error.status(), sentence, retry_after_secs }
    }
}

/// The form for user and password.
pub fn form_page(
    app: &App,
    headers: &HeaderMap,
    filled: &Filled,
    refusal: Option<&Refusal>,
) -> Result<Response, ApiError> {
    let (secret, is_new) = form_secret(app, headers)?;
    let config = &app.config.sign_in;
    let domain = DomainField::of(&config.domains);
    let page = SignInPage {
        brand: &config.brand,
        help_url: config.help_url.as_deref(),
        refusal: refusal.map(|refusal| refusal.sentence.as_str()),
        user: &filled.user,
        domain_value: if filled.domain.is_empty() { domain.default() } else { &filled.domain },
        domain,
        next: filled.next.as_str(),
        form_token: &secret.form_token(),
        theme: page_style::theme(headers),
        style: page_style::CSS,
    };
    let html = page.render().map_err(ApiError::internal("writing the sign-in page"))?;
    Ok(respond(app, html, is_new.then_some(&secret), refusal))
}

/// The form for the one-time code.
pub fn totp_page(
    app: &App,
    headers: &HeaderMap,
    user: &str,
    refusal: Option<&Refusal>,
) -> Result<Response, ApiError> {
    let (secret, is_new) = form_secret(app, headers)?;
    let config = &app.config.sign_in;
    let page = TotpPage {
        brand: &config.brand,
        help_url: config.help_url.as_deref(),
        refusal: refusal.map(|refusal| refusal.sentence.as_str()),
        user,
        form_token: &secret.form_token(),
        theme: page_style::theme(headers),
        style: page_style::CSS,
    };
    let html = page.render().map_err(ApiError::internal("writing the page for the code"))?;
    Ok(respond(app, html, is_new.then_some(&secret), refusal))
}

/// Whether a form was sent by the browser we gave it to.
pub fn is_own_form(app: &App, headers: &HeaderMap, form_token: &str) -> bool {
    app.cookies.secret(headers, Cookies::FORM).is_some_and(|secret| secret.is_form_token(form_token))
}

/// What is said when it was not; cookies may be off, or the form may be older than the browser's last start.
pub fn stale_form() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "Your browser did not send back the cookie of this form. Please allow cookies for this site and try again.",
    )
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    brand: &'a str,
    help_url: Option<&'a str>,
    refusal: Option<&'a str>,
    user: &'a str,
    domain: DomainField<'a>,
    domain_value: &'a str,
    next: &'a str,
    form_token: &'a str,
    theme: &'static str,
    style: &'static str,
}

#[derive(Template)]
#[template(path = "totp.html")]
struct TotpPage<'a> {
    brand: &'a str,
    help_url: Option<&'a str>,
    refusal: Option<&'a str>,
    user: &'a str,
    form_token: &'a str,
    theme: &'static str,
    style: &'static str,
}

/// How the domain is asked for.
#[derive(Clone, Copy)]
pub enum DomainField<'a> {
    /// There is one; nobody has to know of it.
    Hidden(&'a str),
    Choice(&'a [String]),
    /// Any name may be typed.
    Free,
}

impl<'a> DomainField<'a> {
    pub fn of(domains: &'a [String]) -> Self {
        match domains {
            [only] if only == "*" => Self::Free,
            [only] => Self::Hidden(only),
            several => Self::Choice(several),
        }
    }

    /// The domain a form means, if it may name it.
    pub fn chosen(self, typed: &'a str) -> Option<&'a str> {
        match self {
            Self::Hidden(only) => Some(only),
            Self::Choice(domains) => domains.iter().find(|domain| *domain == typed).map(String::as_str),
            Self::Free => Some(typed.trim()).filter(|typed| (1..=64).contains(&typed.len())),
        }
    }

    fn default(self) -> &'a str {
        match self {
            Self::Hidden(only) => only,
            Self::Choice(domains) => domains.first().map_or("", String::as_str),
            Self::Free => "Default",
        }
    }
}

/// The browser's own secret behind its forms. Kept if it has one, so that a form in another tab stays good.
fn form_secret(app: &App, headers: &HeaderMap) -> Result<(CookieSecret, bool), ApiError> {
    if let Some(secret) = app.cookies.secret(headers, Cookies::FORM) {
        return Ok((secret, false));
    }
    let secret = CookieSecret::random().map_err(ApiError::internal("drawing a random form token"))?;
    Ok((secret, true))
}

fn respond(
    app: &App,
    html: String,
    new_secret: Option<&CookieSecret>,
    refusal: Option<&Refusal>,
) -> Response {
    let status = refusal.map_or(StatusCode::OK, |refusal| refusal.status);
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page_style::policy()));
    if let Some(secret) = new_secret {
        headers.append(header::SET_COOKIE, app.cookies.set(Cookies::FORM, &secret.encoded(), None));
    }
    if let Some(seconds) = refusal.and_then(|refusal| refusal.retry_after_secs) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
