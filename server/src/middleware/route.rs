//! Which of the panel's routes a request takes.

use api_types::routes;
use axum::{
    extract::{MatchedPath, Request},
    http::{Extensions, Uri},
};

use crate::proxy::is_passed_on;

/// The route's template, never the path: there are few of them.
#[derive(Clone)]
pub enum Route {
    /// To a service of the cloud.
    PassedOn,
    Matched(MatchedPath),
    /// Nobody serves it.
    None,
}

impl Route {
    pub fn of(request: &Request) -> Self {
        Self::of_parts(request.uri(), request.extensions())
    }

    pub fn of_parts(uri: &Uri, extensions: &Extensions) -> Self {
        match extensions.get::<MatchedPath>() {
            Some(route) => Self::Matched(route.clone()),
            None if is_passed_on(uri.path()) => Self::PassedOn,
            None => Self::None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::PassedOn => Some(routes::CLOUD),
            Self::Matched(route) => Some(route.as_str()),
            Self::None => None,
        }
    }
}
