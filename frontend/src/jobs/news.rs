//! What is new about jobs, between one answer of the server and the next. Values in, values out.

use std::collections::HashMap;

use api_types::jobs::{Job, JobCounts, JobState};

/// How far each followed job was when it was told of last.
#[derive(Default)]
pub struct Told(HashMap<String, u32>);

/// Something to tell about the job at this place of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub at: usize,
    /// Servers came to it that it was not done to.
    pub has_problems: bool,
    pub has_ended: bool,
}

impl Told {
    /// Tells of this job from now on: of all its problems, or only of those to come.
    pub fn follow(&mut self, job: &Job, is_new: bool) {
        self.0.entry(job.id.clone()).or_insert(if is_new { 0 } else { problems(job.counts) });
    }

    /// What is new in this list. A job that ended is told of once, and not followed any more.
    pub fn changes(&mut self, list: &[Job]) -> Vec<Change> {
        let mut changes = Vec::new();
        for (at, job) in list.iter().enumerate() {
            let Some(told) = self.0.get_mut(&job.id) else { continue };
            let problems = problems(job.counts);
            let change = Change { at, has_problems: problems > *told, has_ended: has_ended(job) };
            *told = problems;
            if change.has_ended {
                self.0.remove(&job.id);
            }
            if change.has_problems || change.has_ended {
                changes.push(change);
            }
        }
        changes
    }
}

/// Something is being done, or will be without anybody asking.
pub fn is_running(job: &Job) -> bool {
    job.state == JobState::Running || (job.state == JobState::Canceled && job.counts.running > 0)
}

/// Nothing more will be done to any of its servers, unless somebody asks.
pub fn has_ended(job: &Job) -> bool {
    match job.state {
        JobState::Done => true,
        JobState::Canceled => job.counts.running == 0,
        JobState::Planned | JobState::Running | JobState::Paused => false,
    }
}

/// Servers with a result of any kind.
pub fn settled(counts: JobCounts) -> u32 {
    counts.done + problems(counts)
}

/// Servers that it was not done to, as far as anybody knows.
fn problems(counts: JobCounts) -> u32 {
    counts.failed + counts.skipped + counts.uncertain
}

#[cfg(test)]
pub mod tests {
    use api_types::{jobs::Confirmation, servers::action::ActionKind};

    use super::*;

    pub fn job(id: &str, state: JobState, counts: JobCounts) -> Job {
        Job {
            id: id.to_owned(),
            project: "4f1d".parse().expect("a project"),
            project_name: "shop".to_owned(),
            action: ActionKind::Stop,
            detail: None,
            state,
            counts,
            server_name: None,
            confirmation: Confirmation::None,
            held_because: None,
            created_at: 0,
            finished_at: None,
            version: 0,
        }
    }

    fn counts(done: u32, failed: u32) -> JobCounts {
        JobCounts { total: 3, waiting: 3 - done - failed, done, failed, ..JobCounts::default() }
    }

    #[test]
    fn failures_are_told_when_they_come_and_the_end_once() {
        let mut told = Told::default();
        told.follow(&job("a", JobState::Running, counts(0, 0)), true);
        assert_eq!(told.changes(&[job("a", JobState::Running, counts(1, 0))]), []);
        let failed = Change { at: 0, has_problems: true, has_ended: false };
        assert_eq!(told.changes(&[job("a", JobState::Running, counts(1, 1))]), [failed]);
        assert_eq!(told.changes(&[job("a", JobState::Running, counts(1, 1))]), []);
        let ended = Change { at: 0, has_problems: false, has_ended: true };
        assert_eq!(told.changes(&[job("a", JobState::Done, counts(2, 1))]), [ended]);
        assert_eq!(told.changes(&[job("a", JobState::Done, counts(2, 1))]), []);
    }

    #[test]
    fn a_job_that_was_planned_with_servers_left_out_says_so_and_an_old_one_does_not() {
        let skipped = JobCounts { total: 1, skipped: 1, ..JobCounts::default() };
        let mut told = Told::default();
        told.follow(&job("new", JobState::Done, skipped), true);
        told.follow(&job("old", JobState::Running, counts(0, 2)), false);
        let list = [job("new", JobState::Done, skipped), job("old", JobState::Running, counts(0, 2))];
        assert_eq!(told.changes(&list), [Change { at: 0, has_problems: true, has_ended: true }]);
    }

    #[test]
    fn what_is_canceled_runs_until_what_was_begun_is_over() {
        let under_way = JobCounts { running: 1, ..counts(1, 0) };
        assert!(is_running(&job("a", JobState::Canceled, under_way)));
        assert!(!has_ended(&job("a", JobState::Canceled, under_way)));
        assert!(has_ended(&job("a", JobState::Canceled, counts(1, 0))));
        assert!(!has_ended(&job("a", JobState::Paused, counts(1, 0))));
    }

    #[test]
    fn a_job_of_others_is_not_told_of() {
        assert_eq!(Told::default().changes(&[job("a", JobState::Done, counts(0, 3))]), []);
    }
}
