//! Route paths: templates for the server's router, functions that fill them in for those who call.

use crate::{ProjectId, Region, ServerId, servers::console::ConsoleKind};

/// The sign-in page and where its form goes. Query: `next` (an own path to land on).
pub const SIGN_IN: &str = "/sign-in";
/// Where the second factor's form goes.
pub const SIGN_IN_TOTP: &str = "/sign-in/totp";
/// Ends this session (a form's POST).
pub const SIGN_OUT: &str = "/sign-out";
/// Built files: content-hashed names, cached for ever.
pub const ASSETS: &str = "/assets/{file}";

/// `GET` `OK` while this node is to be sent people, as text; 503 and why otherwise. For traffic managers.
pub const HEALTH: &str = "/health";
/// `GET` `OK` while the process runs, and what it can use, a line each. For the other nodes.
pub const HEALTH_LIVE: &str = "/health/live";
/// `GET` `OK` once it has started with a database that is up to date, until it goes away; 503 otherwise.
pub const HEALTH_READY: &str = "/health/ready";
/// `GET` all that a node knows, for operators only: [`HealthReport`](crate::operator::health::HealthReport).
pub const HEALTH_DETAIL: &str = "/health/detail";

/// `GET` who I am: [`CurrentSession`](crate::session::CurrentSession).
pub const SESSION: &str = "/api/session";
/// `POST` the password again before the token expires: [`ContinueSession`](crate::session::ContinueSession).
pub const SESSION_CONTINUE: &str = "/api/session/continue";
/// `GET` my sessions; `DELETE` all of them but this one (`?include_current=true`: this one too).
pub const SESSIONS: &str = "/api/sessions";
/// `DELETE` one of my sessions.
pub const SESSION_BY_ID: &str = "/api/sessions/{session}";

/// `GET` the projects I may use: [`ListProjectsQuery`](crate::projects::ListProjectsQuery).
pub const PROJECTS: &str = "/api/projects";
/// `GET` the regions of a project and their services: [`ProjectServices`](crate::projects::ProjectServices).
pub const PROJECT_SERVICES: &str = "/api/projects/{project}/services";
/// `GET` the servers of a project, all regions, as a stream of frames (see [`servers::frame`](crate::servers)).
pub const SERVERS: &str = "/api/projects/{project}/servers";
/// `GET` with an upgrade to WebSocket: the same frames, one per binary message, from a position on.
pub const SERVERS_LIVE: &str = "/api/projects/{project}/servers/live";
/// `POST`: ask a region again now, before its back-off is over.
pub const SERVERS_RETRY: &str = "/api/projects/{project}/regions/{region}/servers/retry";
/// `GET` everything about one server: [`ServerDetail`](crate::servers::ServerDetail).
pub const SERVER: &str = "/api/projects/{project}/regions/{region}/servers/{server}";

/// `POST` [`CreateJob`](crate::jobs::CreateJob) in a project: [`Job`](crate::jobs::Job).
pub const PROJECT_JOBS: &str = "/api/projects/{project}/jobs";
/// `GET` my jobs of all projects: [`JobList`](crate::jobs::JobList).
pub const JOBS: &str = "/api/jobs";
/// `GET` one [`Job`](crate::jobs::Job); `POST` [`ControlJob`](crate::jobs::ControlJob).
pub const JOB: &str = "/api/jobs/{job}";
/// `GET` [`JobItems`](crate::jobs::JobItems); query: [`ListJobItemsQuery`](crate::jobs::ListJobItemsQuery).
pub const JOB_ITEMS: &str = "/api/jobs/{job}/items";
/// `GET` every item as CSV, to keep.
pub const JOB_RESULT: &str = "/api/jobs/{job}/result.csv";
/// `GET` with an upgrade to WebSocket: the console of one server (see [`console`](crate::servers::console)).
pub const SERVER_CONSOLE: &str = "/api/projects/{project}/regions/{region}/servers/{server}/console";
/// `GET` what was done to one server through the panel, by whom: [`ServerHistory`](crate::servers::ServerHistory).
pub const SERVER_HISTORY: &str = "/api/projects/{project}/regions/{region}/servers/{server}/history";

