//! Requests passed through to the services of a region.

mod broken;
mod fake;
mod filtering;
mod passing;
mod refusing;
mod remembering;
mod sharing;
mod sockets;
mod srv;
mod streaming;
mod tls;

use api_types::routes::{self, PROJECT_HEADER};
use axum::{
    body::Body,
    http::{HeaderMap, Method, Response},
};
use serde_json::Value;
use server::{
    testing::{Client, Log, TestApp, TestResponse},
    upstream::{ServiceType, Target},
};

/// A path of the proxy, in RegionOne.
fn cloud(service: &str, path: &str) -> String {
    routes::cloud(&"RegionOne".parse().expect("a region"), service, path)
}

/// The compute service of RegionOne.
fn compute() -> Target {
    Target::new(ServiceType::Compute, "RegionOne".parse().expect("a region"))
}

/// A browser that asks in one project.
struct Asking<'a> {
    client: Client,
    app: &'a TestApp,
    project: &'a str,
    csrf_token: tokio::sync::OnceCell<String>,
}

impl<'a> Asking<'a> {
    fn new(app: &'a TestApp, user: &str, project: &'a str) -> Self {
        Self { client: app.signed_in(user), app, project, csrf_token: tokio::sync::OnceCell::new() }
    }

    /// Signs in, the first time.
    async fn csrf_token(&self) -> &str {
        self.csrf_token.get_or_init(|| self.client.csrf_token()).await
    }

    async fn get(&self, service: &str, path: &str) -> TestResponse {
        self.send(Method::GET, &cloud(service, path), &[], Body::empty()).await
    }

    async fn post(&self, service: &str, path: &str, body: &Value) -> TestResponse {
        let headers = [("content-type", "application/json")];
        self.send(Method::POST, &cloud(service, path), &headers, body.to_string().into()).await
    }

    /// An answer that is read as it comes.
    async fn open(&self, path: &str) -> Response<Body> {
        let project = self.app.project(self.project);
        self.client.open(path, &[(PROJECT_HEADER, project.as_str())]).await
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> TestResponse {
        let project = self.app.project(self.project);
        let token = self.csrf_token().await;
        let mut all = vec![(PROJECT_HEADER, project.as_str()), (routes::CSRF_HEADER, token)];
        all.extend_from_slice(headers);
        self.client.send(method, path, &all, body).await
    }
}

/// Where a header's value is text.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}
