//! What is done for sessions beside the requests: hearing of ends, writing uses down, confirming, cleaning.

use std::{sync::atomic::Ordering, time::Duration};

use chrono::TimeDelta;
use tokio::task::JoinHandle;

use super::{Scopes, Sessions, revocation, support_view};
use crate::metrics::Metric;

/// The tasks of a node. They end when this is dropped.
pub struct Upkeep {
    sessions: Sessions,
    tasks: Vec<JoinHandle<()>>,
    /// Those that end by themselves when the panel stops, and how long they may take.
    finishing: Vec<(JoinHandle<()>, Duration)>,
}

/// Uses are written down so often, all together.
const WRITE_EVERY: Duration = Duration::from_secs(5);
const PRUNE_EVERY: Duration = Duration::from_secs(30);
const CLEAN_EVERY: Duration = Duration::from_secs(300);
/// Rows deleted at once; small, so that no lock is held long.
const CLEAN_BATCH: u64 = 200;
/// A user who has not been here for so long begins like a new one.
const KEEP_LAST_PROJECT: TimeDelta = TimeDelta::days(180);

impl Upkeep {
    pub fn start(sessions: &Sessions, scopes: &Scopes) -> Self {
        let tasks = vec![
            tokio::spawn(revocation::listen(sessions.clone())),
            tokio::spawn(write_uses(sessions.clone())),
            tokio::spawn(confirm(sessions.clone())),
            tokio::spawn(prune(sessions.clone(), scopes.clone())),
            tokio::spawn(clean(sessions.clone())),
        ];
        Self { sessions: sessions.clone(), tasks, finishing: Vec::new() }
    }

    /// Adds a task of somebody else that is to end with these.
    #[must_use]
    pub fn with(mut self, task: JoinHandle<()>) -> Self {
        self.tasks.push(task);
        self
    }

    /// Adds a task of somebody else that ends by itself once the panel stops, and is waited for so long.
    #[must_use]
    pub fn finishing(mut self, task: JoinHandle<()>, within: Duration) -> Self {
        self.finishing.push((task, within));
        self
    }

    /// Ends the tasks and writes down what is left to write.
    pub async fn stop(mut self) {
        for (task, within) in &mut self.finishing {
            if tokio::time::timeout(*within, task).await.is_err() {
                tracing::warn!("something was not finished in time; another node goes on with it");
            }
        }
        self.tasks.drain(..).for_each(|task| task.abort());
        write_uses_once(&self.sessions).await;
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.tasks.iter().chain(self.finishing.iter().map(|(task, _)| task)).for_each(JoinHandle::abort);
    }
}

/// Deletes what has expired, batch by batch: sessions, project tokens of those that live on, and last projects of users
/// who no longer come. Returns how many sessions there were.
pub async fn delete_expired(sessions: &Sessions) -> sqlx::Result<u64> {
    let store = &sessions.inner().store;
    let (now, idle_since) = (sessions.inner().clock.now(), sessions.idle_since());
    let deleted = in_batches(|limit| store.delete_expired_sessions(now, idle_since, limit)).await?;
    in_batches(|limit| store.delete_expired_scopes(now, limit)).await?;
    in_batches(|limit| store.delete_old_last_projects(now - KEEP_LAST_PROJECT, limit)).await?;
    in_batches(|limit| store.delete_old_support_views(now - support_view::KEPT, limit)).await?;
    Ok(deleted)
}

/// Repeats a deletion of so many rows until there are fewer.
async fn in_batches<F: Future<Output = sqlx::Result<u64>>>(delete: impl Fn(i64) -> F) -> sqlx::Result<u64> {
    let mut deleted = 0;
    loop {
        let batch = delete(CLEAN_BATCH as i64).await?;
        deleted += batch;
        if batch < CLEAN_BATCH {
            return Ok(deleted);
        }
        // Other work gets its turn between two batches.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes down which sessions were used, and deletes the rows of those that ended while Postgres was away.
pub async fn write_uses_once(sessions: &Sessions) {
    let inner = sessions.inner();
    for id in inner.undeleted() {
        match inner.store.delete_session(id).await {
            Ok(_) => inner.note_deleted(id),
            Err(_) => return,
        }
    }
    let touched = inner.take_touched();
    if touched.is_empty() {
        return;
    }
    if let Err(error) = inner.store.touch_sessions(&touched).await {
        tracing::debug!(%error, "uses of sessions are written down later");
        inner.put_back_touched(touched);
    }
}

async fn write_uses(sessions: Sessions) {
    loop {
        tokio::time::sleep(WRITE_EVERY).await;
        write_uses_once(&sessions).await;
    }
}

/// Bounds how long the end of a session can go unnoticed by those who hold it, streams above all.
async fn confirm(sessions: Sessions) {
    loop {
        let age = sessions.inner().cache_age().max(Duration::from_secs(1));
        // A little early, so that requests find their session confirmed and ask nothing themselves.
        tokio::time::sleep(age.mul_f64(0.8)).await;
        if let Err(error) = sessions.confirm_known().await {
            sessions.inner().database_fails(&error);
        }
    }
}

async fn prune(sessions: Sessions, scopes: Scopes) {
    loop {
        tokio::time::sleep(PRUNE_EVERY).await;
        let kept = sessions.inner().prune();
        sessions.inner().metrics.gauge(Metric::SessionsInMemory, &[], kept as f64);
        scopes.prune();
    }
}

async fn clean(sessions: Sessions) {
    loop {
        // Nodes started together spread out.
        tokio::time::sleep(CLEAN_EVERY.mul_f64(0.5 + rand::random::<f64>())).await;
        match delete_expired(&sessions).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "expired sessions were deleted"),
            Err(error) => tracing::debug!(%error, "expired sessions are deleted later"),
        }
    }
}

/// For tests and for the line at the start: whether revocations are heard.
pub fn hears(sessions: &Sessions) -> bool {
    sessions.inner().hears.load(Ordering::Relaxed)
}
