//! What can be done with a job, and how far it is. Values in, values out.

use api_types::jobs::{Job, JobCounts, JobState};

use crate::jobs::news::{has_ended, settled};

/// A button of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Pause,
    Resume,
    Cancel,
    RetryFailed,
    RetryUncertain,
}

/// What can be done with it now, in the order of the buttons.
pub fn controls(job: &Job) -> Vec<Control> {
    let mut controls = match job.state {
        JobState::Running => vec![Control::Pause, Control::Cancel],
        JobState::Paused => vec![Control::Resume, Control::Cancel],
        JobState::Planned => vec![Control::Cancel],
        JobState::Canceled | JobState::Done => Vec::new(),
    };
    if has_ended(job) && job.counts.failed > 0 {
        controls.push(Control::RetryFailed);
    } else if has_ended(job) && job.counts.uncertain > 0 {
        controls.push(Control::RetryUncertain);
    }
    controls
}

/// How much of it is done, and how much went wrong, in per cent.
pub fn shares(counts: JobCounts) -> (u32, u32) {
    let share = |part: u32| (u64::from(part) * 100).checked_div(u64::from(counts.total)).unwrap_or(0) as u32;
    (share(counts.done), share(settled(counts) - counts.done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::news::tests::job;

    #[test]
    fn a_job_offers_what_its_state_allows() {
        let none = JobCounts { total: 2, waiting: 2, ..JobCounts::default() };
        assert_eq!(controls(&job("a", JobState::Running, none)), [Control::Pause, Control::Cancel]);
        assert_eq!(controls(&job("a", JobState::Paused, none)), [Control::Resume, Control::Cancel]);
        assert_eq!(controls(&job("a", JobState::Done, none)), []);
        let failed = JobCounts { total: 2, done: 1, failed: 1, ..JobCounts::default() };
        assert_eq!(controls(&job("a", JobState::Done, failed)), [Control::RetryFailed]);
        assert_eq!(controls(&job("a", JobState::Running, failed)), [Control::Pause, Control::Cancel]);
        let uncertain = JobCounts { total: 2, done: 1, uncertain: 1, ..JobCounts::default() };
        assert_eq!(controls(&job("a", JobState::Canceled, uncertain)), [Control::RetryUncertain]);
    }

    #[test]
    fn shares_add_up_to_no_more_than_all() {
        let counts = JobCounts { total: 8, done: 4, failed: 1, skipped: 1, ..JobCounts::default() };
        assert_eq!(shares(counts), (50, 25));
        assert_eq!(shares(JobCounts::default()), (0, 0));
    }
}