/// `POST` what a browser counted: [`AnalyticsBatch`](crate::analytics::AnalyticsBatch).
pub const ANALYTICS: &str = "/api/analytics";
/// `GET` people and projects: [`CustomersFound`](crate::operator::customers::CustomersFound); query:
/// [`FindCustomersQuery`](crate::operator::customers::FindCustomersQuery).
pub const OPERATOR_CUSTOMERS: &str = "/api/operator/customers";
/// `GET` one person: [`CustomerUser`](crate::operator::customers::CustomerUser).
pub const OPERATOR_USER: &str = "/api/operator/customers/users/{user}";
/// `GET` one project: [`CustomerProjectPage`](crate::operator::customers::CustomerProjectPage).
pub const OPERATOR_PROJECT: &str = "/api/operator/customers/projects/{id}";
/// `DELETE` a session of anybody.
pub const OPERATOR_SESSION: &str = "/api/operator/sessions/{session}";
/// `POST` [`LiftLockout`](crate::operator::customers::LiftLockout).
pub const OPERATOR_LOCKOUTS: &str = "/api/operator/lockouts";
/// `POST` [`OpenSupportView`](crate::operator::support_views::OpenSupportView): the
/// [`SupportView`](crate::operator::support_views::SupportView) that began; `GET` the latest of all operators.
pub const OPERATOR_SUPPORT_VIEWS: &str = "/api/operator/support-views";
/// `POST` [`SupportViewPage`](crate::operator::support_views::SupportViewPage): a page was opened in the one there is.
pub const OPERATOR_SUPPORT_VIEW_PAGES: &str = "/api/operator/support-views/pages";
/// A form's `POST`: ends the one there is, and leads back to the customer.
pub const SUPPORT_VIEW_END: &str = "/operator/support-view/end";
/// `GET` graphs of what was measured: [`Statistics`](crate::operator::statistics::Statistics); query:
/// [`StatisticsQuery`](crate::operator::statistics::StatisticsQuery).
pub const OPERATOR_STATISTICS: &str = "/api/operator/statistics";
/// `GET` the health of nodes and services: [`HealthReport`](crate::operator::health::HealthReport).
pub const OPERATOR_HEALTH: &str = "/api/operator/health";
/// `POST` [`ProbeService`](crate::operator::health::ProbeService):
/// [`ProbedService`](crate::operator::health::ProbedService).
pub const OPERATOR_HEALTH_PROBE: &str = "/api/operator/health/probe";
/// `GET` what was counted, for operators: [`AnalyticsReport`](crate::analytics::AnalyticsReport).
pub const OPERATOR_ANALYTICS: &str = "/api/operator/analytics";

/// `GET` with an upgrade to WebSocket: what the browser logs, a [`Batch`](crate::client_log::Batch) a message.
pub const CLIENT_LOG: &str = "/api/client-log";
/// `POST` a [`Beacon`](crate::client_log::Beacon): the same from a page that ends, or before sign-in. Outside of the API,
/// since a beacon can carry no header; it has its token in the body, as forms do.
pub const CLIENT_LOG_BEACON: &str = "/client-log";

/// Any method, passed on to a service of a region: `/api/cloud/{region}/{service}/…`, where service is `compute`,
/// `image`, `network` or `block-storage` and the rest is the path below the service's versioned endpoint. The project
/// is that of [`PROJECT_HEADER`], else of [`PROJECT_PARAMETER`], else the session's first.
pub const CLOUD: &str = "/api/cloud/{*path}";
/// What every path of [`CLOUD`] begins with.
pub const CLOUD_PREFIX: &str = "/api/cloud/";

/// `GET` lines of the log: [`LogPage`](crate::operator::logs::LogPage); query:
/// [`LogQuery`](crate::operator::logs::LogQuery). As all that begins so, for operators only.
pub const OPERATOR_LOGS: &str = "/api/operator/logs";
/// `GET` the lines that come from now on, as server-sent events; the same query.
pub const OPERATOR_LOGS_LIVE: &str = "/api/operator/logs/live";
/// `GET` the lines as a file: `?format=csv` or `ndjson`, and the same query.
pub const OPERATOR_LOGS_EXPORT: &str = "/api/operator/logs/export";
/// `GET` what is logged at the moment: [`LogLevels`](crate::operator::logs::LogLevels); `POST`
/// [`SetLogLevel`](crate::operator::logs::SetLogLevel).
pub const OPERATOR_LEVELS: &str = "/api/operator/levels";
/// `DELETE` one that is set, before its time is over.
pub const OPERATOR_LEVEL: &str = "/api/operator/levels/{level}";
/// `GET` who has which flag: [`FlagList`](crate::operator::flags::FlagList).
pub const OPERATOR_FLAGS: &str = "/api/operator/flags";
/// `PUT` [`SetFlag`](crate::operator::flags::SetFlag): the [`FlagState`](crate::operator::flags::FlagState) from now on;
/// `DELETE` what is set, so that it is as configured again.
pub const OPERATOR_FLAG: &str = "/api/operator/flags/{flag}";

