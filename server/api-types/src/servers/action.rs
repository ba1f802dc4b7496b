//! What can be done to a server, with what it needs; which kinds of actions there are; and in which states of a server
//! each is possible.
//!
//! Source: compute API, servers - run an action.

mod kind;
mod possible;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    kind::{ActionKind, Danger},
    possible::{Impossible, ServerNow},
};

/// Something to do to a server, with what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum ServerAction {
    Start,
    Stop,
    Reboot {
        /// Like pulling the plug: whatever is not on disk is lost.
        #[serde(default)]
        is_hard: bool,
    },
    Pause,
    Unpause,
    Suspend,
    Resume,
    Lock {
        #[serde(default)]
        reason: Option<String>,
    },
    Unlock,
    Shelve,
    Unshelve,
    Rename {
        name: String,
    },
    Describe {
        description: String,
    },
    /// Tags that come and tags that go; all others stay.
    Tag {
        #[serde(default)]
        add: Vec<String>,
        #[serde(default)]
        remove: Vec<String>,
    },
    /// Entries that are set and keys that go; all others stay.
    SetMetadata {
        #[serde(default)]
        set: Vec<(String, String)>,
        #[serde(default)]
        remove: Vec<String>,
    },
    Resize {
        flavor_id: String,
    },
    ConfirmResize,
    RevertResize,
    /// Everything on the server's disk is destroyed.
    Rebuild {
        image_id: String,
    },
    Rescue {
        /// The configured rescue image where not said.
        #[serde(default)]
        image_id: Option<String>,
        /// A password for the rescue system; Nova makes one up where not said, and nobody sees it then.
        #[serde(default)]
        password: Option<Password>,
    },
    Unrescue,
    /// Saves the server's disk as an image.
    Snapshot {
        name: String,
    },
    SetPassword {
        password: Password,
    },
    AttachVolume {
        volume_id: String,
    },
    DetachVolume {
        volume_id: String,
    },
    AttachInterface {
        network_id: String,
    },
    DetachInterface {
        port_id: String,
    },
    /// Gives the server's port a floating IP that exists.
    AttachFloatingIp {
        floating_ip_id: String,
        port_id: String,
    },
    DetachFloatingIp {
        floating_ip_id: String,
    },
    AddSecurityGroup {
        name: String,
    },
    RemoveSecurityGroup {
        name: String,
    },
    Delete,
}

/// A password on its way; prints as `***`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl ServerAction {
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Start => ActionKind::Start,
            Self::Stop => ActionKind::Stop,
            Self::Reboot { is_hard: false } => ActionKind::Reboot,
            Self::Reboot { is_hard: true } => ActionKind::HardReboot,
            Self::Pause => ActionKind::Pause,
            Self::Unpause => ActionKind::Unpause,
            Self::Suspend => ActionKind::Suspend,
            Self::Resume => ActionKind::Resume,
            Self::Lock { .. } => ActionKind::Lock,
            Self::Unlock => ActionKind::Unlock,
            Self::Shelve => ActionKind::Shelve,
            Self::Unshelve => ActionKind::Unshelve,
            Self::Rename { .. } => ActionKind::Rename,
            Self::Describe { .. } => ActionKind::Describe,
            Self::Tag { .. } => ActionKind::Tag,
            Self::SetMetadata { .. } => ActionKind::SetMetadata,
            Self::Resize { .. } => ActionKind::Resize,
            Self::ConfirmResize => ActionKind::ConfirmResize,
            Self::RevertResize => ActionKind::RevertResize,
            Self::Rebuild { .. } => ActionKind::Rebuild,
            Self::Rescue { .. } => ActionKind::Rescue,
            Self::Unrescue => ActionKind::Unrescue,
            Self::Snapshot { .. } => ActionKind::Snapshot,
            Self::SetPassword { .. } => ActionKind::SetPassword,
            Self::AttachVolume { .. } => ActionKind::AttachVolume,
            Self::DetachVolume { .. } => ActionKind::DetachVolume,
            Self::AttachInterface { .. } => ActionKind::AttachInterface,
            Self::DetachInterface { .. } => ActionKind::DetachInterface,
            Self::AttachFloatingIp { .. } => ActionKind::AttachFloatingIp,
            Self::DetachFloatingIp { .. } => ActionKind::DetachFloatingIp,
            Self::AddSecurityGroup { .. } => ActionKind::AddSecurityGroup,
            Self::RemoveSecurityGroup { .. } => ActionKind::RemoveSecurityGroup,
            Self::Delete => ActionKind::Delete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_prints_as_stars_and_travels_as_it_is() {
        let action = ServerAction::SetPassword { password: Password("hunter2".to_owned()) };
        assert!(!format!("{action:?}").contains("hunter2"));
        let text = serde_json::to_string(&action).expect("json");
        assert_eq!(text, r#"{"do":"set_password","password":"hunter2"}"#);
        assert_eq!(serde_json::from_str::<ServerAction>(&text).expect("an action"), action);
    }
}
