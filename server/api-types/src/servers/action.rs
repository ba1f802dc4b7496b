//! What can be done to a server, and in which of its states. Both sides ask here: the page to show what is possible
//! and why not, the panel's job to skip what cannot be. Nova has the last word.
//!
//! Source: compute API, servers - run an action, and the states that nova's `check_instance_state` demands of each.

use std::fmt;

use serde::{Deserialize, Serialize};

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

/// An action without what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    Start,
    Stop,
    Reboot,
    HardReboot,
    Pause,
    Unpause,
    Suspend,
    Resume,
    Lock,
    Unlock,
    Shelve,
    Unshelve,
    Rename,
    Describe,
    Tag,
    SetMetadata,
    Resize,
    ConfirmResize,
    RevertResize,
    Rebuild,
    Rescue,
    Unrescue,
    Snapshot,
    SetPassword,
    AttachVolume,
    DetachVolume,
    AttachInterface,
    DetachInterface,
    AttachFloatingIp,
    DetachFloatingIp,
    AddSecurityGroup,
    RemoveSecurityGroup,
    Delete,
}

/// What an action may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// It can be undone by another action.
    None,
    /// Whoever uses the server notices: it stops, or starts anew.
    Interrupts,
    /// Data is lost.
    Destroys,
}

/// What is known of a server when it is asked whether an action is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerNow<'a> {
    /// As Nova spells it.
    pub status: &'a str,
    pub task_state: Option<&'a str>,
    pub is_locked: bool,
}

/// Why an action is not possible now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Impossible {
    /// Somebody locked the server.
    Locked,
    /// It is locked or unlocked already.
    AlreadySo,
    /// Something else is being done to it.
    Busy { task_state: String },
    /// Its state does not allow it.
    Status { status: String, needs: Vec<String> },
    /// It is gone.
    Gone,
}

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

