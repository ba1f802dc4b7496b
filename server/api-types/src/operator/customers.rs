//! People and projects, for those who answer them.

use serde::{Deserialize, Serialize};

use super::{flags::CustomerFlag, logs::LogLine, support_views::SupportView};
use crate::{ProjectId, jobs::Job};

/// Whom or what an operator looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindCustomersQuery {
    /// Part of a name, or a whole id, of a user or a project; for users also the address of a session.
    pub search: String,
}

/// What the panel and, as far as the operator's own rights go, Keystone know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomersFound {
    pub people: Vec<Person>,
    pub projects: Vec<CustomerProject>,
    /// Sign-ins that failed under just this name, in domains the panel knows.
    pub failures: Vec<SignInFailures>,
    /// Why Keystone's part is missing: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keystone_refused: Option<String>,
    /// There are more than are listed.
    pub is_cut: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: String,
    pub name: String,
    /// The domain's name, where it is known; else its id.
    pub domain: String,
    /// Sessions they have now.
    pub sessions: u32,
    /// Seconds since 1970; `None`: not seen here since their last session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<i64>,
    /// Keystone's word; `None` where it was not asked or said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerProject {
    pub id: ProjectId,
    /// Empty where nobody said it.
    pub name: String,
    pub domain: String,
    /// The operator has a role in it, so a support view is possible.
    pub may_view: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
}

/// Failed sign-ins of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInFailures {
    pub user: String,
    pub domain: String,
    pub failures: u32,
    /// Seconds since 1970 from which they are counted.
    pub since: i64,
    /// How long the name is locked out yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_for_secs: Option<u64>,
}

/// Everything about one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerUser {
    pub person: Person,
    pub sessions: Vec<CustomerSession>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<SignInFailures>,
    /// Projects they have a role in, as Keystone says, or were seen in here.
    pub projects: Vec<CustomerProject>,
    pub jobs: Vec<Job>,
    /// Every flag there is.
    #[serde(default)]
    pub flags: Vec<CustomerFlag>,
    /// Warnings and errors, the newest first.
    pub errors: Vec<LogLine>,
    /// Calls to the cloud, the newest first.
    pub calls: Vec<LogLine>,
    /// Days back that lines were looked for.
    pub days: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keystone_refused: Option<String>,
}

/// Everything about one project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerProjectPage {
    pub project: CustomerProject,
    /// Who worked in it here.
    pub people: Vec<Person>,
    pub errors: Vec<LogLine>,
    pub days: u32,
    pub support_views: Vec<SupportView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keystone_refused: Option<String>,
}

/// A session of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerSession {
    pub id: String,
    /// As lines of the log name it.
    pub short: String,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub address: String,
    pub browser: String,
    /// It is the operator's own, with which this is asked.
    pub is_current: bool,
}

/// Lets a name try again at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftLockout {
    pub user: String,
    pub domain: String,
}
