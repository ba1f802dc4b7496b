//! What is asked, of whom, and what came back.

use std::{fmt, sync::Arc, time::Duration};

use api_types::Region;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{Microversion, OnBehalf, UpstreamError};

/// A kind of OpenStack service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceType {
    Identity,
    Compute,
    Image,
    Network,
    BlockStorage,
}

/// One service of one region: what has its own cap on calls and its own circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub service: ServiceType,
    /// `None` for the identity service, which all regions share.
    pub region: Option<Region>,
}

/// One call to one service.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) deadline: Option<Duration>,
    pub(super) lane: Lane,
    pub(super) max_body_bytes: Option<usize>,
    pub(super) is_repeatable: bool,
    pub(super) behalf: Option<Arc<OnBehalf>>,
}

/// Which calls wait for which: a page of a list takes a service a second or more, and what a person waits for is
/// not to stand behind such pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A person waits for this one.
    Interactive,
    /// Something beside it, without which a person can be shown the rest.
    Aside,
    /// Part of a list that is being collected.
    Bulk,
}

/// A whole answer. The body is not longer than the call allowed.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl ServiceType {
    /// The types under which a catalog may list the service, the official one first.
    /// Source: OpenStack service types authority.
    pub fn catalog_types(self) -> &'static [&'static str] {
        match self {
            ServiceType::Identity => &["identity"],
            ServiceType::Compute => &["compute"],
            ServiceType::Image => &["image"],
            ServiceType::Network => &["network"],
            ServiceType::BlockStorage => &["block-storage", "block-store", "volumev3", "volume"],
        }
    }

    /// A tag for metrics and logs.
    pub fn tag(self) -> &'static str {
        match self {
            ServiceType::Identity => "identity",
            ServiceType::Compute => "compute",
            ServiceType::Image => "image",
            ServiceType::Network => "network",
            ServiceType::BlockStorage => "block-storage",
        }
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServiceType::Identity => "Identity",
            ServiceType::Compute => "Compute",
            ServiceType::Image => "Image",
            ServiceType::Network => "Network",
            ServiceType::BlockStorage => "Block storage",
        })
    }
}

impl Target {
    pub fn new(service: ServiceType, region: Region) -> Self {
        Self { service, region: Some(region) }
    }

    pub fn identity() -> Self {
        Self { service: ServiceType::Identity, region: None }
    }

    /// A tag for metrics and logs.
    pub fn region_tag(&self) -> &str {
        self.region.as_ref().map_or("-", Region::as_str)
    }
}

impl fmt::Display for Target {
    /// "Compute in RegionTwo", "Identity".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{} in {region}", self.service),
            None => write!(f, "{}", self.service),
        }
    }
}

impl Call {
    pub fn new(method: Method, url: Url) -> Self {
        let is_repeatable = method == Method::GET || method == Method::HEAD;
        let mut headers = HeaderMap::new();
        // Without it Glance answers errors in HTML.
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            method,
            url,
            headers,
            body: None,
            deadline: None,
            lane: Lane::Interactive,
            max_body_bytes: None,
            is_repeatable,
            behalf: None,
        }
    }

    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    pub fn post(url: Url) -> Self {
        Self::new(Method::POST, url)
    }

    pub fn delete(url: Url) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// The token to act with. One that no header can hold is left out, and the service says 401.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.secret_header(HeaderName::from_static("x-auth-token"), token)
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// A header whose value stays out of logs and debug output.
    #[must_use]
    pub fn secret_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    /// Gives the call a line in the log.
    #[must_use]
    pub fn on_behalf(mut self, behalf: Option<Arc<OnBehalf>>) -> Self {
        self.behalf = behalf;
        self
    }

    /// Asks the compute service for this version of the call.
    #[must_use]
    pub fn microversion(mut self, version: Microversion) -> Self {
        if let Ok(value) = HeaderValue::from_str(&format!("compute {version}")) {
            self.headers.insert(HeaderName::from_static("openstack-api-version"), value);
        }
        self
    }

    /// A body in JSON.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        if let Ok(bytes) = serde_json::to_vec(body) {
            self.body = Some(bytes.into());
            self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        self
    }

    /// The longest wait for the whole answer, repetition included; the configured one when not said. Waiting for a
    /// free place under the cap comes on top.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    #[must_use]
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// The longest body taken, where it is shorter than the configured one.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = Some(bytes);
        self
    }

    /// Asking twice changes nothing (a POST that only reads) or must not happen (a GET that is repeated elsewhere).
    #[must_use]
    pub fn repeatable(mut self, is_repeatable: bool) -> Self {
        self.is_repeatable = is_repeatable;
        self
    }
}

impl Answer {
    /// The body as JSON of one shape.
    ///
    /// Errors: [`UpstreamError::Malformed`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, UpstreamError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| UpstreamError::Malformed { reason: error.to_string() })
    }

    /// The id of the call in the service's log.
    pub fn request_id(&self) -> Option<String> {
        super::error::request_id(&self.headers)
    }

    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
