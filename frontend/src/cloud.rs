//! The cloud asked directly, through the proxy: flavors, images, networks, volumes, whatever the panel keeps no index
//! of. What it answers is its own JSON, what it refuses is told in its own words.

pub mod calls;
mod refusal;
pub mod shown;

use api_types::{ProjectId, Region, routes::REQUEST_ID_HEADER};
use js_sys::encode_uri_component;
use serde::{Serialize, de::DeserializeOwned};
use web_sys::{AbortSignal, Response};

use crate::{
    api_client::{ApiError, Call, malformed, refusal_in, text_of},
    explain::{Explanation, Fault, explain},
    ui::{Failure, format},
};
use calls::{MadeCall, note};
use refusal::words_in;

/// The header that names the project a call is made for.
pub const PROJECT_HEADER: &str = "x-meridian-project";
/// The id of a call in the cloud's own log.
pub const UPSTREAM_REQUEST_ID_HEADER: &str = "x-openstack-request-id";

/// On every answer that a service of the cloud gave itself.
pub const ANSWER_HEADER: &str = "x-meridian-answer";

/// A service of a region, as the proxy names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    Compute,
    Image,
    Network,
    BlockStorage,
}

/// A region of the cloud, asked on behalf of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    pub project: ProjectId,
    pub region: Region,
}

/// A call to the cloud, made to be sent once.
#[derive(Debug)]
pub struct CloudCall {
    call: Call,
    made: MadeCall,
    is_kept: bool,
}

/// Why the cloud did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudError {
    /// The cloud said no.
    Refused(Refusal),
    /// The call did not get to the cloud, or no answer came back.
    Panel(ApiError),
}

/// What the cloud said when it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Its own words; empty where it said none.
    pub words: String,
    /// The id of the call in our log.
    pub request_id: Option<String>,
    /// The id of the call in its log.
    pub upstream_request_id: Option<String>,
}

impl Service {
    /// Its name in the proxy's paths and in a project's list of services.
    pub fn key(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Image => "image",
            Self::Network => "network",
            Self::BlockStorage => "block-storage",
        }
    }
}

impl Cloud {
    pub fn new(project: &ProjectId, region: &Region) -> Self {
        Self { project: project.clone(), region: region.clone() }
    }

    /// Where the proxy takes a path that is relative to the service's versioned endpoint: `flavors/detail?limit=1000`.
    pub fn url(&self, service: Service, path: &str) -> String {
        url(self.region.as_str(), service.key(), path)
    }

    pub fn get(&self, service: Service, path: &str) -> CloudCall {
        self.call("GET", service, path)
    }

    pub fn post(&self, service: Service, path: &str) -> CloudCall {
        self.call("POST", service, path)
    }

    pub fn put(&self, service: Service, path: &str) -> CloudCall {
        self.call("PUT", service, path)
    }

    pub fn patch(&self, service: Service, path: &str) -> CloudCall {
        self.call("PATCH", service, path)
    }

    pub fn delete(&self, service: Service, path: &str) -> CloudCall {
        self.call("DELETE", service, path)
    }

    fn call(&self, method: &'static str, service: Service, path: &str) -> CloudCall {
        let call =
            Call::new(method, self.url(service, path)).header(PROJECT_HEADER, self.project.to_string());
        let made = MadeCall::new(method, self.region.clone(), service, path.trim_start_matches('/'));
        CloudCall { call, made, is_kept: true }
    }
}

impl CloudCall {
    /// Sends a JSON body.
    pub fn body(self, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(text) => self.json_text(text),
            Err(_) => self,
        }
    }

    /// Sends a header the proxy lets through (`openstack-api-version`, `content-type` of a patch).
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.call = self.call.header(name, value);
        self.made.headers.push((name, value.to_owned()));
        self
    }

    /// Leaves it out of the calls just made: for what is asked again every few seconds.
    pub fn unkept(mut self) -> Self {
        self.is_kept = false;
        self
    }

    /// Gives up when this signal says so; see [`until_left`](crate::api_client::until_left).
    pub fn until(mut self, signal: &AbortSignal) -> Self {
        self.call = self.call.until(signal);
        self
    }

    /// Sends, and reads the answer as JSON.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, CloudError> {
        let response = self.response().await?;
        let text = text_of(&response).await.map_err(CloudError::Panel)?;
        serde_json::from_slice(text.as_bytes()).map_err(|_| CloudError::Panel(malformed(&response)))
    }

    /// Sends, and wants nothing but success.
    pub async fn done(self) -> Result<(), CloudError> {
        self.response().await.map(drop)
    }

    /// Sends, and hands over a successful answer before its body has come.
    pub async fn response(self) -> Result<Response, CloudError> {
        let Self { call, mut made, is_kept } = self;
        let note = |made| {
            if is_kept {
                note(made)
            }
        };
        let sent_at = format::now_ms();
        let answer = call.answer().await;
        made.duration_ms = (format::now_ms() - sent_at).max(0.0) as u32;
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                note(made);
                return Err(CloudError::Panel(error));
            }
        };
        let header = |name| response.headers().get(name).ok().flatten().filter(|id: &String| !id.is_empty());
        made.status = Some(response.status());
        made.request_id = header(REQUEST_ID_HEADER);
        made.upstream_request_id = header(UPSTREAM_REQUEST_ID_HEADER);
        let (request_id, upstream_request_id) = (made.request_id.clone(), made.upstream_request_id.clone());
        let is_upstreams = header(ANSWER_HEADER).is_some();
        note(made);
        if response.ok() {
            return Ok(response);
        }
        let text = text_of(&response).await.map_err(CloudError::Panel)?;
        if !is_upstreams {
            let error = refusal_in(response.status(), &text);
            return Err(CloudError::Panel(error.unwrap_or_else(|| malformed(&response))));
        }
        let words = words_in(&text);
        Err(CloudError::Refused(Refusal {
            status: response.status(),
            words,
            request_id,
            upstream_request_id,
        }))
    }

    fn json_text(mut self, text: String) -> Self {
        self.made.set_body(&text);
        self.call = self.call.json_text(text);
        self
    }
}

