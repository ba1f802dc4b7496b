//! The words for what is done to servers, wherever it is told: on a row, in a dialog, in the tray.

use api_types::{
    jobs::Job,
    servers::action::{ActionKind, Impossible},
};

use crate::ui::format;

pub const UNCERTAIN: &str = "The cloud was asked and did not answer, so nobody knows whether it was done. Look at the \
                             server before you ask again.";

/// What is done, as a button says it: "Stop".
pub fn action(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Start => "Start",
        ActionKind::Stop => "Stop",
        ActionKind::Reboot => "Reboot",
        ActionKind::HardReboot => "Hard reboot",
        ActionKind::Pause => "Pause",
        ActionKind::Unpause => "Unpause",
        ActionKind::Suspend => "Suspend",
        ActionKind::Resume => "Resume",
        ActionKind::Lock => "Lock",
        ActionKind::Unlock => "Unlock",
        ActionKind::Shelve => "Shelve",
        ActionKind::Unshelve => "Unshelve",
        ActionKind::Rename => "Rename",
        ActionKind::Describe => "Edit description",
        ActionKind::Tag => "Edit tags",
        ActionKind::SetMetadata => "Edit metadata",
        ActionKind::Resize => "Resize",
        ActionKind::ConfirmResize => "Confirm resize",
        ActionKind::RevertResize => "Revert resize",
        ActionKind::Rebuild => "Rebuild",
        ActionKind::Rescue => "Rescue",
        ActionKind::Unrescue => "Unrescue",
        ActionKind::Snapshot => "Create snapshot",
        ActionKind::SetPassword => "Set password",
        ActionKind::AttachVolume => "Attach volume",
        ActionKind::DetachVolume => "Detach volume",
        ActionKind::AttachInterface => "Attach network",
        ActionKind::DetachInterface => "Detach network",
        ActionKind::AttachFloatingIp => "Attach floating IP",
        ActionKind::DetachFloatingIp => "Detach floating IP",
        ActionKind::AddSecurityGroup => "Add security group",
        ActionKind::RemoveSecurityGroup => "Remove security group",
        ActionKind::Delete => "Delete",
    }
}

/// "Stop web-1", "Stop 12 servers", "Set password: 12 servers"
pub fn title(job: &Job) -> String {
    titled(job.action, job.server_name.as_deref(), job.counts.total as usize)
}

/// The same, of an action and its servers.
pub fn titled(of: ActionKind, name: Option<&str>, count: usize) -> String {
    let whom = match name {
        Some(name) if count == 1 && !name.trim().is_empty() => name.to_owned(),
        _ => servers(count),
    };
    // A verb takes the server as its object; "Edit tags" has one already.
    let between = if action(of).contains(' ') && of != ActionKind::HardReboot { ": " } else { " " };
    format!("{}{between}{whom}", action(of))
}

/// "12 servers"
pub fn servers(count: usize) -> String {
    format::counted(count as u64, "server", "servers")
}

/// How a job ended, or how it stands: "Stop 12 servers: 11 done, 1 failed."
pub fn ended(job: &Job) -> String {
    format!("{}: {}.", title(job), results(job))
}

/// "11 done, 1 failed"; what is none is not said.
pub fn results(job: &Job) -> String {
    let counts = job.counts;
    let is_one = counts.total == 1;
    let results = [
        (counts.done, "done"),
        (counts.failed, "failed"),
        (counts.skipped, "left out"),
        (counts.uncertain, "uncertain"),
        (counts.canceled, "not begun"),
    ];
    let told = results.into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> =
        told.map(|(count, word)| {
            if is_one { word.to_owned() } else { format!("{} {word}", format::number(u64::from(count))) }
        })
        .collect();
    if told.is_empty() { "nothing was done".to_owned() } else { told.join(", ") }
}

/// Why an action is not possible: one sentence.
pub fn impossible(because: &Impossible) -> String {
    match because {
        Impossible::Locked => "It is locked; unlock it first.".to_owned(),
        Impossible::AlreadySo => "It is so already.".to_owned(),
        Impossible::Busy { task_state } => format!("Something else is under way: {}.", spelled(task_state)),
        Impossible::Status { status, needs } => {
            let needs: Vec<_> = needs.iter().map(|status| spelled(status)).collect();
            match needs.as_slice() {
                [one] => format!("It is {}; this needs {one}.", spelled(status)),
                [some @ .., last] => {
                    format!("It is {}; this needs {} or {last}.", spelled(status), some.join(", "))
                }
                [] => format!("It is {}.", spelled(status)),
            }
        }
        Impossible::Gone => "It is gone, or on its way out.".to_owned(),
    }
}

/// A status or task as Nova spells it, in small letters: "shut off", "powering on".
pub fn spelled(word: &str) -> String {
    match word {
        "SHUTOFF" => "shut off".to_owned(),
        "VERIFY_RESIZE" => "waiting for a resize to be confirmed".to_owned(),
        "ERROR" => "in error".to_owned(),
        "" => "in a state nobody told".to_owned(),
        word => word.to_ascii_lowercase().replace(['_', '-'], " "),
    }
}

#[cfg(test)]
mod tests {
    use api_types::jobs::{JobCounts, JobState};

    use super::{super::news::tests::job, *};

    #[test]
    fn a_job_is_called_by_what_it_does_and_to_whom() {
        assert_eq!(titled(ActionKind::Stop, Some("web-1"), 1), "Stop web-1");
        assert_eq!(titled(ActionKind::Stop, Some(" "), 1), "Stop 1 server");
        assert_eq!(titled(ActionKind::HardReboot, None, 5_000), "Hard reboot 5,000 servers");
        assert_eq!(titled(ActionKind::Tag, Some("web-1"), 1), "Edit tags: web-1");
    }

    #[test]
    fn an_end_says_what_came_of_it() {
        let counts = JobCounts { total: 12, done: 10, failed: 1, uncertain: 1, ..JobCounts::default() };
        assert_eq!(
            ended(&job("a", JobState::Done, counts)),
            "Stop 12 servers: 10 done, 1 failed, 1 uncertain."
        );
        let canceled = JobCounts { total: 3, done: 1, canceled: 2, ..JobCounts::default() };
        assert_eq!(results(&job("a", JobState::Canceled, canceled)), "1 done, 2 not begun");
        let one = JobCounts { total: 1, done: 1, ..JobCounts::default() };
        assert_eq!(results(&job("a", JobState::Done, one)), "done");
    }

    #[test]
    fn a_reason_names_the_state_and_what_it_needs() {
        let status = |needs: &[&str]| Impossible::Status {
            status: "SHUTOFF".to_owned(),
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        };
        assert_eq!(impossible(&status(&["ACTIVE"])), "It is shut off; this needs active.");
        assert_eq!(
            impossible(&status(&["ACTIVE", "PAUSED", "ERROR"])),
            "It is shut off; this needs active, paused or in error."
        );
    }
}
