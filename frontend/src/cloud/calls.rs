//! The calls just made, to be shown as commands: what the panel does, anybody can do without it.

use std::{cell::RefCell, collections::VecDeque};

use api_types::{
    Region,
    jobs::{CreateJob, Job},
    servers::{action::ServerAction, detail::UpstreamCall},
};
use serde_json::Value;

use super::Service;
use crate::{
    api_client::ApiError,
    commands::masks::{MASK, mask},
    ui::format,
};

/// A call to the cloud that was made. Secrets are masked before they get here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeCall {
    pub method: &'static str,
    pub region: Region,
    pub service: Service,
    /// Relative to the service's versioned endpoint, query included.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    /// JSON, secrets replaced by [`MASK`].
    pub body: Option<String>,
    /// Seconds since 1970.
    pub sent_at: i64,
    pub duration_ms: u32,
    /// `None` where no answer came.
    pub status: Option<u16>,
    pub request_id: Option<String>,
    pub upstream_request_id: Option<String>,
}

/// What the panel's server was asked to do to servers.
#[derive(Clone, Debug)]
pub struct AskedJob {
    /// Without passwords; its first server stands for all of them.
    pub asked: CreateJob,
    /// Seconds since 1970.
    pub sent_at: i64,
    /// The job it became.
    pub job: Option<String>,
    /// What the panel answered, where it did; `None` where no answer came.
    pub status: Option<u16>,
    /// The id of the request in the panel's log, where it was refused.
    pub request_id: Option<String>,
}

impl MadeCall {
    pub fn new(method: &'static str, region: Region, service: Service, path: &str) -> Self {
        Self {
            method,
            region,
            service,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            sent_at: format::now(),
            duration_ms: 0,
            status: None,
            request_id: None,
            upstream_request_id: None,
        }
    }

    /// It changes nothing: a read, or what has to be asked for as an action though it only reads.
    fn is_read(&self) -> bool {
        let is_log = || self.body.as_deref().is_some_and(|body| body.contains("\"os-getConsoleOutput\""));
        self.method == "GET" || is_log()
    }

    /// Keeps what is sent, without its secrets. What is no JSON is not kept.
    pub fn set_body(&mut self, json: &str) {
        let value = serde_json::from_str::<Value>(json).ok();
        self.body = value.map(|mut value| {
            mask(&mut value);
            value.to_string()
        });
    }
}

/// The latest calls of this document, the newest first.
pub fn calls_made() -> Vec<MadeCall> {
    MADE.with_borrow(|made| made.iter().cloned().collect())
}

/// What the panel's server was asked to do to servers, the newest first.
pub fn jobs_asked() -> Vec<AskedJob> {
    JOBS.with_borrow(|jobs| jobs.iter().cloned().collect())
}

/// Whether this document asked for a job, so that its calls are known.
pub fn has_asked(job: &str) -> bool {
    JOBS.with_borrow(|jobs| jobs.iter().any(|asked| asked.job.as_deref() == Some(job)))
}

/// Remembers what the panel's server was asked to do, without passwords, and what it answered.
pub fn note_job(asked: &CreateJob, sent_at: i64, answer: Result<&Job, &ApiError>) {
    let mut asked = asked.clone();
    if let ServerAction::SetPassword { password } | ServerAction::Rescue { password: Some(password), .. } =
        &mut asked.action
    {
        MASK.clone_into(&mut password.0);
    }
    // Its first server stands for all of them.
    asked.targets.truncate(1);
    asked.targets.iter_mut().for_each(|targets| targets.servers.truncate(1));
    let status = match answer {
        Ok(_) => Some(200),
        Err(ApiError::Refused { status, .. } | ApiError::Malformed { status, .. }) => Some(*status),
        Err(ApiError::Unreachable | ApiError::Aborted) => None,
    };
    let asked = AskedJob {
        asked,
        sent_at,
        job: answer.ok().map(|job| job.id.clone()),
        status,
        request_id: answer.err().and_then(ApiError::request_id).map(str::to_owned),
    };
    JOBS.with_borrow_mut(|jobs| {
        jobs.push_front(asked);
        jobs.truncate(MOST_JOBS);
    });
}