/// The media type of the binary stream; without it in `Accept` the stream is NDJSON.
pub const FRAMES_MEDIA_TYPE: &str = "application/vnd.meridian.frames";
/// The media type of the stream as JSON lines: one [`Event`](crate::servers::Event) a line.
pub const NDJSON_MEDIA_TYPE: &str = "application/x-ndjson";
/// The header that carries [`CurrentSession::csrf_token`](crate::session::CurrentSession) on every state change.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// The project a request below [`CLOUD`] is made in.
pub const PROJECT_HEADER: &str = "x-meridian-project";
/// The same as a parameter of the query, where no header can be set: downloads, WebSockets. It is not sent on.
pub const PROJECT_PARAMETER: &str = "meridian_project";
/// On every answer below [`CLOUD`] that a service gave itself, errors included; its value is [`ANSWER_UPSTREAM`].
/// Without it the answer is ours, and an error is an [`ErrorBody`](crate::ErrorBody).
pub const ANSWER_HEADER: &str = "x-meridian-answer";
/// The value of [`ANSWER_HEADER`].
pub const ANSWER_UPSTREAM: &str = "upstream";
/// The id of a request in our logs, on every answer.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// A path below [`CLOUD`]: `path` is below the service's versioned endpoint, without a slash before it, already
/// encoded, and may have a query.
pub fn cloud(region: &Region, service: &str, path: &str) -> String {
    format!("{CLOUD_PREFIX}{region}/{service}/{path}")
}

/// `user` has to be encoded as a part of a path.
pub fn operator_user(user: &str) -> String {
    format!("/api/operator/customers/users/{user}")
}

pub fn operator_project(id: &ProjectId) -> String {
    format!("/api/operator/customers/projects/{id}")
}

pub fn operator_session(id: &str) -> String {
    format!("/api/operator/sessions/{id}")
}

pub fn session_by_id(id: &str) -> String {
    format!("/api/sessions/{id}")
}

pub fn project_services(project: &ProjectId) -> String {
    format!("/api/projects/{project}/services")
}

pub fn servers(project: &ProjectId) -> String {
    format!("/api/projects/{project}/servers")
}

pub fn servers_live(project: &ProjectId) -> String {
    format!("/api/projects/{project}/servers/live")
}

pub fn servers_retry(project: &ProjectId, region: &Region) -> String {
    format!("/api/projects/{project}/regions/{region}/servers/retry")
}

pub fn server(project: &ProjectId, region: &Region, server: &ServerId) -> String {
    format!("/api/projects/{project}/regions/{region}/servers/{server}")
}

pub fn project_jobs(project: &ProjectId) -> String {
    format!("/api/projects/{project}/jobs")
}

pub fn job(id: &str) -> String {
    format!("/api/jobs/{id}")
}

pub fn job_items(id: &str) -> String {
    format!("/api/jobs/{id}/items")
}

pub fn job_result(id: &str) -> String {
    format!("/api/jobs/{id}/result.csv")
}

pub fn server_history(project: &ProjectId, region: &Region, server: &ServerId) -> String {
    format!("/api/projects/{project}/regions/{region}/servers/{server}/history")
}

pub fn operator_level(id: &str) -> String {
    format!("/api/operator/levels/{id}")
}

pub fn operator_flag(name: &str) -> String {
    format!("/api/operator/flags/{name}")
}

pub fn server_console(project: &ProjectId, region: &Region, server: &ServerId, kind: ConsoleKind) -> String {
    format!("/api/projects/{project}/regions/{region}/servers/{server}/console?kind={}", kind.protocol())
}