impl ActionKind {
    pub const ALL: &'static [ActionKind] = &[
        Self::Start,
        Self::Stop,
        Self::Reboot,
        Self::HardReboot,
        Self::Pause,
        Self::Unpause,
        Self::Suspend,
        Self::Resume,
        Self::Lock,
        Self::Unlock,
        Self::Shelve,
        Self::Unshelve,
        Self::Rename,
        Self::Describe,
        Self::Tag,
        Self::SetMetadata,
        Self::Resize,
        Self::ConfirmResize,
        Self::RevertResize,
        Self::Rebuild,
        Self::Rescue,
        Self::Unrescue,
        Self::Snapshot,
        Self::SetPassword,
        Self::AttachVolume,
        Self::DetachVolume,
        Self::AttachInterface,
        Self::DetachInterface,
        Self::AttachFloatingIp,
        Self::DetachFloatingIp,
        Self::AddSecurityGroup,
        Self::RemoveSecurityGroup,
        Self::Delete,
    ];

    /// Stable and meant for programs: as it travels in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Reboot => "reboot",
            Self::HardReboot => "hard_reboot",
            Self::Pause => "pause",
            Self::Unpause => "unpause",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Shelve => "shelve",
            Self::Unshelve => "unshelve",
            Self::Rename => "rename",
            Self::Describe => "describe",
            Self::Tag => "tag",
            Self::SetMetadata => "set_metadata",
            Self::Resize => "resize",
            Self::ConfirmResize => "confirm_resize",
            Self::RevertResize => "revert_resize",
            Self::Rebuild => "rebuild",
            Self::Rescue => "rescue",
            Self::Unrescue => "unrescue",
            Self::Snapshot => "snapshot",
            Self::SetPassword => "set_password",
            Self::AttachVolume => "attach_volume",
            Self::DetachVolume => "detach_volume",
            Self::AttachInterface => "attach_interface",
            Self::DetachInterface => "detach_interface",
            Self::AttachFloatingIp => "attach_floating_ip",
            Self::DetachFloatingIp => "detach_floating_ip",
            Self::AddSecurityGroup => "add_security_group",
            Self::RemoveSecurityGroup => "remove_security_group",
            Self::Delete => "delete",
        }
    }

    pub fn danger(self) -> Danger {
        match self {
            // A revert goes back to the disk as it was before the resize.
            Self::Delete | Self::Rebuild | Self::RevertResize => Danger::Destroys,
            Self::Stop
            | Self::Reboot
            | Self::HardReboot
            | Self::Pause
            | Self::Suspend
            | Self::Shelve
            | Self::Resize
            | Self::Rescue
            | Self::SetPassword
            | Self::DetachVolume
            | Self::DetachInterface
            | Self::DetachFloatingIp => Danger::Interrupts,
            _ => Danger::None,
        }
    }

    /// What Nova shows as the server's task while it is at it; `None` where it is done with the answer.
    pub fn task_state(self) -> Option<&'static str> {
        Some(match self {
            Self::Start => "powering-on",
            Self::Stop => "powering-off",
            Self::Reboot => "rebooting",
            Self::HardReboot => "rebooting_hard",
            Self::Pause => "pausing",
            Self::Unpause => "unpausing",
            Self::Suspend => "suspending",
            Self::Resume => "resuming",
            Self::Shelve => "shelving",
            Self::Unshelve => "unshelving",
            Self::Resize => "resize_prep",
            Self::RevertResize => "resize_reverting",
            Self::Rebuild => "rebuilding",
            Self::Rescue => "rescuing",
            Self::Unrescue => "unrescuing",
            Self::Snapshot => "image_snapshot_pending",
            Self::SetPassword => "updating_password",
            Self::Delete => "deleting",
            _ => return None,
        })
    }

    /// The statuses it needs; empty where any will do.
    fn statuses(self) -> &'static [&'static str] {
        match self {
            Self::Start => &["SHUTOFF"],
            Self::Stop => &["ACTIVE", "ERROR"],
            Self::Reboot | Self::Pause | Self::Suspend | Self::SetPassword => &["ACTIVE"],
            Self::HardReboot => {
                &["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "ERROR", "REBOOT", "HARD_REBOOT"]
            }
            Self::Unpause => &["PAUSED"],
            Self::Resume => &["SUSPENDED"],
            Self::Shelve | Self::Snapshot | Self::Tag | Self::SetMetadata => {
                &["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"]
            }
            Self::Unshelve => &["SHELVED", "SHELVED_OFFLOADED"],
            Self::Resize => &["ACTIVE", "SHUTOFF"],
            Self::ConfirmResize | Self::RevertResize => &["VERIFY_RESIZE"],
            Self::Rebuild | Self::Rescue => &["ACTIVE", "SHUTOFF", "ERROR"],
            Self::Unrescue => &["RESCUE"],
            Self::AttachVolume => &[
                "ACTIVE",
                "SHUTOFF",
                "PAUSED",
                "VERIFY_RESIZE",
                "SOFT_DELETED",
                "SHELVED",
                "SHELVED_OFFLOADED",
            ],
            Self::DetachVolume => &[
                "ACTIVE",
                "SHUTOFF",
                "PAUSED",
                "SUSPENDED",
                "VERIFY_RESIZE",
                "SOFT_DELETED",
                "SHELVED",
                "SHELVED_OFFLOADED",
            ],
            Self::AttachInterface | Self::DetachInterface => &["ACTIVE", "SHUTOFF", "PAUSED"],
            Self::Lock
            | Self::Unlock
            | Self::Rename
            | Self::Describe
            | Self::AttachFloatingIp
            | Self::DetachFloatingIp
            | Self::AddSecurityGroup
            | Self::RemoveSecurityGroup
            | Self::Delete => &[],
        }
    }

    /// Not on a locked server, unless an administrator asks.
    fn needs_unlocked(self) -> bool {
        !matches!(
            self,
            Self::Lock
                | Self::Unlock
                | Self::Rename
                | Self::Describe
                | Self::Tag
                | Self::AttachFloatingIp
                | Self::DetachFloatingIp
                | Self::AddSecurityGroup
                | Self::RemoveSecurityGroup
        )
    }

    /// Not while a task runs. A hard reboot and deleting are what one does with a server whose task is stuck.
    fn needs_rest(self) -> bool {
        self.needs_unlocked() && !matches!(self, Self::Delete | Self::HardReboot) || self == Self::Tag
    }

    /// Whether the action can be done now, as far as the server's row says.
    pub fn check(self, now: ServerNow<'_>) -> Result<(), Impossible> {
        let task = now.task_state.filter(|task| !task.is_empty());
        if now.status == "DELETED" || (task == Some("deleting") && self != Self::Delete) {
            return Err(Impossible::Gone);
        }
        match self {
            Self::Lock if now.is_locked => return Err(Impossible::AlreadySo),
            Self::Unlock if !now.is_locked => return Err(Impossible::AlreadySo),
            _ => {}
        }
        if now.is_locked && self.needs_unlocked() {
            return Err(Impossible::Locked);
        }
        if let (true, Some(task)) = (self.needs_rest(), task) {
            return Err(Impossible::Busy { task_state: task.to_owned() });
        }
        let needs = self.statuses();
        if needs.is_empty() || needs.contains(&now.status) {
            return Ok(());
        }
        let needs = needs.iter().map(|status| (*status).to_owned()).collect();
        Err(Impossible::Status { status: now.status.to_owned(), needs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(status: &str) -> ServerNow<'_> {
        ServerNow { status, task_state: None, is_locked: false }
    }

    fn possible(now: ServerNow<'_>) -> Vec<ActionKind> {
        ActionKind::ALL.iter().copied().filter(|kind| kind.check(now).is_ok()).collect()
    }

    #[test]
    fn a_server_is_started_when_it_is_off_and_stopped_when_it_runs() {
        assert!(ActionKind::Start.check(now("SHUTOFF")).is_ok());
        assert!(ActionKind::Stop.check(now("ACTIVE")).is_ok());
        let refused = ActionKind::Start.check(now("ACTIVE"));
        let wanted = Impossible::Status { status: "ACTIVE".to_owned(), needs: vec!["SHUTOFF".to_owned()] };
        assert_eq!(refused, Err(wanted));
    }

    #[test]
    fn a_locked_server_can_be_unlocked_and_named_but_not_deleted() {
        let locked = ServerNow { is_locked: true, ..now("ACTIVE") };
        assert!(ActionKind::Unlock.check(locked).is_ok() && ActionKind::Rename.check(locked).is_ok());
        assert_eq!(ActionKind::Delete.check(locked), Err(Impossible::Locked));
        // Nova minds the lock for metadata, and not for tags.
        assert_eq!(ActionKind::SetMetadata.check(locked), Err(Impossible::Locked));
        assert!(ActionKind::Tag.check(locked).is_ok());
        assert_eq!(ActionKind::Lock.check(locked), Err(Impossible::AlreadySo));
    }

    #[test]
    fn what_is_stuck_in_a_task_can_still_be_rebooted_hard_and_deleted() {
        let busy = ServerNow { task_state: Some("rebooting"), ..now("REBOOT") };
        assert!(ActionKind::HardReboot.check(busy).is_ok() && ActionKind::Delete.check(busy).is_ok());
        assert!(matches!(ActionKind::Stop.check(busy), Err(Impossible::Busy { .. })));
    }

    #[test]
    fn a_status_from_the_future_leaves_what_needs_none() {
        let odd = possible(now("HIBERNATING"));
        assert!(odd.contains(&ActionKind::Delete) && odd.contains(&ActionKind::Rename));
        assert!(!odd.contains(&ActionKind::Start) && !odd.contains(&ActionKind::Resize));
    }

    #[test]
    fn nothing_is_done_to_a_server_that_is_going() {
        let going = ServerNow { task_state: Some("deleting"), ..now("ACTIVE") };
        assert_eq!(possible(going), [ActionKind::Delete]);
        assert_eq!(possible(now("DELETED")), []);
    }

    #[test]
    fn a_password_prints_as_stars_and_travels_as_it_is() {
        let action = ServerAction::SetPassword { password: Password("hunter2".to_owned()) };
        assert!(!format!("{action:?}").contains("hunter2"));
        let text = serde_json::to_string(&action).expect("json");
        assert_eq!(text, r#"{"do":"set_password","password":"hunter2"}"#);
        assert_eq!(serde_json::from_str::<ServerAction>(&text).expect("an action"), action);
    }
}
