//! How fast jobs work and how long they are kept.

use std::time::Duration;

use super::reader::Reader;

/// Limits of jobs.
#[derive(Clone, Debug)]
pub struct JobsConfig {
    /// Items begun in one region in a second, by all nodes together; what a person does to one server comes at once,
    /// and they make room for it. `jobs.per_second`, `JOBS_PER_SECOND`, default 10.
    pub per_second: f64,
    /// Items under way at the same time in one region, on one node. `jobs.concurrency`, `JOBS_CONCURRENCY`, default 4.
    pub concurrency: usize,
    /// A node that did not say for so long that it works on a job has lost it to another. `jobs.lease_secs`,
    /// `JOBS_LEASE_SECS`, default 30.
    pub lease: Duration,
    /// How long finished jobs are kept, and with them what the panel knows of a server's history. `jobs.keep_days`,
    /// `JOBS_KEEP_DAYS`, default 30.
    pub keep_days: u32,
}

impl JobsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let default = Self::default();
        let per_second = reader.parse("jobs.per_second", "JOBS_PER_SECOND", |text| {
            let refusal = || "is not a number from 0.01 to 10000".to_owned();
            text.parse::<f64>().ok().filter(|rate| (0.01..=10_000.0).contains(rate)).ok_or_else(refusal)
        });
        Self {
            per_second: per_second.unwrap_or(default.per_second),
            concurrency: reader.number(
                "jobs.concurrency",
                "JOBS_CONCURRENCY",
                default.concurrency,
                1..=1_000,
            ),
            lease: reader.seconds("jobs.lease_secs", "JOBS_LEASE_SECS", default.lease, 1.0..=3600.0),
            keep_days: reader.number("jobs.keep_days", "JOBS_KEEP_DAYS", default.keep_days, 1..=3650),
        }
    }
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { per_second: 10.0, concurrency: 4, lease: Duration::from_secs(30), keep_days: 30 }
    }
}
