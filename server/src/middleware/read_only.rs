//! What a session may not do while it looks at a customer's project: see [`SupportView`].

use std::time::Duration;

use api_types::routes;
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, RawPathParams, Request},
    http::request::Parts,
};
use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};

use super::route::Route;
use crate::{
    app::App,
    error::ApiError,
    proxy,
    session::{Caller, SupportView},
};

/// Refuses every state change in the project that is looked at, and the sockets to its servers, where keys are
/// pressed. Gives the body back.
///
/// In other projects the operator goes on as ever. A route that is not known here to touch no project, or another one,
/// counts as one that touches it: what is added later is refused before it is thought of. Reading the log of a server's
/// console is no change, though Nova has it among the actions.
///
/// Errors: 403 `support_view_read_only`; for such sockets those of [`Caller`].
pub async fn read_only(
    app: &App,
    parts: &mut Parts,
    body: Body,
    is_change: bool,
    is_socket: bool,
) -> Result<Body, ApiError> {
    let taken = Route::of_parts(&parts.uri, &parts.extensions);
    let route = taken.as_str().unwrap_or_default();
    let may_change = is_change || route == routes::SERVER_CONSOLE || is_socket && route == routes::CLOUD;
    if !may_change {
        return Ok(body);
    }
    let caller = <Caller as FromRequestParts<App>>::from_request_parts(parts, app).await?;
    let Some(view) = caller.session.support_view(&app.clock) else { return Ok(body) };
    if !may_touch(app, parts, route, &caller, &view).await {
        return Ok(body);
    }
    if route == routes::CLOUD
        && proxy::is_server_action(parts)
        && let Some(asked) = console_log_asked(body).await
    {
        return Ok(Body::from(asked));
    }
    tracing::info!(
        target: crate::log::AUDIT,
        project = view.project.as_str(),
        support_view = %view.id,
        method = %parts.method,
        route,
        "a support view refused a change"
    );
    Err(ApiError::SupportViewReadOnly { project: view.project.to_string() })
}

/// Whether it reads what gives a hand on a server.
pub fn opens_console(request: &Request) -> bool {
    Route::of(request).as_str() == Some(routes::SERVER_CONSOLE)
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

/// The action that reads the log of a server's console, and nothing beside it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadConsoleLog {
    #[serde(rename = "os-getConsoleOutput")]
    _asked: HowMuch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HowMuch {
    #[serde(rename = "length")]
    _length: Option<IgnoredAny>,
}

/// The body of such an action has hardly more than its name.
const LARGEST_READ: usize = 256;
const READ_WITHIN: Duration = Duration::from_secs(5);

/// The body, if it asks for the log of a console; `None` for everything else, and for what is too long or too slow.
async fn console_log_asked(body: Body) -> Option<Bytes> {
    let read = tokio::time::timeout(READ_WITHIN, to_bytes(body, LARGEST_READ));
    let body = read.await.ok()?.ok()?;
    serde_json::from_slice::<ReadConsoleLog>(&body).ok()?;
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_one_question_about_a_consoles_log_is_no_change() {
        for read in [
            r#"{"os-getConsoleOutput": {}}"#,
            r#"{"os-getConsoleOutput": {"length": 50}}"#,
            r#"{"os-getConsoleOutput": {"length": null}}"#,
            r#" {"os-getConsoleOutput": {"length": "-1"}} "#,
        ] {
            let asked = console_log_asked(Body::from(read)).await;
            assert_eq!(asked.as_deref(), Some(read.as_bytes()), "goes on as it came");
        }
        let long = format!(r#"{{"os-getConsoleOutput": {{"length": "{}"}}}}"#, "1".repeat(LARGEST_READ));
        for change in [
            "",
            "{}",
            "[]",
            "nonsense",
            r#"{"reboot": {"type": "HARD"}}"#,
            r#"{"os-getConsoleOutput": {}, "reboot": {"type": "HARD"}}"#,
            r#"{"reboot": {"type": "HARD"}, "os-getConsoleOutput": {}}"#,
            r#"{"os-getConsoleOutput": {}, "os-getConsoleOutput": {}}"#,
            r#"{"os-getConsoleOutput": {}}{"reboot": {"type": "HARD"}}"#,
            r#"{"os-getConsoleOutput": {"length": 1, "reboot": {}}}"#,
            r#"{"os-getConsoleOutput": null}"#,
            r#"{"OS-GETCONSOLEOUTPUT": {}}"#,
            r#"["os-getConsoleOutput"]"#,
            &long,
        ] {
            assert_eq!(console_log_asked(Body::from(change.to_owned())).await, None, "{change}");
        }
    }
}
