//! The words a person reads in the tray.

use api_types::jobs::{ItemResult, Job, JobState};

use super::state::Control;
use crate::{
    jobs::{news::settled, texts::results},
    ui::format,
};

pub const TITLE: &str = "Jobs";
pub const NONE: &str = "Nothing was asked for yet. What you do to servers appears here, with how far it is; it goes on \
                        when you close the page.";
pub const RESULT: &str = "Result";
pub const CALLS: &str = "Calls";
pub const DOWNLOAD: &str = "Download CSV";
pub const NOT_HERE: &str = "The part of the panel that shows results could not be loaded. Try again.";
pub const MORE: &str = "Show more";
pub const NO_ITEM: &str = "No server has this result.";
pub const FILTER: &str = "Result";
pub const HEADS: &[&str] = &["Server", "Region", "Result", "Why"];
pub const SAID: &str = "What the cloud said:";
pub const REQUEST: &str = "Request";

/// "Jobs, 2 running"
pub fn button(running: usize) -> String {
    match running {
        0 => TITLE.to_owned(),
        _ => format!("{TITLE}, {running} running"),
    }
}

pub fn control(control: Control) -> &'static str {
    match control {
        Control::Pause => "Pause",
        Control::Resume => "Resume",
        Control::Cancel => "Cancel",
        Control::RetryFailed => "Try the failed again",
        Control::RetryUncertain => "Try the uncertain again",
    }
}

/// How far it is, and why it stands still.
pub fn progress(job: &Job) -> String {
    let so_far = || {
        let counts = job.counts;
        let of = format!(
            "{} of {}",
            format::number(u64::from(settled(counts))),
            format::number(u64::from(counts.total))
        );
        if counts.failed > 0 {
            format!("{of}, {} failed", format::number(u64::from(counts.failed)))
        } else {
            of
        }
    };
    match job.state {
        JobState::Planned => "Waits to be confirmed".to_owned(),
        JobState::Running => so_far(),
        JobState::Paused => match &job.held_because {
            Some(because) => format!("Paused at {}. {because}", so_far()),
            None => format!("Paused at {}", so_far()),
        },
        JobState::Canceled => format!("Canceled: {}", results(job)),
        JobState::Done => sentence(&results(job)),
    }
}

/// The filters of the result: what they ask for, their word and how many there are.
pub fn filters(job: &Job) -> Vec<(Option<&'static str>, &'static str, u32)> {
    let counts = job.counts;
    let all = [
        (None, "All", counts.total),
        (Some("done"), "Done", counts.done),
        (Some("failed"), "Failed", counts.failed),
        (Some("skipped"), "Left out", counts.skipped),
        (Some("uncertain"), "Uncertain", counts.uncertain),
        (Some("canceled"), "Not begun", counts.canceled),
        (Some("running"), "Running", counts.running),
        (Some("waiting"), "Waiting", counts.waiting),
    ];
    all.into_iter().filter(|(key, _, count)| key.is_none() || *count > 0).collect()
}

pub fn result(result: &ItemResult) -> &'static str {
    match result {
        ItemResult::Waiting => "Waiting",
        ItemResult::Running => "Running",
        ItemResult::Done => "Done",
        ItemResult::Failed { .. } => "Failed",
        ItemResult::Skipped { .. } => "Left out",
        ItemResult::Uncertain => "Uncertain",
        ItemResult::Canceled => "Not begun",
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

#[cfg(test)]
mod tests {
    use api_types::jobs::JobCounts;

    use super::*;
    use crate::jobs::news::tests::job;

    #[test]
    fn progress_says_how_far_it_is_and_why_it_stands_still() {
        let counts = JobCounts { total: 12, waiting: 5, done: 6, failed: 1, ..JobCounts::default() };
        assert_eq!(progress(&job("a", JobState::Running, counts)), "7 of 12, 1 failed");
        let held = Job {
            held_because: Some("Your session is over.".to_owned()),
            ..job("a", JobState::Paused, counts)
        };
        assert_eq!(progress(&held), "Paused at 7 of 12, 1 failed. Your session is over.");
        let counts = JobCounts { waiting: 0, canceled: 5, ..counts };
        assert_eq!(
            progress(&job("a", JobState::Canceled, counts)),
            "Canceled: 6 done, 1 failed, 5 not begun"
        );
        let one = JobCounts { total: 1, done: 1, ..JobCounts::default() };
        assert_eq!(progress(&job("a", JobState::Done, one)), "Done");
    }

    #[test]
    fn only_results_that_are_there_can_be_asked_for() {
        let counts = JobCounts { total: 3, done: 2, failed: 1, ..JobCounts::default() };
        let keys: Vec<_> = filters(&job("a", JobState::Done, counts)).iter().map(|filter| filter.0).collect();
        assert_eq!(keys, [None, Some("done"), Some("failed")]);
    }
}
