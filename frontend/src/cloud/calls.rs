//! The calls just made, to be shown as commands: what the panel does, anybody can do without it.

use std::{cell::RefCell, collections::VecDeque};

use api_types::{Region, jobs::CreateJob, servers::action::ServerAction};
use serde_json::Value;

use super::Service;
use crate::ui::format;

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

/// Stands where a secret stood.
pub const MASK: &str = "***";

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
pub fn jobs_asked() -> Vec<CreateJob> {
    JOBS.with_borrow(|jobs| jobs.iter().cloned().collect())
}

/// Remembers what the panel's server was asked to do, without passwords.
pub fn note_job(job: &CreateJob) {
    let mut job = job.clone();
    if let ServerAction::SetPassword { password } | ServerAction::Rescue { password: Some(password), .. } =
        &mut job.action
    {
        MASK.clone_into(&mut password.0);
    }
    // Its first server stands for all of them.
    job.targets.truncate(1);
    job.targets.iter_mut().for_each(|targets| targets.servers.truncate(1));
    JOBS.with_borrow_mut(|jobs| {
        jobs.push_front(job);
        jobs.truncate(MOST_JOBS);
    });
}

/// Remembers a call that was answered, or was not.
pub fn note(call: MadeCall) {
    MADE.with_borrow_mut(|made| keep(made, call));
}

/// So many are kept.
const MOST: usize = 60;

const MOST_JOBS: usize = 20;

thread_local! {
    static JOBS: RefCell<VecDeque<CreateJob>> = const { RefCell::new(VecDeque::new()) };
    static MADE: RefCell<VecDeque<MadeCall>> = const { RefCell::new(VecDeque::new()) };
}

fn keep(made: &mut VecDeque<MadeCall>, call: MadeCall) {
    made.push_front(call);
    made.truncate(MOST);
}

/// Keys whose values nobody is to read off a screen. User data often holds passwords.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["pass", "secret", "token", "private_key", "user_data"].iter().any(|part| key.contains(part))
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                if is_secret(key) && !matches!(value, Value::Object(_) | Value::Null) {
                    *value = Value::from(MASK);
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
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
    fn the_latest_calls_are_kept_and_no_more() {
        let mut made = VecDeque::new();
        for at in 0..MOST + 5 {
            keep(&mut made, call(&at.to_string()));
        }
        assert_eq!(made.len(), MOST);
        assert_eq!(made.front().map(|call| call.path.clone()), Some((MOST + 4).to_string()));
    }
}
