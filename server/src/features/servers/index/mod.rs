//! The rows of one region and project, filled once, refreshed while watched, shared by everyone who looks.

mod dictionary;
mod health;
mod registry;
pub mod rows;
mod viewers;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use api_types::{
    ProjectId, Region, ServerId,
    servers::{Flavor, RegionState, ServerRow},
};
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

pub(super) use self::registry::Shared;
use self::viewers::Viewers;
pub use self::{
    health::{Failure, Health},
    registry::ServerIndexes,
    rows::{Batch, BatchLimit, Known, Rows},
    viewers::{Credentials, Refusal, Viewer},
};
use super::{decode::Names, fill::FillPlan, refresh::AskedImages};

/// What an index is of. What a caller may see depends on the roles, so callers share an index only when they have
/// the same ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IndexKey {
    pub project: ProjectId,
    pub region: Region,
    /// Names of roles, sorted.
    pub roles: Arc<[String]>,
}

/// The servers of one region and project.
///
/// While somebody looks, a task of `refresh.rs` fills it and keeps it true. Viewers read what changed after the last
/// change they know, whenever [`news`](Self::news) tells them that there is something.
pub struct RegionIndex {
    pub key: IndexKey,
    rows: RwLock<Rows>,
    health: Mutex<Health>,
    /// Counts up with every change of rows or state.
    news: watch::Sender<u64>,
    viewers: Mutex<Viewers>,
    /// Tells the refreshing task that its waiting time has changed.
    pub(super) hurry: Notify,
    /// Tells the refreshing task that somebody came or left.
    pub(super) attendance: Notify,
    names: Mutex<Arc<Names>>,
    /// Bytes of the names, about.
    names_bytes: AtomicUsize,
    pub(super) asked_images: Mutex<AskedImages>,
    /// A fill that was broken off, to be gone on with.
    pub(super) fill: Mutex<Option<StartedFill>>,
}

/// A fill that has begun.
pub struct StartedFill {
    pub plan: FillPlan,
    pub started_at: Instant,
    /// The upstream's time at its start: changes from then on are asked for at its end.
    pub upstream_time: Option<i64>,
    /// No rows were held from before.
    pub began_empty: bool,
}

impl RegionIndex {
    pub fn new(key: IndexKey) -> Self {
        Self {
            key,
            rows: RwLock::new(Rows::new(fresh_epoch())),
            health: Mutex::new(Health::new(Instant::now())),
            news: watch::Sender::new(0),
            viewers: Mutex::new(Viewers::new(Instant::now())),
            hurry: Notify::new(),
            attendance: Notify::new(),
            names: Mutex::default(),
            names_bytes: AtomicUsize::new(0),
            asked_images: Mutex::default(),
            fill: Mutex::default(),
        }
    }

    /// A receiver that changes whenever there is something new to read.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Reads the rows, for a moment.
    pub fn read<T>(&self, read: impl FnOnce(&Rows) -> T) -> T {
        read(&self.rows.read())
    }

    /// How the region stands, as viewers are told.
    pub fn state(&self) -> RegionState {
        let (rows, degraded) = self.read(|rows| (rows.len() as u32, rows.degraded()));
        self.health.lock().state(&self.key.region, rows, degraded, Instant::now())
    }

    /// Puts in rows and takes out what is gone; viewers learn of it.
    pub fn apply<'r>(&self, rows: impl IntoIterator<Item = &'r ServerRow>, gone: &[ServerId]) {
        let mut held = self.rows.write();
        let mut has_changed = false;
        for row in rows {
            has_changed |= held.upsert(row);
        }
        for id in gone {
            has_changed |= held.remove(*id);
        }
        drop(held);
        if has_changed {
            self.announce();
        }
    }

    /// A server may change soon: asks again as soon as is usual then.
    pub fn expect_changes(&self) {
        if self.read(Rows::in_transition) > 0 {
            self.hurry.notify_one();
        }
    }

    /// Gives images their names, here and in rows to come.
    pub fn learn_images(&self, names: HashMap<String, String>) {
        if names.is_empty() {
            return;
        }
        {
            let mut known = self.names.lock();
            let mut all = Names::clone(&known);
            all.images.extend(names);
            self.names_bytes.store(all.bytes(), Ordering::Relaxed);
            *known = Arc::new(all);
        }
        let known = self.names();
        if self.rows.write().name_images(&known.images) {
            self.announce();
        }
    }

    /// Flavors for rows to come that say only the id.
    pub fn learn_flavors(&self, flavors: HashMap<String, Flavor>) {
        let mut known = self.names.lock();
        let mut all = Names::clone(&known);
        all.flavors = flavors;
        self.names_bytes.store(all.bytes(), Ordering::Relaxed);
        *known = Arc::new(all);
    }

    /// What is known to put into rows.
    pub fn names(&self) -> Arc<Names> {
        self.names.lock().clone()
    }

    /// Changes what is known of the region's health; viewers learn of it.
    pub fn update_health(&self, update: impl FnOnce(&mut Health)) {
        update(&mut self.health.lock());
        self.announce();
    }

    pub fn health<T>(&self, read: impl FnOnce(&Health) -> T) -> T {
        read(&self.health.lock())
    }

    /// Changes the rows as a whole; viewers learn of it.
    pub fn rewrite(&self, rewrite: impl FnOnce(&mut Rows)) {
        rewrite(&mut self.rows.write());
        self.announce();
    }

    /// Asks the region again now, whatever it failed with.
    pub fn retry_now(&self) {
        self.health.lock().retry_now(Instant::now());
        self.hurry.notify_one();
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        // A fill under way remembers the ids it has seen, in a tree.
        let seen = self.fill.lock().as_ref().map_or(0, |fill| fill.plan.seen().len() * 24);
        self.read(Rows::bytes) + seen + self.names_bytes.load(Ordering::Relaxed) + size_of::<Self>()
    }

    /// How long nobody has looked; `None`: somebody does.
    pub fn idle_for(&self, now: Instant) -> Option<Duration> {
        self.viewers.lock().idle_for(now)
    }

    fn announce(&self) {
        self.news.send_modify(|count| *count += 1);
    }
}

/// A number that no index before had, here or on another node; never 0, which stands for "none".
pub(super) fn fresh_epoch() -> u32 {
    rand::random::<u32>().max(1)
}
