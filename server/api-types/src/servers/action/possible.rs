//! In which of a server's states an action is possible. Both sides ask here: the page to show what is possible and why
//! not, the panel's job to skip what cannot be. Nova has the last word.
//!
//! Source: the states that nova's `check_instance_state` demands of each action.

use serde::{Deserialize, Serialize};

use super::kind::ActionKind;

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

impl ActionKind {
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
}
