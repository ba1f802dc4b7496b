//! The kinds of actions: their names, what each may cost, and what Nova shows meanwhile.

use serde::{Deserialize, Serialize};

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
}
