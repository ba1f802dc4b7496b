//! Writes the shell, or sends people to where they can go.

use std::time::Duration;

use api_types::{ProjectId, analytics::AnalyticsConsent, routes};
use askama::Template;
use axum::{
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::icons;
use crate::{
    app::App,
    assets,
    error::ApiError,
    flags::{Flag, Whom},
    page_style,
    session::{Caller, Operator, Session, SupportView},
};

/// Sends the caller to the servers of the project used last, or of the first one if that is no longer the caller's;
/// without any project, says so.
///
/// Errors: 503 the session cannot be looked up.
pub async fn show_start(
    caller: Option<Caller>,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(session) = signed_in(&app, caller.as_ref()) else { return Ok(to_sign_in(&uri)) };
    match start_project(&app, session).await {
        Some(project) => Ok(Redirect::to(&servers_path(&project)).into_response()),
        None => no_project(&app, session, &headers),
    }
}

/// A project has no page of its own yet: its servers are what people come for.
pub async fn show_project(Path(project): Path<ProjectId>) -> Redirect {
    Redirect::to(&servers_path(&project))
}

/// The shell for the servers list and for one server; which of the two, the browser reads from the address.
///
/// Errors: 400 the address names no project, 503 the session cannot be looked up.
pub async fn show_servers(
    caller: Option<Caller>,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    Path(path): Path<ServersPath>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let kind = if path.server.is_some() { Kind::Server } else { Kind::Servers };
    match signed_in(&app, caller.as_ref()) {
        Some(session) => shell(&app, session, &headers, kind, Some(&path.project)),
        None => Ok(to_sign_in(&uri)),
    }
}

/// The shell for the other pages of a project, each by the last part of its address.
///
/// Errors: 400 the address names no project, 503 the session cannot be looked up.
pub async fn show_product(
    caller: Option<Caller>,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<ProjectId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let page = uri.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let kind = match page {
        "new" => Kind::NewServer,
        "images" => Kind::Images,
        "key-pairs" => Kind::KeyPairs,
        "flavors" => Kind::Flavors,
        "server-groups" => Kind::ServerGroups,
        _ => Kind::Quotas,
    };
    match signed_in(&app, caller.as_ref()) {
        Some(session) => shell(&app, session, &headers, kind, Some(&project)),
        None => Ok(to_sign_in(&uri)),
    }
}

/// The shell for the caller's own sessions.
///
/// Errors: 503 the session cannot be looked up.
pub async fn show_account(
    caller: Option<Caller>,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match signed_in(&app, caller.as_ref()) {
        Some(session) => shell(&app, session, &headers, Kind::Account, session.default_project.as_ref()),
        None => Ok(to_sign_in(&uri)),
    }
}

/// The shell for the operator's console, each section of which the browser reads from the address.
///
/// Errors: 404 the caller is no operator.
pub async fn show_operator(
    operator: Operator,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match signed_in(&app, Some(&operator.caller)) {
        Some(session) => shell(&app, session, &headers, Kind::Operator, None),
        None => Ok(to_sign_in(&uri)),
    }
}

/// The projects were listed when the session was opened.
const CHECKED_AT_SIGN_IN: TimeDelta = TimeDelta::seconds(60);
/// A redirect is not worth a longer wait for Keystone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the addresses of servers hold, checked before the browser's program sees it.
#[derive(serde::Deserialize)]
pub struct ServersPath {
    project: ProjectId,
    #[allow(dead_code, reason = "reading it is the check")]
    region: Option<api_types::Region>,
    server: Option<api_types::ServerId>,
}

/// Which page the frame is drawn for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Servers,
    Server,
    NewServer,
    Images,
    KeyPairs,
    Flavors,
    ServerGroups,
    Quotas,
    Account,
    Operator,
}

