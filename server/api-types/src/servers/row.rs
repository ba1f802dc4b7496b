//! A row of the servers list.

use serde::{Deserialize, Serialize};

use crate::ServerId;

/// What the list knows of a server; its region is named by the frame or event that carries it.
/// Source: compute API, list servers detailed (2.79), with names of images filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRow {
    pub id: ServerId,
    /// Any text at all: markup, newlines, other scripts, nothing.
    pub name: String,
    /// As Nova spells it (`ACTIVE`); may be one we do not know.
    pub status: String,
    /// What is being done to it (`rebooting`), as Nova spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_state: Option<String>,
    #[serde(default)]
    pub is_locked: bool,
    #[serde(default)]
    pub tags: Vec<String>,
    /// Sorted by key.
    #[serde(default)]
    pub metadata: Vec<(String, String)>,
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// `None`: not said (a deleted flavor still says its values from 2.47 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<Flavor>,
    #[serde(default)]
    pub image: Image,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Seconds since 1970; 0 when not said.
    #[serde(default)]
    pub created_at: u32,
    /// Seconds since 1970; 0 when not said.
    #[serde(default)]
    pub updated_at: u32,
    /// Why it failed, in Nova's words, for a server in `ERROR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The upstream's row could not be read as a whole; what is shown is what could be read.
    #[serde(default)]
    pub is_degraded: bool,
}

/// An address of a server on one of its networks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// An IPv4 or IPv6 address as text.
    pub ip: String,
    pub network: String,
    #[serde(default)]
    pub is_floating: bool,
}

/// The size of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flavor {
    pub name: String,
    pub vcpus: u32,
    pub ram_mib: u32,
    pub disk_gib: u32,
}

/// What a server was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Image {
    /// Booted from a volume: there is no image to name.
    #[default]
    Volume,
    /// An image whose name is known.
    Named { id: String, name: String },
    /// An image that is gone, or that the image service did not tell us about yet.
    Unnamed { id: String },
}
