//! Looking at a customer's project, read-only, for a reason, with the operator's own rights.

use serde::{Deserialize, Serialize};

use crate::ProjectId;

/// Begins a look. One that the session has already is over with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSupportView {
    pub project: ProjectId,
    /// For whom: a name, as far as the operator says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// [`SHORTEST_REASON`] to [`LONGEST_REASON`] characters.
    pub reason: String,
}

/// A look, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportView {
    pub id: String,
    /// The operator's name.
    pub operator: String,
    pub project: ProjectId,
    pub project_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    pub reason: String,
    /// Seconds since 1970.
    pub started_at: i64,
    /// When it ends at the latest.
    pub until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

/// A page that was opened in a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupportViewPage {
    /// The path of its address.
    pub path: String,
}

pub const SHORTEST_REASON: usize = 10;
pub const LONGEST_REASON: usize = 500;
