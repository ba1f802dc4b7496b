//! Jobs and items as they stand in Postgres, and as their owner is shown them.

use api_types::{
    jobs::{ItemResult, Job, JobCounts, JobItem, JobState, confirmation},
    servers::action::ActionKind,
};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A job that is to be written down, planned.
pub struct NewJob {
    pub id: Uuid,
    pub user_id: String,
    pub user_name: String,
    /// The first digits of the session, for the log.
    pub session: String,
    pub project_id: String,
    pub project_name: String,
    pub idempotency_key: Uuid,
    /// What was asked for, signed.
    pub request: String,
    pub action: ActionKind,
    pub detail: Option<String>,
    pub sealed_payload: Vec<u8>,
    /// There is a password in it: it is erased when the job ends.
    pub payload_is_secret: bool,
}

/// One of a job's list.
pub struct NewItem {
    pub place: String,
    pub target: Uuid,
    pub name: String,
    /// JSON of why it is left out; `None`: it is to be done.
    pub skipped: Option<String>,
}

/// A row of `jobs`.
#[derive(Clone, Debug)]
pub struct JobRow {
    pub id: Uuid,
    pub user_id: String,
    pub project_id: String,
    pub project_name: String,
    pub action: String,
    pub detail: Option<String>,
    pub state: String,
    pub held_because: Option<String>,
    pub total: i32,
    pub waiting: i32,
    pub running: i32,
    pub done: i32,
    pub failed: i32,
    pub skipped: i32,
    pub uncertain: i32,
    pub canceled: i32,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub version: i64,
    /// The name of the item, where there is one only.
    pub only_name: Option<String>,
}

/// A row of `job_items`, as its owner is shown it.
#[derive(Clone, Debug)]
pub struct ItemRow {
    pub number: i32,
    pub place: String,
    pub target: Uuid,
    pub name: String,
    pub result: String,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub request_id: Option<String>,
    pub upstream_request_id: Option<String>,
}

/// Something that was done to a target, in any job of a project.
#[derive(Clone, Debug)]
pub struct Past {
    pub job_id: Uuid,
    pub action: String,
    pub detail: Option<String>,
    pub user_id: String,
    pub user_name: String,
    pub at: DateTime<Utc>,
    pub result: String,
    pub reason: Option<String>,
    pub request_id: Option<String>,
    pub upstream_request_id: Option<String>,
}

impl JobRow {
    pub fn state(&self) -> JobState {
        match self.state.as_str() {
            "planned" => JobState::Planned,
            "running" => JobState::Running,
            "paused" => JobState::Paused,
            "canceled" => JobState::Canceled,
            _ => JobState::Done,
        }
    }

    /// `None`: an action of a newer release.
    pub fn action(&self) -> Option<ActionKind> {
        action_of(&self.action)
    }

    /// Items that the plan did not leave out.
    pub fn runnable(&self) -> usize {
        usize::try_from(self.total - self.skipped).unwrap_or(0)
    }

    /// As its owner sees it. `None`: written by a release that knows more than this one.
    pub fn shown(&self) -> Option<Job> {
        let count = |count: i32| u32::try_from(count).unwrap_or(0);
        let action = self.action()?;
        Some(Job {
            id: self.id.to_string(),
            project: self.project_id.parse().ok()?,
            project_name: self.project_name.clone(),
            action,
            detail: self.detail.clone(),
            state: self.state(),
            counts: JobCounts {
                total: count(self.total),
                waiting: count(self.waiting),
                running: count(self.running),
                done: count(self.done),
                failed: count(self.failed),
                skipped: count(self.skipped),
                uncertain: count(self.uncertain),
                canceled: count(self.canceled),
            },
            server_name: self.only_name.clone(),
            confirmation: confirmation(action, self.runnable()),
            held_because: self.held_because.clone(),
            created_at: self.created_at.timestamp(),
            finished_at: self.finished_at.map(|at| at.timestamp()),
            version: self.version,
        })
    }
}

impl ItemRow {
    /// As the job's owner sees it. `None`: of a release that knows more than this one.
    pub fn shown(&self) -> Option<JobItem> {
        Some(JobItem {
            region: self.place.parse().ok()?,
            server: api_types::ServerId(self.target.into_bytes()),
            name: self.name.clone(),
            result: result_of(&self.result, self.reason.as_deref())?,
            detail: self.note.clone(),
            request_id: self.request_id.clone(),
            upstream_request_id: self.upstream_request_id.clone(),
        })
    }
}

impl Past {
    pub fn action(&self) -> Option<ActionKind> {
        action_of(&self.action)
    }

    pub fn result(&self) -> Option<ItemResult> {
        result_of(&self.result, self.reason.as_deref())
    }
}

/// The word for an action, as it travels and as it is kept.
pub(super) fn action_text(action: ActionKind) -> String {
    match serde_json::to_value(action) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// The word for a state, as it travels and as it is kept.
pub fn state_text(state: JobState) -> &'static str {
    match state {
        JobState::Planned => "planned",
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Canceled => "canceled",
        JobState::Done => "done",
    }
}

fn action_of(text: &str) -> Option<ActionKind> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

fn result_of(result: &str, reason: Option<&str>) -> Option<ItemResult> {
    Some(match result {
        "waiting" => ItemResult::Waiting,
        "running" => ItemResult::Running,
        "done" => ItemResult::Done,
        "failed" => ItemResult::Failed { error: read(reason)? },
        "skipped" => ItemResult::Skipped { because: read(reason)? },
        "uncertain" => ItemResult::Uncertain,
        "canceled" => ItemResult::Canceled,
        _ => return None,
    })
}

fn read<T: DeserializeOwned>(json: Option<&str>) -> Option<T> {
    serde_json::from_str(json?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_read_back_from_its_word() {
        for action in ActionKind::ALL {
            let text = action_text(*action);
            assert!(!text.is_empty());
            assert_eq!(action_of(&text), Some(*action));
        }
    }
}
