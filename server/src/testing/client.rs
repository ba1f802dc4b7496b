//! A browser, as far as the panel can tell: cookies, origin, tokens.

use std::{collections::BTreeMap, net::SocketAddr};

use api_types::{ErrorBody, routes};
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde::{Serialize, de::DeserializeOwned};
use simcloud::{DEMO_PASSWORD, DEMO_USER, TEST_PASSWORD};
use tower::ServiceExt;

use super::Shared;
use crate::app::{App, Panel};

/// Sends requests as a browser on our own pages would. Clones share their cookies, as tabs do.
#[derive(Clone)]
pub struct Client {
    panel: Panel,
    app: App,
    origin: String,
    /// Who signs in with the first request.
    user: Option<String>,
    jar: Shared<BTreeMap<String, String>>,
    peer: SocketAddr,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    pub(super) fn new(panel: Panel, app: &App, user: Option<&str>) -> Self {
        Self {
            panel,
            app: app.clone(),
            origin: app.config.listen.public_url.origin().to_owned(),
            user: user.map(str::to_owned),
            jar: Shared::default(),
            peer: ([192, 0, 2, 1], 40_000).into(),
        }
    }

    /// The same browser at another address.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.peer.set_ip(address.parse().expect("an address"));
        self
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> TestResponse {
        self.send(Method::GET, path, headers, Body::empty()).await
    }

    /// A state change with JSON, and with the session's token as our own pages send it.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> TestResponse {
        let token = self.csrf_token().await;
        let headers = [(routes::CSRF_HEADER, &*token), ("content-type", "application/json")];
        self.send(Method::POST, path, &headers, serde_json::to_vec(body).expect("JSON").into()).await
    }

    pub async fn delete(&self, path: &str) -> TestResponse {
        let token = self.csrf_token().await;
        self.send(Method::DELETE, path, &[(routes::CSRF_HEADER, &token)], Body::empty()).await
    }

    /// A form, sent as a browser sends it. Nothing is added: see [`hidden`](TestResponse::hidden).
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        self.send(Method::POST, path, &headers, body.into()).await
    }

    /// Any request. Cookies and `Origin` are added where `headers` have none of their own.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> TestResponse {
        if let Some(user) = &self.user
            && self.cookie("meridian").is_none()
            && !path.starts_with(routes::SIGN_IN)
        {
            let password = if user == DEMO_USER { DEMO_PASSWORD } else { TEST_PASSWORD };
            let signed_in = Box::pin(self.sign_in(user, password)).await;
            assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{user} signs in: {}", signed_in.text());
        }
        self.exchange(method, path, headers, body).await
    }

    /// Signs in by the form: fetches it, fills it in, sends it.
    pub async fn sign_in(&self, user: &str, password: &str) -> TestResponse {
        self.sign_in_from(routes::SIGN_IN, user, password).await
    }

    /// The same from an address of the form that may have a `next`.
    pub async fn sign_in_from(&self, form: &str, user: &str, password: &str) -> TestResponse {
        let form = self.exchange(Method::GET, form, &[], Body::empty()).await;
        let fields = [
            ("form_token", form.hidden("form_token")),
            ("next", form.hidden("next")),
            ("user", user.to_owned()),
            ("password", password.to_owned()),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post_form(routes::SIGN_IN, &fields).await
    }

    /// One of our cookies, by its name without prefix.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().get(&self.app.cookies.name(name)).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar.lock().insert(self.app.cookies.name(name), value.to_owned());
    }

    /// The `Cookie` header the next request would have.
    pub fn cookie_header(&self) -> String {
        let jar = self.jar.lock();
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// The `Origin` of our own pages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The session's token against forged requests; empty without a session.
    pub async fn csrf_token(&self) -> String {
        let session = self.get(routes::SESSION).await;
        let session = serde_json::from_slice::<api_types::session::CurrentSession>(&session.body);
        session.map(|session| session.csrf_token).unwrap_or_default()
    }

    /// A `GET` whose answer is read as it comes. Whoever drops it hangs up.
    pub async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        // Signs in, if need be, and has the cookies.
        self.csrf_token().await;
        self.answer(Method::GET, path, headers, Body::empty()).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> TestResponse {
        let response = self.answer(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        TestResponse { status: parts.status, headers: parts.headers, body }
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Response<Body> {
        let mut request = Request::builder().method(&method).uri(path).body(body).expect("a request");
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let own = request.headers_mut();
        own.insert(header::HOST, HeaderValue::from_static("panel.test"));
        if method != Method::GET && method != Method::HEAD {
            own.insert(header::ORIGIN, HeaderValue::from_str(&self.origin).expect("a header"));
        }
        let cookies = self.cookie_header();
        if !cookies.is_empty() {
            own.insert(header::COOKIE, HeaderValue::from_str(&cookies).expect("a header"));
        }
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            own.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
        }
        let response = self.panel.clone().oneshot(request).await.expect("the panel never fails");
        self.keep_cookies(response.headers());
        response
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut jar = self.jar.lock();
        for cookie in headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().expect("a cookie of ASCII");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie's name and value");
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl TestResponse {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// A header's value; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The value of a hidden field of the page's form.
    pub fn hidden(&self, name: &str) -> String {
        let page = self.text();
        let start = format!("name=\"{name}\" value=\"");
        let value = page.split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
        let value = value.map(|(value, _)| value).unwrap_or_default();
        value.replace("&#38;", "&").replace("&#61;", "=").replace("&amp;", "&")
    }

    #[track_caller]
    pub fn assert_status(&self, status: StatusCode) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Asserts an error of the API: its status, its code, a sentence, and the request's id in both places.
    #[track_caller]
    pub fn assert_error(&self, status: StatusCode, code: &str) -> ErrorBody {
        self.assert_status(status);
        let body: ErrorBody = self.json();
        assert_eq!(body.code, code, "{}", body.message);
        assert!(body.message.ends_with('.') && body.message.len() > 10, "a sentence: {:?}", body.message);
        assert_eq!(body.request_id, self.header(routes::REQUEST_ID_HEADER));
        assert!(!body.request_id.is_empty());
        body
    }
}
