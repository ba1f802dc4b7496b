//! Keystone has accepted the user: open the session and go on.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use api_types::ProjectId;
use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{attempts::Attempt, next_path::NextPath};
use crate::{
    app::App,
    error::ApiError,
    log,
    metrics::Metric,
    session::{AuthError, BrowserName, Cookies, EndReason, Entrance, IssuedToken, Keystone},
    upstream::UpstreamError,
};

/// How long the person at the form waits for Keystone: from the click on, all calls together.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    started_at: Instant,
    limit: Duration,
}

impl Patience {
    pub fn since(started_at: Instant, app: &App) -> Self {
        Self { started_at, limit: app.config.upstream.sign_in_timeout }
    }

    /// The result of a call to Keystone, or that it took too long.
    async fn with<T>(self, call: impl Future<Output = Result<T, AuthError>>) -> Result<T, AuthError> {
        let left = self.limit.saturating_sub(self.started_at.elapsed());
        let too_long = || Err(UpstreamError::Timeout { after: self.limit }.into());
        tokio::time::timeout(left, call).await.unwrap_or_else(|_| too_long())
    }
}

/// Opens a session that stands in the user's project already, so that the first page asks Keystone nothing, and
/// answers with its cookie and the way on. The session the browser had before is over.
///
/// Errors: Keystone or Postgres does not answer, or Keystone not in time; nothing was opened then.
pub async fn complete(
    app: &App,
    headers: &HeaderMap,
    address: IpAddr,
    issued: &IssuedToken,
    attempt: &Attempt,
    next: &NextPath,
    patience: Patience,
) -> Result<Response, ApiError> {
    app.attempts.succeed(attempt).await?;
    let project = default_project(app, issued, patience).await?;
    let scoped = match &project {
        // Without it the session is as good; the first page will ask for it.
        Some(project) => patience.with(app.keystone.scope_to_project(&issued.token, project)).await.ok(),
        None => None,
    };
    let entrance = Entrance { address, browser: BrowserName::of(headers) };
    let (session, cookie) = app.sessions.open(issued, project.as_ref(), &entrance).await?;
    if let Some(scoped) = &scoped {
        app.scopes.adopt(&session, scoped).await;
    }
    // Now, so that the first page of an operator knows, and so that nobody else's request ever takes the time for it.
    app.operators.knows(&session).await;
    end_previous(app, headers).await;
    app.metrics.count(Metric::LoginSuccess, &[]);
    log::note_caller(session.who());
    tracing::info!(browser = entrance.browser.0, "signed in");

    let mut response = Redirect::to(next.as_str()).into_response();
    let set = response.headers_mut();
    set.append(header::SET_COOKIE, app.cookies.set(Cookies::SESSION, &cookie.encoded(), None));
    set.append(header::SET_COOKIE, app.cookies.clear(Cookies::FORM));
    set.append(header::SET_COOKIE, app.cookies.clear(Cookies::FACTOR));
    Ok(response)
}

/// The project used last, if it is still the user's; else the first by name; `None` without any.
async fn default_project(
    app: &App,
    issued: &IssuedToken,
    patience: Patience,
) -> Result<Option<ProjectId>, ApiError> {
    let store = app.sessions.store();
    let (projects, last) = tokio::join!(
        patience.with(app.keystone.list_projects(&issued.token)),
        store.find_last_project(&issued.user.id),
    );
    let mut projects = match projects {
        Ok(projects) => projects,
        Err(AuthError::Unavailable(error)) => return Err(ApiError::upstream(&Keystone::target())(error)),
        Err(AuthError::Refused) => Vec::new(),
    };
    projects.sort_by(|a, b| a.name.cmp(&b.name));
    // Which project was last is a comfort; without it there is still a first.
    let last = last.ok().flatten();
    let chosen = projects.iter().find(|project| Some(&project.id) == last.as_ref()).or(projects.first());
    Ok(chosen.and_then(|project| project.id.parse().ok()))
}

async fn end_previous(app: &App, headers: &HeaderMap) {
    let Some(cookie) = app.cookies.secret(headers, Cookies::SESSION) else { return };
    if let Ok(previous) = app.sessions.find(&cookie, None).await {
        let mut tokens = app.forget_session(previous.id);
        tokens.extend(app.sessions.end(previous.id, EndReason::SignedOut).await);
        app.given_up.add(tokens);
    }
}
