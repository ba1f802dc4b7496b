//! Who has which flag, for those who decide it.

use serde::{Deserialize, Serialize};

/// All flags, as one node has them: `GET`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagList {
    /// Seconds since 1970, by the node that answers.
    pub at: i64,
    pub node: String,
    pub flags: Vec<FlagState>,
}

/// A flag, as the node that answers has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagState {
    pub name: String,
    /// What whoever has it gets: a sentence.
    pub says: String,
    /// The share of users who have it where operators set nothing, in percent.
    pub configured_percent: u8,
    /// What operators set in place of it. All nodes follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<FlagSetting>,
}

/// What operators set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagSetting {
    pub percent: u8,
    /// Names of users who have it whatever the percentage.
    pub on_for: Vec<String>,
    /// Names of users who do not.
    pub off_for: Vec<String>,
    pub changed_by: String,
    /// Seconds since 1970.
    pub changed_at: i64,
    pub because: String,
}

/// `PUT`: sets who has a flag, in place of all that was set before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetFlag {
    pub percent: u8,
    /// At most [`MOST_NAMED`] names of users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_for: Vec<String>,
    /// At most [`MOST_NAMED`] names of users, none of which stands in the other list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off_for: Vec<String>,
    /// Why, for those who find it later.
    pub because: String,
}

pub const MOST_NAMED: usize = 100;

/// A flag of one person, and why they have it or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerFlag {
    pub name: String,
    /// What whoever has it gets: a sentence.
    pub says: String,
    pub is_on: bool,
    /// Operators named this person; otherwise the share decides.
    pub is_named: bool,
    /// The share of users who have it, in percent.
    pub percent: u8,
}
