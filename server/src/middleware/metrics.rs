//! Counts and times requests by route.

use std::{borrow::Cow, time::Instant};

use axum::{extract::Request, http::StatusCode};

use super::route::Route;
use crate::metrics::{Metric, Metrics};

/// A request that is handled.
pub struct MeasuredRequest {
    route: Route,
    started_at: Instant,
}

impl MeasuredRequest {
    pub fn begin(request: &Request, started_at: Instant) -> Self {
        Self { route: Route::of(request), started_at }
    }

    pub fn end(self, status: StatusCode, metrics: &Metrics) {
        let route = match &self.route {
            // By far the most of them.
            Route::PassedOn => Cow::Borrowed(PASSED_ON),
            route => Cow::Owned(tag(route.as_str())),
        };
        let outcome = match status.as_u16() {
            ..300 => "ok",
            300..400 => "redirect",
            400..500 => "refused",
            _ => "failed",
        };
        metrics.count(Metric::Request, &[&route, outcome]);
        metrics.time(Metric::RequestDuration, &[&route], self.started_at.elapsed());
    }
}

/// The tag of [`Route::PassedOn`].
const PASSED_ON: &str = "api-cloud-path";

/// The route's template is the tag, never the path: tags have few values.
fn tag(route: Option<&str>) -> String {
    let Some(route) = route.map(|route| route.trim_matches('/')) else { return "none".to_owned() };
    if route.is_empty() {
        return "root".to_owned();
    }
    let kept = route.chars().filter(|character| !matches!(character, '{' | '}' | '*'));
    kept.map(|character| if character == '/' { '-' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_becomes_one_word() {
        assert_eq!(tag(None), "none");
        assert_eq!(tag(Some("/")), "root");
        assert_eq!(tag(Some("/projects/{project}/servers/{server}")), "projects-project-servers-server");
        assert_eq!(tag(Route::PassedOn.as_str()), PASSED_ON);
    }
}