impl Kind {
    /// The product a page belongs to, by what the addresses of its pages begin with.
    fn product(self) -> &'static str {
        match self {
            Self::Servers | Self::Server | Self::NewServer => "servers",
            Self::Images => "images",
            Self::KeyPairs => "key-pairs",
            Self::Flavors => "flavors",
            Self::ServerGroups => "server-groups",
            Self::Quotas => "quotas",
            Self::Account | Self::Operator => "",
        }
    }
}

/// A line of the column at the side.
struct Product {
    key: &'static str,
    name: &'static str,
    icon: &'static str,
}

/// The same as in `frontend/src/app/frame.rs`.
const PRODUCTS: [Product; 6] = [
    Product { key: "servers", name: "Servers", icon: icons::SERVER },
    Product { key: "images", name: "Images", icon: icons::IMAGE },
    Product { key: "key-pairs", name: "Key pairs", icon: icons::KEY },
    Product { key: "flavors", name: "Flavors", icon: icons::FLAVOR },
    Product { key: "server-groups", name: "Server groups", icon: icons::SERVER_GROUP },
    Product { key: "quotas", name: "Quotas", icon: icons::QUOTA },
];

#[derive(Template)]
#[template(path = "shell.html")]
struct Shell<'a> {
    brand: &'a str,
    kind: Kind,
    title: &'static str,
    /// What stands where the page's title will.
    heading: &'static str,
    products: &'static [Product],
    /// What the addresses of the products' pages begin with.
    project_path: Option<String>,
    theme: &'static str,
    release: &'static str,
    /// What an operator looks at for a customer: said over every page.
    support_view: Option<SupportView>,
    /// Seconds since 1970: browsers are told how long it lasts, since their clocks may be hours off.
    now: i64,
    /// Names of the flags that the user has. A page keeps them for as long as it is open.
    flags: String,
    /// Whether people are asked before the panel's use is counted, and how many days it is kept; `None`: it is not.
    analytics: Option<(&'static str, u32)>,
    csrf_token: &'a str,
    styles: &'static str,
    /// The sheet of all pages but the list.
    part_styles: &'static str,
    script: &'static str,
    module: &'static str,
    boot: &'static str,
}

#[derive(Template)]
#[template(path = "no_project.html")]
struct NoProjectPage<'a> {
    brand: &'a str,
    user: &'a str,
    help_url: Option<&'a str>,
    csrf_token: &'a str,
    theme: &'static str,
    style: &'static str,
}

/// A page with an expired token would begin with a dialog over nothing: better the sign-in page.
fn signed_in<'a>(app: &App, caller: Option<&'a Caller>) -> Option<&'a Session> {
    caller.map(|caller| &*caller.session).filter(|session| !session.is_token_expired(app.clock.now()))
}

/// The project used last or the session's own, if it is still among the caller's; else the first by name.
async fn start_project(app: &App, session: &Session) -> Option<ProjectId> {
    let store = app.sessions.store();
    let last = store.find_last_project(&session.user.id).await.ok().flatten();
    let last: Option<ProjectId> = last.and_then(|id| id.parse().ok());
    let wanted = last.as_ref().or(session.default_project.as_ref());
    let is_new = app.clock.now() - session.created_at < CHECKED_AT_SIGN_IN;
    if is_new && wanted.is_some() && wanted == session.default_project.as_ref() {
        return wanted.cloned();
    }
    // A Keystone that does not answer, or not soon, has not taken the project away.
    let listed = tokio::time::timeout(PATIENCE, app.projects.list(session)).await;
    let Ok(Ok(projects)) = listed else { return wanted.cloned() };
    let has = |id: &ProjectId| projects.iter().any(|project| project.id == *id);
    // One that is not listed stays noted: the list may be a little older than the project.
    if let Some(last) = last.filter(|last| has(last)) {
        return Some(last);
    }
    let own = session.default_project.clone().filter(has);
    own.or_else(|| projects.first().map(|project| project.id.clone()))
}

