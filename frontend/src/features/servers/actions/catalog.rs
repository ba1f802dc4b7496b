//! What there is to do, in the order menus show it.

use api_types::servers::action::ActionKind::{self, *};

use crate::cloud::Service;

/// Actions that belong together.
pub struct Group {
    pub title: &'static str,
    pub actions: &'static [ActionKind],
}

/// Everything that can be done to a server.
pub const GROUPS: [Group; 4] = [
    Group {
        title: "Power",
        actions: &[Start, Stop, Reboot, HardReboot, Pause, Unpause, Suspend, Resume, Shelve, Unshelve],
    },
    Group {
        title: "Change",
        actions: &[
            Rename,
            Describe,
            Tag,
            SetMetadata,
            Resize,
            ConfirmResize,
            RevertResize,
            Snapshot,
            SetPassword,
            Rebuild,
        ],
    },
    Group {
        title: "Connect",
        actions: &[
            AttachVolume,
            DetachVolume,
            AttachInterface,
            DetachInterface,
            AttachFloatingIp,
            DetachFloatingIp,
            AddSecurityGroup,
            RemoveSecurityGroup,
        ],
    },
    Group { title: "Safety", actions: &[Lock, Unlock, Rescue, Unrescue, Delete] },
];

/// What is done most, as buttons on a server's page.
pub const MAIN: [ActionKind; 3] = [Start, Stop, Reboot];

/// It is about one thing of one server: a volume is attached to one, an address belongs to one.
pub fn is_for_one(kind: ActionKind) -> bool {
    matches!(kind, AttachVolume | DetachVolume | DetachInterface | AttachFloatingIp | DetachFloatingIp)
}

/// What it is told is a thing of one region, so all servers have to be there.
pub fn is_of_one_region(kind: ActionKind) -> bool {
    matches!(kind, Resize | Rebuild | Rescue | AttachInterface | AddSecurityGroup | RemoveSecurityGroup)
}

/// It needs to be told more than which servers.
pub fn has_form(kind: ActionKind) -> bool {
    matches!(
        kind,
        Rename
            | Describe
            | Tag
            | SetMetadata
            | Resize
            | Rebuild
            | Rescue
            | Snapshot
            | SetPassword
            | AttachVolume
            | DetachVolume
            | AttachInterface
            | DetachInterface
            | AttachFloatingIp
            | DetachFloatingIp
            | AddSecurityGroup
            | RemoveSecurityGroup
    )
}

/// The service a region must have for it, beside the one that runs servers.
pub fn service(kind: ActionKind) -> Option<Service> {
    match kind {
        AttachVolume | DetachVolume => Some(Service::BlockStorage),
        AttachInterface | DetachInterface | AttachFloatingIp | DetachFloatingIp | AddSecurityGroup
        | RemoveSecurityGroup => Some(Service::Network),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_offered_once() {
        let mut offered: Vec<_> = GROUPS.iter().flat_map(|group| group.actions).copied().collect();
        offered.sort();
        assert_eq!(offered, ActionKind::ALL);
    }

    #[test]
    fn what_is_about_one_thing_asks_which() {
        assert!(ActionKind::ALL.iter().all(|kind| !is_for_one(*kind) || has_form(*kind)));
    }
}
