//! A client for tests: sends a request, gives status, headers and JSON.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use simcloud::{Cloud, TEST_PASSWORD};

pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Http {
    pub fn new() -> Self {
        Http { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// The error is that of a connection refused, cut or closed without an answer.
    pub async fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("header name");
            request = request.header(name, HeaderValue::try_from(*value).expect("header value"));
        }
        let request = request.body(Full::new(body)).expect("request");
        let response = self.client.request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    pub async fn send(&self, method: &str, url: &str, token: &str, body: Option<&Value>) -> Answer {
        let mut headers = vec![("accept", "application/json"), ("openstack-api-version", "compute 2.79")];
        if !token.is_empty() {
            headers.push(("x-auth-token", token));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        self.try_send(method, url, &headers, body).await.expect("an answer")
    }

    pub async fn get(&self, url: &str, token: &str) -> Answer {
        self.send("GET", url, token, None).await
    }

    /// Signs in with a password, scoped to a project of the domain Default.
    pub async fn token(&self, cloud: &Cloud, user: &str, project: &str) -> String {
        let answer = self.sign_in(cloud, user, TEST_PASSWORD, Some(project)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        answer.header("x-subject-token").expect("a token").to_owned()
    }

    pub async fn sign_in(&self, cloud: &Cloud, user: &str, password: &str, project: Option<&str>) -> Answer {
        let mut body = json!({"auth": {"identity": {"methods": ["password"], "password": {
            "user": {"name": user, "domain": {"name": "Default"}, "password": password},
        }}}});
        if let Some(project) = project {
            body["auth"]["scope"] = json!({"project": {"name": project, "domain": {"name": "Default"}}});
        }
        let url = format!("{}/auth/tokens", cloud.keystone_url());
        self.send("POST", &url, "", Some(&body)).await
    }
}