fn shell(
    app: &App,
    session: &Session,
    headers: &HeaderMap,
    kind: Kind,
    project: Option<&ProjectId>,
) -> Result<Response, ApiError> {
    let (title, heading) = match kind {
        Kind::Servers => ("Servers", "Servers"),
        // Its name is known to the browser's program, or will be.
        Kind::Server => ("Server", "\u{a0}"),
        Kind::NewServer => ("Create servers", "Create servers"),
        Kind::Images => ("Images", "Images"),
        Kind::KeyPairs => ("Key pairs", "Key pairs"),
        Kind::Flavors => ("Flavors", "Flavors"),
        Kind::ServerGroups => ("Server groups", "Server groups"),
        Kind::Quotas => ("Quotas", "Quotas"),
        Kind::Account => ("My sessions", "My sessions"),
        // Its sections draw their own headings.
        Kind::Operator => ("Operator console", "\u{a0}"),
    };
    let page = Shell {
        brand: &app.config.sign_in.brand,
        kind,
        title,
        heading,
        products: &PRODUCTS,
        project_path: project.map(|project| format!("/projects/{project}")),
        theme: page_style::theme(headers),
        release: crate::RELEASE,
        support_view: session.support_view(&app.clock),
        now: app.clock.now().timestamp(),
        flags: flags_of(app, session),
        analytics: analytics_rules(app),
        csrf_token: &app.sessions.csrf_token(session),
        styles: assets::name("styles.css").unwrap_or("styles.css"),
        part_styles: assets::name("parts.css").unwrap_or("parts.css"),
        script: assets::name("frontend.js").unwrap_or("frontend.js"),
        module: assets::name("frontend_bg.wasm").unwrap_or("frontend_bg.wasm"),
        boot: assets::name("boot.js").unwrap_or("boot.js"),
    };
    let html = page.render().map_err(ApiError::internal("writing the shell"))?;
    Ok(with_etag(html, headers))
}

/// As the browser's program reads it from the page.
fn analytics_rules(app: &App) -> Option<(&'static str, u32)> {
    let rules = app.analytics.rules();
    match rules.consent {
        AnalyticsConsent::Ask => Some(("ask", rules.keep_days)),
        AnalyticsConsent::NotNeeded => Some(("not_needed", rules.keep_days)),
        AnalyticsConsent::Off => None,
    }
}

/// As the boot script and the browser's program read them from the page.
fn flags_of(app: &App, session: &Session) -> String {
    let whom = Whom { id: &session.user.id, name: &session.user.name };
    let names: Vec<&str> = app.flags.of(whom).into_iter().map(Flag::name).collect();
    names.join(" ")
}

/// The page is the same until the release, the session, its flags or the theme change; then a return to it costs no bytes.
fn with_etag(html: String, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&html)[..12]));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_known = known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag);
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { Html(html).into_response() };
    let set = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        set.insert(header::ETAG, etag);
    }
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    set.insert(header::VARY, HeaderValue::from_static("Cookie"));
    response
}

fn no_project(app: &App, session: &Session, headers: &HeaderMap) -> Result<Response, ApiError> {
    let page = NoProjectPage {
        brand: &app.config.sign_in.brand,
        user: &session.user.name,
        help_url: app.config.sign_in.help_url.as_deref(),
        csrf_token: &app.sessions.csrf_token(session),
        theme: page_style::theme(headers),
        style: page_style::CSS,
    };
    let html = page.render().map_err(ApiError::internal("writing the page without a project"))?;
    let policy = (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page_style::policy()));
    Ok(([policy], Html(html)).into_response())
}

fn servers_path(project: &ProjectId) -> String {
    format!("/projects/{project}/servers")
}

fn to_sign_in(uri: &Uri) -> Response {
    let here = uri.path_and_query().map_or("/", |whole| whole.as_str());
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
    let there = if here == "/" { routes::SIGN_IN.to_owned() } else { format!("{}?{query}", routes::SIGN_IN) };
    Redirect::to(&there).into_response()
}