impl CloudError {
    /// What an answer that is no success says, for calls that are not made by [`CloudCall`]. `is_clouds`: a service
    /// of the cloud gave it itself.
    pub fn of_answer(status: u16, text: &str, is_clouds: bool, ids: [Option<String>; 2]) -> Self {
        let [request_id, upstream_request_id] = ids;
        if is_clouds {
            return Self::Refused(Refusal { status, words: words_in(text), request_id, upstream_request_id });
        }
        Self::Panel(refusal_in(status, text).unwrap_or(ApiError::Malformed { status, request_id }))
    }

    /// What it means to the person it happens to.
    pub fn explained(&self) -> Explanation {
        match self {
            Self::Refused(refusal) => {
                explain(Fault { status: Some(refusal.status), code: "", words: &refusal.words })
            }
            Self::Panel(error) => {
                explain(Fault { status: None, code: error.code(), words: &error.message() })
            }
        }
    }

    /// One sentence for a person: the cloud's own, or ours where it said nothing.
    pub fn message(&self) -> String {
        match self {
            Self::Refused(refusal) if refusal.words.is_empty() => {
                format!("The cloud refused this and gave no reason (status {}).", refusal.status)
            }
            Self::Refused(refusal) => refusal.words.clone(),
            Self::Panel(error) => error.message(),
        }
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Panel(ApiError::Refused { status, .. } | ApiError::Malformed { status, .. }) => {
                Some(*status)
            }
            Self::Panel(_) => None,
        }
    }

    /// The ids to give to those who will be asked about it, ours first.
    pub fn request_ids(&self) -> Vec<String> {
        match self {
            Self::Refused(refusal) => {
                refusal.request_id.iter().chain(&refusal.upstream_request_id).cloned().collect()
            }
            Self::Panel(error) => error.request_id().map(str::to_owned).into_iter().collect(),
        }
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        let is_retryable = match &error {
            CloudError::Refused(refusal) => matches!(refusal.status, 408 | 425 | 429 | 500..),
            CloudError::Panel(error) => error.is_retryable(),
        };
        let ids = error.request_ids();
        let request_id = (!ids.is_empty()).then(|| ids.join(" · "));
        Self { message: error.message(), request_id, is_retryable }
    }
}

impl From<CloudError> for ApiError {
    /// For those who ask the cloud by [`ask`](crate::asked::ask), which tells failures as the panel's own.
    fn from(error: CloudError) -> Self {
        let message = error.message();
        match error {
            CloudError::Panel(error) => error,
            CloudError::Refused(refusal) => {
                let body = api_types::ErrorBody {
                    code: "upstream_refused".to_owned(),
                    message,
                    request_id: refusal.request_id.unwrap_or_default(),
                    retry_after_secs: None,
                };
                Self::Refused { status: refusal.status, body }
            }
        }
    }
}

/// An id or a name as a piece of a path or a value of a query.
pub fn encoded(piece: &str) -> String {
    encode_uri_component(piece).into()
}

fn url(region: &str, service: &str, path: &str) -> String {
    format!("/api/cloud/{region}/{service}/{}", path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_put_behind_region_and_service() {
        let wanted = "/api/cloud/RegionOne/block-storage/volumes/detail?limit=2";
        assert_eq!(url("RegionOne", Service::BlockStorage.key(), "/volumes/detail?limit=2"), wanted);
    }

    #[test]
    fn a_refusal_keeps_the_clouds_words_status_and_both_ids() {
        let refusal = Refusal {
            status: 409,
            words: "Instance is locked".to_owned(),
            request_id: Some("m-1".to_owned()),
            upstream_request_id: Some("req-1".to_owned()),
        };
        let error = CloudError::Refused(refusal);
        assert_eq!(error.message(), "Instance is locked");
        assert_eq!(error.status(), Some(409));
        let failure = Failure::from(error);
        assert_eq!(failure.request_id.as_deref(), Some("m-1 · req-1"));
        assert!(!failure.is_retryable);
    }

    #[test]
    fn a_cloud_that_refuses_without_a_word_still_gets_a_sentence() {
        let error = CloudError::Refused(Refusal { status: 503, ..Refusal::default() });
        assert!(error.message().contains("503"));
        assert!(Failure::from(error).is_retryable);
    }
}
