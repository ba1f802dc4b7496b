//! What is lost by an action, in words: what a person has to know before it is done.

use api_types::servers::action::ActionKind;

/// One or two sentences; empty where nothing is lost.
pub fn what_is_lost(kind: ActionKind, is_one: bool) -> &'static str {
    match (kind, is_one) {
        (ActionKind::Delete, true) => {
            "The server and everything on its own disk are gone for good. Volumes stay, unless they are set to be \
             deleted with it."
        }
        (ActionKind::Delete, false) => {
            "The servers and everything on their own disks are gone for good. Volumes stay, unless they are set to be \
             deleted with them."
        }
        (ActionKind::Rebuild, _) => "Rebuilding destroys all data on the disk. It cannot be undone.",
        (ActionKind::Stop, _) => {
            "Whoever uses it is cut off until it is started again. What is on disk stays."
        }
        (ActionKind::Reboot, _) => {
            "Whoever uses it is cut off for a moment. The system is asked to shut down properly."
        }
        (ActionKind::HardReboot, _) => {
            "It is like pulling the plug: whatever is not on disk is lost, and whoever uses it is cut off for a moment."
        }
        (ActionKind::Pause, _) => "It stands still, with its memory kept, until it is unpaused.",
        (ActionKind::Suspend, _) => "Its memory is written to disk and it stands still until it is resumed.",
        (ActionKind::Shelve, _) => {
            "It is shut down and its place is given back. Its disk is kept; starting again takes longer than usual."
        }
        (ActionKind::Resize, _) => {
            "It is shut down while it moves to its new size. You confirm the new size afterwards, or go back."
        }
        (ActionKind::RevertResize, _) => {
            "It goes back to its old size. What was written since the resize is lost."
        }
        (ActionKind::Rescue, _) => {
            "It starts from a rescue image, with its own disk beside it, until it is unrescued. Its services are down \
             meanwhile."
        }
        (ActionKind::SetPassword, _) => "The administrator's old password stops working.",
        (ActionKind::DetachVolume, _) => {
            "The server loses it at once. Unmount it in the server first, or what is not written yet is lost."
        }
        (ActionKind::DetachInterface, _) => "The server loses the addresses of this port at once.",
        (ActionKind::DetachFloatingIp, _) => "The server cannot be reached at this address any more.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use api_types::servers::action::Danger;

    use super::*;

    #[test]
    fn whatever_is_dangerous_says_what_is_lost() {
        for kind in ActionKind::ALL {
            assert_eq!(what_is_lost(*kind, true).is_empty(), kind.danger() == Danger::None, "{kind:?}");
        }
    }
}
