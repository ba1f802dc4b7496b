//! Works off jobs on this node: takes those nobody works on, holds them while it does, and lets go of them.

mod items;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Jobs, LeasedJob, Work, rate::Rates, store::Leased};
use crate::{
    log::{self, Who},
    metrics::{Metric, Metrics},
    shutdown::Shutdown,
};

/// The working off of jobs on one node.
pub struct Runner<W> {
    pub jobs: Jobs,
    pub work: W,
    pub metrics: Metrics,
    pub shutdown: Shutdown,
}

/// What all jobs on this node share.
struct Node<W> {
    id: Uuid,
    jobs: Jobs,
    work: W,
    rates: Rates,
    metrics: Metrics,
}

/// How often a node looks for jobs that others began or left.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Jobs one node works on at the same time; most of them wait for their turn.
const MOST_JOBS: usize = 256;
/// What is over is deleted, and what dead nodes left behind erased, every so many looks.
const LOOKS_TO_CLEANING: u32 = 60;
/// Rows deleted at once; small, so that no lock is held long.
const CLEAN_BATCH: i64 = 20;
/// A lease is renewed so often before it is over.
const RENEWALS: u32 = 3;

impl<W: Work> Runner<W> {
    /// Works until the panel stops; then calls under way are finished, and other nodes go on with the rest. Dropped
    /// before that, it leaves everything as a crash does.
    pub async fn run(self) {
        let rates = Rates::new(self.jobs.store().clone(), self.jobs.0.config.clone());
        let id = Uuid::new_v4();
        let node = Arc::new(Node { id, jobs: self.jobs, work: self.work, rates, metrics: self.metrics });
        let stop = CancellationToken::new();
        let mut under_way = JoinSet::new();
        let mut looks = 0;
        while !self.shutdown.has_begun() {
            for leased in node.take(MOST_JOBS.saturating_sub(under_way.len())).await {
                let context = of_job(&leased.job);
                under_way.spawn(context.within(node.clone().work_on(leased, stop.child_token())));
            }
            if looks % LOOKS_TO_CLEANING == 0 {
                node.clean().await;
            }
            looks = looks.wrapping_add(1);
            tokio::select! {
                () = self.shutdown.begun() => {}
                () = node.jobs.0.wake.notified() => {}
                () = sleep(LOOK_EVERY) => {}
            }
            while under_way.try_join_next().is_some() {}
        }
        stop.cancel();
        while under_way.join_next().await.is_some() {}
    }
}

/// What is done for a job is done for whoever asked for it.
fn of_job(job: &LeasedJob) -> log::Context {
    let who = Who {
        user: Some(job.user_name.as_str().into()),
        user_id: Some(job.user_id.as_str().into()),
        session: Some(job.session.as_str().into()),
    };
    let request_id = job.request_id.as_deref().map(Into::into);
    log::Context::of_user(who, Some(job.project_id.as_str().into()), request_id)
}

impl<W: Work> Node<W> {
    async fn take(&self, room: usize) -> Vec<Leased> {
        let room = i64::try_from(room).unwrap_or(0);
        if room == 0 {
            return Vec::new();
        }
        match self.jobs.store().lease_jobs(self.id, self.lease(), room).await {
            Ok(leased) => leased,
            Err(error) => {
                tracing::debug!(%error, "jobs are looked for later");
                Vec::new()
            }
        }
    }

    /// Works on a job until nothing of it is left to do, somebody pauses or cancels it, or this node has to let go.
    async fn work_on(self: Arc<Self>, leased: Leased, stop: CancellationToken) {
        let Leased { job, sealed_payload, sealed_permit } = leased;
        let payload = sealed_payload.and_then(|sealed| self.jobs.open_payload(job.id, &sealed));
        let permit = sealed_permit.and_then(|sealed| self.jobs.open_permit(job.id, &sealed));
        let open = payload.zip(permit).and_then(|(payload, permit)| self.work.open(&job, &payload, &permit));
        tracing::info!(job = %job.id, "works on a job");
        {
            let items = self.items(&job, open.as_ref(), &stop);
            tokio::select! {
                () = items => {}
                () = self.keep_lease(job.id, &stop) => {}
            }
        }
        self.let_go(&job).await;
    }

    /// Says again and again that this node works on the job; once it cannot, nothing more is begun. Never ends.
    async fn keep_lease(&self, job: Uuid, stop: &CancellationToken) {
        let lease = self.jobs.0.config.lease;
        let mut renewed_at = tokio::time::Instant::now();
        loop {
            sleep(lease / RENEWALS).await;
            match self.jobs.store().renew_lease(job, self.id, self.lease()).await {
                Ok(true) => renewed_at = tokio::time::Instant::now(),
                Ok(false) => {
                    tracing::warn!(%job, "another node took the job over");
                    stop.cancel();
                }
                Err(error) => {
                    tracing::warn!(%job, %error, "the job's lease could not be renewed");
                    if renewed_at.elapsed() >= lease {
                        stop.cancel();
                    }
                }
            }
        }
    }

    /// Ends the job if nothing is left of it, and leaves it to whoever goes on otherwise.
    async fn let_go(&self, job: &LeasedJob) {
        match self.jobs.store().leave_job(job.id, self.id).await {
            Ok(Some(left)) => {
                tracing::info!(job = %job.id, state = left.state, waiting = left.waiting, "leaves a job");
                if left.run != job.run {
                    // It goes on with another permit, which was given to it while this node used the one before.
                    self.jobs.wake();
                }
                if left.state != "running" && left.running == 0 {
                    self.erase_permit(job.id).await;
                }
            }
            Ok(None) => {}
            // The lease is over by itself.
            Err(error) => tracing::warn!(job = %job.id, %error, "a job could not be left"),
        }
    }

    async fn erase_permit(&self, job: Uuid) {
        if let Err(error) = self.jobs.erase_permit(job).await {
            tracing::debug!(%job, %error, "a job's secrets are erased later");
        }
    }

    async fn clean(&self) {
        let store = self.jobs.store();
        let keep = TimeDelta::days(self.jobs.0.config.keep_days.into());
        let ended_before = self.jobs.0.clock.now() - keep;
        while let Ok(deleted) = store.delete_old_jobs(ended_before, CLEAN_BATCH).await {
            if deleted < CLEAN_BATCH.unsigned_abs() {
                break;
            }
        }
        if let Err(error) = store.end_left_jobs(CLEAN_BATCH).await {
            tracing::debug!(%error, "what a node left is ended later");
        }
        for job in store.list_left_permits(CLEAN_BATCH).await.unwrap_or_default() {
            self.erase_permit(job).await;
        }
        if let Ok(count) = store.count_to_do().await {
            self.metrics.gauge(Metric::JobItemsToDo, &[], count as f64);
        }
    }

    fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.jobs.0.config.lease).unwrap_or(TimeDelta::seconds(30))
    }
}
