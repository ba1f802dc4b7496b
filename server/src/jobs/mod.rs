//! Jobs: a list of items to work off, kept in Postgres, so that any node goes on with it when another one dies.
//!
//! What an item is and how one is done is somebody else's: see [`Work`]. Here is only that it is done, by whom, how
//! fast, and at most once where twice would do harm.
//!
//! **What holds.** An item is written down as `running`, with its node, the time and the id of its call, before the
//! call is made, by a statement that succeeds for one node only. So no two nodes ever begin the same item. When a node
//! dies, its items that are `running` are left alone until their calls are surely over; then [`Work::look_up`] says
//! whether it was done, may be repeated without harm, or cannot be known. What cannot be known becomes `uncertain` and
//! is not repeated unless a person says so.

mod model;
pub mod rate;
mod runner;
pub mod start;
mod store;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

pub use self::{
    model::{ItemRow, JobRow, NewItem, NewJob, Past, state_text},
    runner::Runner,
    store::{Created, JobStore, Repeated},
    work::{Found, Item, LeasedJob, Outcome, Reason, Work},
};
use crate::{
    clock::Clock,
    config::JobsConfig,
    secret::Secret,
    session::{ProjectScope, Sealer},
};

/// What handlers need of the jobs. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Shared>);

struct Shared {
    store: JobStore,
    sealer: Sealer,
    config: JobsConfig,
    clock: Clock,
    /// There may be something to work on, on this node.
    wake: Notify,
}

impl Jobs {
    pub fn new(db: PgPool, sealer: Sealer, config: JobsConfig, clock: Clock) -> Self {
        let store = JobStore::new(db, clock.clone());
        Self(Arc::new(Shared { store, sealer, config, clock, wake: Notify::new() }))
    }

    pub fn store(&self) -> &JobStore {
        &self.0.store
    }

    /// Begins at once what was just started, instead of at the next look.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Encrypts what a job is to do. `None` only where the cipher refuses.
    pub fn seal_payload(&self, job: Uuid, payload: &[u8]) -> Option<Vec<u8>> {
        self.0.sealer.seal(&payload_purpose(job), payload).ok()
    }

    /// Encrypts what a job may do it with.
    pub fn seal_permit(&self, job: Uuid, permit: &[u8]) -> Option<Vec<u8>> {
        self.0.sealer.seal(&permit_purpose(job), permit).ok()
    }

    /// Erases the permit of a job that needs none now.
    ///
    /// Its token is not revoked: Nova goes on using it for what it accepted, such as the upload of a snapshot, which
    /// takes as long as it takes. It expires by itself, and nobody has it any more.
    pub async fn erase_permit(&self, job: Uuid) -> sqlx::Result<()> {
        self.store().take_sealed_permit(job).await.map(drop)
    }

    /// The token in a permit.
    fn token_of(&self, job: Uuid, sealed: &[u8]) -> Option<Secret> {
        ProjectScope::packed_token(&self.open_permit(job, sealed)?)
    }

    fn open_permit(&self, job: Uuid, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.sealer.open(&permit_purpose(job), sealed)
    }

    /// Stands for what was asked for under a key: nobody without our keys can tell what it was, or make another.
    pub fn sign_request(&self, key: Uuid, request: &[u8]) -> String {
        self.0.sealer.sign(&request_purpose(key), request)
    }

    /// Whether this is what was asked for under the key.
    pub fn is_same_request(&self, key: Uuid, request: &[u8], signed: &str) -> bool {
        self.0.sealer.is_signed(&request_purpose(key), request, signed)
    }

    fn open_payload(&self, job: Uuid, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.sealer.open(&payload_purpose(job), sealed)
    }
}

fn payload_purpose(job: Uuid) -> String {
    format!("job payload {job}")
}

fn request_purpose(key: Uuid) -> String {
    format!("job request {key}")
}

fn permit_purpose(job: Uuid) -> String {
    format!("job permit {job}")
}
