//! Jobs: one action on one server or on thousands, kept in Postgres, so that it goes on when the tab is closed and
//! when the node that works on it dies.

use serde::{Deserialize, Serialize};

use crate::{
    ErrorBody, ProjectId, Region, ServerId,
    servers::action::{ActionKind, Danger, Impossible, ServerAction},
};

/// So many servers in one job at most.
pub const MOST_SERVERS: usize = 20_000;

/// Asks for a job: what to do, and to which servers. The list is frozen with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateJob {
    pub action: ServerAction,
    pub targets: Vec<RegionTargets>,
    /// Made up by the browser, a UUID: asking twice (a double click, a lost answer) makes one job.
    pub idempotency_key: String,
    /// Starts at once, where the plan needs no confirmation or it was given already (see [`Confirmation`]). What
    /// needs more than was given stays [`JobState::Planned`].
    #[serde(default)]
    pub confirmed: Option<Confirmed>,
}

/// Servers of one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionTargets {
    pub region: Region,
    pub servers: Vec<ServerId>,
}

/// What was asked of a person before the job began, and what they gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The word they typed, where one was asked for.
    #[serde(default)]
    pub word: Option<String>,
}

/// What confirms a plan: as much as it is dangerous.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Confirmation {
    /// It can be undone.
    None,
    /// A dialog that names the servers and what is lost.
    Dialog,
    /// The same, and a word to type. Where one server loses data, its page asks for the server's name, and gives the
    /// word once that is typed.
    Word { word: String },
}

impl Confirmation {
    /// Whether this was given.
    pub fn is_given(&self, given: Option<&Confirmed>) -> bool {
        match self {
            Self::None => true,
            Self::Dialog => given.is_some(),
            Self::Word { word } => {
                given.and_then(|given| given.word.as_deref()).is_some_and(|typed| typed.trim() == word)
            }
        }
    }
}

/// What confirms this, for so many servers: both sides ask here.
pub fn confirmation(action: ActionKind, servers: usize) -> Confirmation {
    match (action.danger(), servers) {
        (Danger::None, _) => Confirmation::None,
        (Danger::Interrupts, 0..=MANY) => Confirmation::Dialog,
        (Danger::Interrupts | Danger::Destroys, _) => {
            Confirmation::Word { word: word_for(action).to_owned() }
        }
    }
}

/// More than so many servers at once need a word where people notice it.
const MANY: usize = 20;

fn word_for(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Delete => "delete",
        ActionKind::Rebuild => "rebuild",
        ActionKind::RevertResize => "revert",
        ActionKind::Stop => "stop",
        ActionKind::Reboot | ActionKind::HardReboot => "reboot",
        _ => "confirm",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The plan is made; nothing happens until it is confirmed.
    Planned,
    Running,
    /// Somebody paused it, or it cannot go on by itself (see [`Job::held_because`]).
    Paused,
    /// What is under way is finished, nothing more is begun.
    Canceled,
    /// Every server has its result.
    Done,
}

/// A job as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: String,
    pub project: ProjectId,
    pub project_name: String,
    /// What is done. Its values (a new name, a flavor) stay with the job; passwords do not come back.
    pub action: ActionKind,
    /// A value worth showing: the new name, the flavor's or image's id; never a secret.
    #[serde(default)]
    pub detail: Option<String>,
    pub state: JobState,
    pub counts: JobCounts,
    /// The name of the server, where it is one only.
    #[serde(default)]
    pub server_name: Option<String>,
    /// What has to be given before it begins; for a planned job.
    pub confirmation: Confirmation,
    /// Why it is paused though nobody paused it: a sentence.
    #[serde(default)]
    pub held_because: Option<String>,
    /// Seconds since 1970.
    pub created_at: i64,
    #[serde(default)]
    pub finished_at: Option<i64>,
    /// Rises with every change of the job or one of its items.
    pub version: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    pub total: u32,
    pub waiting: u32,
    /// Being asked of the cloud right now.
    pub running: u32,
    /// The cloud has taken it on.
    pub done: u32,
    pub failed: u32,
    /// The plan left them out: it could not have worked.
    pub skipped: u32,
    /// Nobody knows whether the cloud took it on: it is not asked twice by itself.
    pub uncertain: u32,
    /// The job was canceled before their turn.
    #[serde(default)]
    pub canceled: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobItem {
    pub region: Region,
    pub server: ServerId,
    pub name: String,
    pub result: ItemResult,
    /// Something to know of what was done: the id of the image that a snapshot becomes.
    #[serde(default)]
    pub detail: Option<String>,
    /// The id of the call in our log and, where the cloud said one, in its.
    #[serde(default)]
    pub request_id: Option<String>,
    #[serde(default)]
    pub upstream_request_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ItemResult {
    Waiting,
    Running,
    Done,
    Failed {
        error: ItemError,
    },
    Skipped {
        because: Impossible,
    },
    Uncertain,
    /// The job was canceled before its turn.
    Canceled,
}

/// Why an action on a server was refused or failed, so that a person can go on from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// Code and sentence in our words.
    pub error: ErrorBody,
    /// The cloud's own words, as it said them.
    #[serde(default)]
    pub upstream_message: Option<String>,
    /// The status it answered with.
    #[serde(default)]
    pub upstream_status: Option<u16>,
}

/// `GET` my jobs, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobList {
    pub jobs: Vec<Job>,
}

/// A page of a job's items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobItems {
    pub items: Vec<JobItem>,
    /// Ask for the next page with `after` this; absent on the last.
    #[serde(default)]
    pub next: Option<i64>,
}

/// Which items: all, or those with this result (`waiting`, `failed`, `skipped`, ...).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListJobItemsQuery {
    #[serde(default)]
    pub result: Option<String>,
    #[serde(default)]
    pub after: Option<i64>,
    /// At most 1,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// What to do with a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum ControlJob {
    /// Begins a planned one.
    Start {
        confirmed: Confirmed,
    },
    Pause,
    /// Goes on with a paused one, with the caller's present session.
    Resume,
    Cancel,
    /// Asks again for those that failed, and for the uncertain ones where said; what was canceled stays so.
    RetryFailed {
        #[serde(default)]
        uncertain_too: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_is_at_stake_the_more_is_asked() {
        assert_eq!(confirmation(ActionKind::Start, 5_000), Confirmation::None);
        assert_eq!(confirmation(ActionKind::Stop, 3), Confirmation::Dialog);
        for servers in [1, 2] {
            let word = Confirmation::Word { word: "delete".to_owned() };
            assert_eq!(confirmation(ActionKind::Delete, servers), word);
        }
        assert_eq!(
            confirmation(ActionKind::RevertResize, 1),
            Confirmation::Word { word: "revert".to_owned() }
        );
        assert_eq!(confirmation(ActionKind::Stop, 5_000), Confirmation::Word { word: "stop".to_owned() });
    }
}