/// Remembers what the panel's server asked the compute service of a region for a page, as it told with the answer.
pub fn note_for_page(region: &Region, sent_at: i64, calls: &[UpstreamCall]) {
    for call in calls {
        let mut made = MadeCall::new("GET", region.clone(), Service::Compute, &call.path);
        made.headers.extend(call.microversion.clone().map(|version| ("openstack-api-version", version)));
        made.sent_at = sent_at;
        made.duration_ms = call.duration_ms;
        made.status = call.status;
        made.request_id = Some(call.request_id.clone());
        made.upstream_request_id.clone_from(&call.upstream_request_id);
        note(made);
    }
}

/// Remembers a call that was answered, or was not.
pub fn note(call: MadeCall) {
    MADE.with_borrow_mut(|made| keep(made, call));
}

/// So many are kept.
const MOST: usize = 60;

const MOST_JOBS: usize = 20;

thread_local! {
    static JOBS: RefCell<VecDeque<AskedJob>> = const { RefCell::new(VecDeque::new()) };
    static MADE: RefCell<VecDeque<MadeCall>> = const { RefCell::new(VecDeque::new()) };
}

fn keep(made: &mut VecDeque<MadeCall>, call: MadeCall) {
    // Of what is read again and again the latest is enough; what failed stays to be asked about.
    let is_earlier = |other: &MadeCall| {
        let same = other.method == call.method
            && other.path == call.path
            && other.region == call.region
            && other.service == call.service
            && other.body == call.body;
        same && matches!(other.status, Some(200..400))
    };
    if call.is_read() {
        made.retain(|other| !is_earlier(other));
    }
    made.push_front(call);
    made.truncate(MOST);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str) -> MadeCall {
        MadeCall::new("GET", "RegionOne".parse().expect("a region"), Service::Compute, path)
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let mut made = call("servers");
        made.set_body(
            r#"{"changePassword":{"adminPass":"hunter2"},"list":[{"user_data":"cGFzcw=="}],"name":"web"}"#,
        );
        let wanted = r#"{"changePassword":{"adminPass":"***"},"list":[{"user_data":"***"}],"name":"web"}"#;
        let same = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(same(made.body.as_deref().unwrap_or_default()), same(wanted));
    }

    #[test]
    fn of_what_is_read_again_and_again_the_latest_is_kept_and_what_failed() {
        let mut made = VecDeque::new();
        let answered = |path: &str, status| MadeCall { status: Some(status), ..call(path) };
        keep(&mut made, answered("servers", 503));
        keep(&mut made, answered("servers", 200));
        keep(&mut made, answered("images", 200));
        keep(&mut made, answered("servers", 200));
        let mut log = MadeCall { method: "POST", ..answered("servers/1/action", 200) };
        log.set_body(r#"{"os-getConsoleOutput": {"length": 100}}"#);
        keep(&mut made, log.clone());
        keep(&mut made, log);
        let stop = MadeCall { method: "POST", ..answered("servers/1/action", 202) };
        keep(&mut made, stop.clone());
        keep(&mut made, stop);
        let kept: Vec<_> = made.iter().map(|call| (call.path.as_str(), call.status.unwrap_or(0))).collect();
        let action = "servers/1/action";
        let expected = [
            (action, 202),
            (action, 202),
            (action, 200),
            ("servers", 200),
            ("images", 200),
            ("servers", 503),
        ];
        assert_eq!(kept, expected);
    }

    #[test]
    fn the_latest_calls_are_kept_and_no_more() {
        let mut made = VecDeque::new();
        for at in 0..MOST + 5 {
            keep(&mut made, call(&at.to_string()));
        }
        assert_eq!(made.len(), MOST);
        assert_eq!(made.front().map(|call| call.path.clone()), Some((MOST + 4).to_string()));
    }
}
