//! What people do to servers by requests that are passed on to the cloud as they are, kept for the servers' histories.
//!
//! Whoever passes one on notes it here and goes on: it waits in a bounded queue, and a task writes what waits into
//! Postgres, many at a time.

mod store;
#[cfg(test)]
mod tests;
mod writing;

use std::{sync::Arc, time::Duration};

use api_types::{ProjectId, Region, ServerId};
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use self::store::ChangeStore;
pub use self::store::PastChange;
use crate::{
    clock::Clock,
    log::{Level, Queue},
    metrics::Metrics,
};

/// What was done to servers, by requests of this node as they come, and of all nodes as it is kept. Cheap to clone.
#[derive(Clone)]
pub struct Changes(Arc<Inner>);

struct Inner {
    store: ChangeStore,
    queue: Queue<Change>,
    keep: TimeDelta,
    clock: Clock,
    metrics: Metrics,
}

/// A request about a server that the cloud answered.
#[derive(Clone, Debug)]
pub struct Change {
    pub request_id: Arc<str>,
    pub at: DateTime<Utc>,
    pub project: ProjectId,
    pub region: Region,
    pub server: ServerId,
    /// The name of an action of the panel, or one like those of Nova's own history.
    pub action: &'static str,
    /// Something to know of it; never a secret.
    pub detail: Option<String>,
    pub user_id: String,
    pub user_name: String,
    pub status: StatusCode,
    pub upstream_request_id: Option<String>,
}

/// Changes that may wait while Postgres is away, in bytes: some ten thousand.
const ROOM: usize = 4 << 20;
const CLEAN_EVERY: Duration = Duration::from_secs(3600);
/// Rows deleted at once; small, so that no lock is held long.
const CLEAN_BATCH: i64 = 500;

impl Changes {
    /// Keeps changes for so many days; waits for an answer of Postgres for `timeout` at most.
    pub fn new(db: PgPool, keep_days: u32, clock: Clock, metrics: Metrics, timeout: Duration) -> Self {
        Self::with_room(ROOM, db, keep_days, clock, metrics, timeout)
    }

    fn with_room(
        room: usize,
        db: PgPool,
        keep_days: u32,
        clock: Clock,
        metrics: Metrics,
        timeout: Duration,
    ) -> Self {
        let store = ChangeStore::new(db, timeout);
        let keep = TimeDelta::days(keep_days.into());
        Self(Arc::new(Inner { store, queue: Queue::new(room), keep, clock, metrics }))
    }

    /// Takes in a change. What finds no room is counted and told.
    pub fn note(&self, change: Change) {
        self.0.queue.push(Level::Info, change.size(), change);
    }

    /// What was done to a server in a project, as far as it is written: the newest first, at most `limit`.
    ///
    /// Errors: Postgres does not answer.
    pub async fn list(
        &self,
        project: &ProjectId,
        region: &Region,
        server: ServerId,
        limit: i64,
    ) -> sqlx::Result<Vec<PastChange>> {
        self.0.store.list_changes(project, region, server, limit).await
    }

    /// Writes what is noted until nothing comes any more.
    pub async fn run(self) {
        writing::write(&self.0).await;
    }

    /// Nothing comes any more: what waits is written, as far as that is possible in a moment.
    pub fn end(&self) {
        self.0.queue.end();
    }

    /// Deletes what is too old, now and then.
    pub async fn forget_old(self) {
        loop {
            // Nodes started together spread out.
            tokio::time::sleep(CLEAN_EVERY.mul_f64(0.5 + rand::random::<f64>())).await;
            if let Err(error) = self.forget_old_once().await {
                tracing::debug!(%error, "old changes of servers are forgotten later");
            }
        }
    }

    async fn forget_old_once(&self) -> sqlx::Result<()> {
        let before = self.0.clock.now() - self.0.keep;
        while self.0.store.delete_changes_before(before, CLEAN_BATCH).await? == CLEAN_BATCH.unsigned_abs() {}
        Ok(())
    }
}

impl Change {
    /// What it takes of the queue's room.
    fn size(&self) -> usize {
        let texts =
            [&*self.request_id, self.project.as_str(), self.region.as_str(), &self.user_id, &self.user_name];
        let others = [&self.detail, &self.upstream_request_id].into_iter().flatten().map(String::len);
        size_of::<Self>() + texts.map(str::len).into_iter().chain(others).sum::<usize>()
    }
}
