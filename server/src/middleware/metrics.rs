//! Counts and times requests by route.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};

use crate::metrics::{Metric, Metrics, Timer};

/// The route's template is the tag, never the path: tags have few values.
pub async fn metrics(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let route = route.as_deref().map_or("none", |route| route.trim_matches('/'));
    let route = if route.is_empty() {
        "root".to_owned()
    } else {
        route.replace(['{', '}', '*'], "").replace('/', "-")
    };
    let timer = Timer::start();
    let response = next.run(request).await;
    let outcome = match response.status().as_u16() {
        ..300 => "ok",
        300..400 => "redirect",
        400..500 => "refused",
        _ => "failed",
    };
    metrics.count(Metric::Request, &[&route, outcome]);
    metrics.time(Metric::RequestDuration, &[&route], timer.elapsed());
    response
}
