//! The words a person reads among the calls.

use api_types::jobs::{ItemResult, Job};

use crate::jobs::{news::has_ended, texts::results};

pub const ABOUT: &str = "What the panel asked the cloud for since this page was opened, the latest first. With your own \
                         credentials you can do the same. Passwords, private keys and user data are left out: a command \
                         reads them from variables.";
pub const NONE: &str = "This page has asked the cloud for nothing itself yet.";
pub const COPY_ALL: &str = "Copy all as a script";
pub const COPIED: &str = "Copied.";
pub const CANNOT_COPY: &str = "This browser does not let the page copy.";
pub const OF_JOB: &str = "Made for";
pub const ALL: &str = "All calls";
pub const BY_SERVER: &str = "Asked by the panel\u{2019}s server, for everybody who looks at this list";
pub const BY_SERVER_ABOUT: &str = "It asks again every few seconds and sends each page what has changed. Its requests \
                                   are in the panel\u{2019}s log.";
pub const REQUEST: &str = "Request";
pub const UPSTREAM_REQUEST: &str = "The cloud\u{2019}s request";
pub const NO_ANSWER: &str = "no answer";
pub const UNDER_WAY: &str = "under way";
pub const NO_ITEMS: &str = "What became of each server could not be had.";

/// What became of a job, in a few words, and whether all of it went well; `None`: it is not over.
pub fn came_of(job: Option<&Job>) -> (String, Option<bool>) {
    match job {
        Some(job) if has_ended(job) => {
            let counts = job.counts;
            (results(job), Some(counts.failed + counts.uncertain == 0 && counts.done > 0))
        }
        _ => (UNDER_WAY.to_owned(), None),
    }
}

/// "2 servers more are in the result of the job."
pub fn and_more(more: usize) -> String {
    match more {
        1 => "1 server more is in the result of the job.".to_owned(),
        _ => format!("{more} servers more are in the result of the job."),
    }
}

pub fn result(result: &ItemResult) -> String {
    match result {
        ItemResult::Waiting => "waiting".to_owned(),
        ItemResult::Running => UNDER_WAY.to_owned(),
        ItemResult::Done => "done".to_owned(),
        ItemResult::Failed { error } => match error.upstream_status {
            Some(status) => format!("failed with {status}"),
            None => "failed".to_owned(),
        },
        ItemResult::Skipped { .. } => "left out, not asked".to_owned(),
        ItemResult::Uncertain => "uncertain".to_owned(),
        ItemResult::Canceled => "not begun".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use api_types::jobs::{JobCounts, JobState};

    use super::*;
    use crate::jobs::news::tests::job;

    #[test]
    fn a_job_went_well_where_something_was_done_and_nothing_failed() {
        let counts = |done, failed| JobCounts { total: 2, done, failed, ..JobCounts::default() };
        assert_eq!(came_of(Some(&job("a", JobState::Done, counts(2, 0)))), ("2 done".to_owned(), Some(true)));
        let some = came_of(Some(&job("a", JobState::Done, counts(1, 1))));
        assert_eq!(some, ("1 done, 1 failed".to_owned(), Some(false)));
        assert_eq!(came_of(Some(&job("a", JobState::Running, counts(1, 0)))).1, None);
        assert_eq!(came_of(None).1, None);
    }
}
