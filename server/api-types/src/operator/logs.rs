//! The log of all nodes, searched.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is looked for; all of it has to be true of a line. The page's own address has the same parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    /// Part of the description, in letters large or small; with `pattern` a regular expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pattern: bool,
    /// Seconds back from now; 0 for all there is. Without it, `from` and `to`: [`USUAL_LAST_SECS`], and all there is
    /// where a request is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// This level or a higher one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// `status:404 service:compute`, a value with blanks in quotes; or a JSON object that the fields have to contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<String>,
    /// Lines older than this [`LogLine::position`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Lines newer than this [`LogLine::position`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// [`USUAL_LIMIT`] where it is left out, [`MOST_LINES`] at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

pub const USUAL_LAST_SECS: u32 = 3_600;
pub const USUAL_LIMIT: u32 = 200;
pub const MOST_LINES: u32 = 1_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Microseconds since 1970, by the server's clock.
    pub at_us: i64,
    pub id: i64,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    pub facility: String,
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    pub node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    pub release: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

impl LogLine {
    /// Where the line stands among all.
    pub fn position(&self) -> String {
        format!("{}-{}", self.at_us, self.id)
    }
}

/// Lines, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogPage {
    pub lines: Vec<LogLine>,
    /// There are older ones, from the last line on.
    pub has_older: bool,
    /// There are newer ones, from the first line on.
    pub has_newer: bool,
    /// The search took too long. Microseconds since 1970: it is complete as far as this moment, and no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched_to_us: Option<i64>,
    pub took_ms: f64,
}

/// What is logged at the moment: `GET`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLevels {
    /// Seconds since 1970, by the node that answers.
    pub at: i64,
    /// The filter of the node that answers, as it is configured.
    pub configured: String,
    pub node: String,
    /// What is set for a while, that of everybody first. All nodes follow it.
    pub overrides: Vec<LevelOverride>,
}

/// What is set for a while, for one user or for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelOverride {
    pub id: String,
    /// `None`: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A level; for everybody also levels by module.
    pub filter: String,
    /// Seconds since 1970.
    pub until: i64,
    pub set_by: String,
    /// Seconds since 1970.
    pub set_at: i64,
    pub because: String,
    /// Somebody of this name is signed in; `None` for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_signed_in: Option<bool>,
}

/// `POST`: sets what is logged of one user, or of everybody, for a while. It takes the place of what was set for the
/// same before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLogLevel {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub filter: String,
    pub minutes: u32,
    /// Why, for those who find it later.
    pub because: String,
}

pub const MOST_LEVEL_MINUTES: u32 = 24 * 60;
