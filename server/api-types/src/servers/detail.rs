//! One server, with everything its region says about it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ActionKind, ServerRow};
use crate::{ErrorBody, Region, jobs::ItemResult};

/// A server whole. Parts that come from further calls can be missing one by one: partial truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerDetail {
    pub region: Region,
    pub row: ServerRow,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub key_name: Option<String>,
    #[serde(default)]
    pub user_id: Option<String>,
    #[serde(default)]
    pub host_id: Option<String>,
    /// 0 no state, 1 running, 3 paused, 4 shut down, 6 crashed, 7 suspended.
    #[serde(default)]
    pub power_state: Option<i64>,
    #[serde(default)]
    pub vm_state: Option<String>,
    /// Seconds since 1970.
    #[serde(default)]
    pub launched_at: Option<u32>,
    #[serde(default)]
    pub locked_reason: Option<String>,
    #[serde(default)]
    pub config_drive: Option<bool>,
    pub volumes: Part<Vec<AttachedVolume>>,
    pub security_groups: Part<Vec<SecurityGroup>>,
    pub interfaces: Part<Vec<Interface>>,
    pub actions: Part<Vec<InstanceAction>>,
    /// What Nova answered, as it answered it.
    pub raw: Value,
    /// The calls to the cloud that all of this came from.
    #[serde(default)]
    pub calls: Vec<UpstreamCall>,
}

/// A read of the compute service that the panel's server made for a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamCall {
    /// Below the versioned endpoint: `servers/5f3c.../os-interface`.
    pub path: String,
    /// `compute 2.79`, as the service said it.
    #[serde(default)]
    pub microversion: Option<String>,
    /// `None` where no answer came.
    #[serde(default)]
    pub status: Option<u16>,
    pub duration_ms: u32,
    /// The id of the call in our log and, where the cloud said one, in its.
    pub request_id: String,
    #[serde(default)]
    pub upstream_request_id: Option<String>,
}

/// Something that was asked for separately: there, or the reason why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part<T> {
    Known(T),
    Missing(ErrorBody),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedVolume {
    pub id: String,
    /// `/dev/vda`, where Nova says it.
    #[serde(default)]
    pub device: Option<String>,
    #[serde(default)]
    pub delete_on_termination: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    #[serde(default)]
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub port_id: String,
    pub network_id: String,
    pub mac_address: String,
    /// `ACTIVE`, `DOWN`.
    pub status: String,
    pub fixed_ips: Vec<String>,
}

/// Something that was done to the server. Source: compute API, list actions for server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceAction {
    /// `create`, `reboot`, `resize`.
    pub action: String,
    pub request_id: String,
    #[serde(default)]
    pub user_id: Option<String>,
    /// Seconds since 1970.
    pub started_at: u32,
    /// `Error`, or a text of the upstream; absent when all went well.
    #[serde(default)]
    pub message: Option<String>,
}

/// What was done to a server through the panel, each list the newest first. Nova's own history is in
/// [`ServerDetail::actions`]; they meet where the request ids are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHistory {
    /// By jobs.
    pub entries: Vec<HistoryEntry>,
    /// By requests that were passed on to the cloud as they are. Apart, since a page of an earlier release would not know
    /// what to make of some of their actions.
    #[serde(default)]
    pub passed_on: Vec<HistoryEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub action: HistoryAction,
    /// A value worth showing: the new name, the flavor's or image's id; never a secret.
    #[serde(default)]
    pub detail: Option<String>,
    /// Who did it.
    pub user_name: String,
    pub user_id: String,
    /// Seconds since 1970.
    pub at: i64,
    pub result: ItemResult,
    /// The job it was an item of.
    #[serde(default)]
    pub job: Option<String>,
    /// The id of the call in our log.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The id of the call in the cloud's log, as [`InstanceAction::request_id`] has it.
    #[serde(default)]
    pub upstream_request_id: Option<String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum HistoryAction {
    /// What the panel has an action for.
    Panel(ActionKind),
    /// Anything else, in words like those of [`InstanceAction::action`]: `create`, `swap_volume`.
    Cloud(String),
}

impl From<String> for HistoryAction {
    fn from(name: String) -> Self {
        let kind = ActionKind::ALL.iter().find(|kind| kind.name() == name);
        kind.map_or(Self::Cloud(name), |kind| Self::Panel(*kind))
    }
}

impl From<HistoryAction> for String {
    fn from(action: HistoryAction) -> Self {
        match action {
            HistoryAction::Panel(kind) => kind.name().to_owned(),
            HistoryAction::Cloud(name) => name,
        }
    }
}
