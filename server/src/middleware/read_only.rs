//! What a session may not do while it looks at a customer's project: see [`SupportView`].

use api_types::routes;
use axum::{
    extract::{FromRequestParts, MatchedPath, RawPathParams},
    http::request::Parts,
};

use crate::{
    app::App,
    error::ApiError,
    proxy,
    session::{Caller, SupportView},
};

/// Refuses every state change in the project that is looked at, and the sockets to its servers, where keys are
/// pressed.
///
/// In other projects the operator goes on as ever. A route that is not known here to touch no project, or another one,
/// counts as one that touches it: what is added later is refused before it is thought of.
///
/// Errors: 403 `support_view_read_only`; for such sockets those of [`Caller`].
pub async fn read_only(
    app: &App,
    parts: &mut Parts,
    is_change: bool,
    is_socket: bool,
) -> Result<(), ApiError> {
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str).unwrap_or_default();
    let may_change = is_change || route == routes::SERVER_CONSOLE || is_socket && route == routes::CLOUD;
    if !may_change {
        return Ok(());
    }
    let caller = <Caller as FromRequestParts<App>>::from_request_parts(parts, app).await?;
    let Some(view) = caller.session.support_view(app.clock.now()) else { return Ok(()) };
    if !may_touch(app, parts, route, &caller, &view).await {
        return Ok(());
    }
    tracing::info!(
        facility = "operator",
        project = view.project.as_str(),
        support_view = %view.id,
        method = %parts.method,
        route,
        "a support view refused a change"
    );
    Err(ApiError::SupportViewReadOnly { project: view.project.to_string() })
}

/// What touches no project: one's own sessions, what browsers tell of themselves, and the console itself.
const OF_NO_PROJECT: &[&str] =
    &[routes::SESSION_CONTINUE, routes::SESSIONS, routes::SESSION_BY_ID, routes::ANALYTICS];
const OF_OPERATORS: &str = "/api/operator/";

async fn may_touch(app: &App, parts: &mut Parts, route: &str, caller: &Caller, view: &SupportView) -> bool {
    // What is nested has no route of its own yet.
    if OF_NO_PROJECT.contains(&route) || parts.uri.path().starts_with(OF_OPERATORS) {
        return false;
    }
    if route == routes::CLOUD {
        let project = proxy::project_of_request(parts, &caller.session);
        return project.map_or(true, |project| view.is_of(project.as_str()));
    }
    let Ok(params) = RawPathParams::from_request_parts(parts, app).await else { return true };
    if let Some((_, project)) = params.iter().find(|(name, _)| *name == "project") {
        return view.is_of(project);
    }
    if let Some((_, job)) = params.iter().find(|(name, _)| *name == "job") {
        let Ok(job) = job.parse() else { return true };
        let found = app.jobs.store().find_job(&caller.user().id, job).await;
        // None of the caller's: the handler says so.
        return found.map_or(true, |job| job.is_some_and(|job| view.is_of(&job.project_id)));
    }
    true
}
