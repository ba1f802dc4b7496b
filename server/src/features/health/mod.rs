//! Answers for traffic managers and the other nodes: texts of a line, read from memory, without a session.

use api_types::routes;
use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
    routing::get,
};

use crate::{
    app::App,
    health::{Health, Verdict, need_lines},
    session::{ClientAddress, RequestId},
};

/// Needs neither the middleware of people's requests nor its log lines: see [`quiet`].
pub fn router() -> Router<App> {
    Router::new()
        .route(routes::HEALTH, get(show_health))
        .route(routes::HEALTH_LIVE, get(show_live))
        .route(routes::HEALTH_READY, get(show_ready))
}

/// Whether people are to be sent to this node: 200 `OK`, or 503 with what is lacking.
async fn show_health(State(health): State<Health>) -> (StatusCode, String) {
    let verdict = health.verdict();
    let status = match verdict {
        Verdict::InService { .. } => StatusCode::OK,
        Verdict::OutOfService { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, verdict.to_text())
}

/// That the process runs, whatever it lacks; what it can use is said below, for nodes that ask for a second opinion.
async fn show_live(State(health): State<Health>) -> String {
    format!("OK\n{}", need_lines(&health.snapshot()))
}

/// Whether the node has started, with a database that is up to date, and is not going away.
async fn show_ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    match health.is_ready() {
        true => (StatusCode::OK, "OK\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "NOT READY\n"),
    }
}

/// Probes come every second from every balancer: a line each, for whoever looks for one. What changes has a line of its
/// own, from the checks.
pub async fn quiet(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let extensions = request.extensions();
    let id = extensions.get::<RequestId>().cloned().unwrap_or_default();
    let address = extensions.get::<ClientAddress>().map(|ClientAddress(address)| address.to_string());
    let response = next.run(request).await;
    tracing::debug!(
        facility = "health",
        request_id = &*id.0,
        path,
        address,
        status = response.status().as_u16(),
        "probe"
    );
    response
}
