//! What a server's status and task mean. Source: compute API guide, "Server concepts", and the recorded answers.

/// How a status is to be understood at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusKind {
    /// Runs as it should.
    Running,
    /// Something is being done to it.
    Changing,
    /// Does not run, because somebody wanted so.
    Resting,
    /// Waits for somebody: confirm a resize, leave rescue.
    Waiting,
    /// Failed.
    Failed,
    /// Not known to us, or not to Nova.
    Unknown,
}

/// The kind of a status as Nova spells it.
pub fn status_kind(status: &str) -> StatusKind {
    match status {
        "ACTIVE" => StatusKind::Running,
        "BUILD" | "REBUILD" | "REBOOT" | "HARD_REBOOT" | "RESIZE" | "REVERT_RESIZE" | "MIGRATING"
        | "PASSWORD" => StatusKind::Changing,
        "SHUTOFF" | "PAUSED" | "SUSPENDED" | "SHELVED" | "SHELVED_OFFLOADED" | "SOFT_DELETED" | "DELETED" => {
            StatusKind::Resting
        }
        "VERIFY_RESIZE" | "RESCUE" => StatusKind::Waiting,
        "ERROR" => StatusKind::Failed,
        _ => StatusKind::Unknown,
    }
}

/// True while the server is about to look different by itself: a task runs, or its status is one of passage.
pub fn is_in_transition(status: &str, task_state: Option<&str>) -> bool {
    task_state.is_some_and(|task| !task.is_empty()) || status_kind(status) == StatusKind::Changing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_a_task_is_in_transition_whatever_its_status() {
        assert!(is_in_transition("ACTIVE", Some("deleting")));
        assert!(is_in_transition("BUILD", None));
        assert!(!is_in_transition("ACTIVE", None));
        assert!(!is_in_transition("ERROR", Some("")));
    }

    #[test]
    fn a_status_from_the_future_is_unknown_not_an_error() {
        assert_eq!(status_kind("HIBERNATING"), StatusKind::Unknown);
    }
}
