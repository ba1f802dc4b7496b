//! All indexes of this node: found by project, region and roles, dropped when idle, bounded in bytes.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use api_types::{ProjectId, Region, servers::ServerRow};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::{Credentials, IndexKey, RegionIndex, Viewer};
use crate::{
    config::IndexConfig,
    features::servers::{learn::Stirred, open_streams::OpenStreams, refresh, upstream::ServersUpstream},
    metrics::{Metric, Metrics},
    session::ProjectScope,
    upstream::UpstreamClient,
};

/// The indexes of this node. Cheap to clone.
#[derive(Clone)]
pub struct ServerIndexes(Arc<Shared>);

/// What the indexes and their keepers share.
pub(in crate::features::servers) struct Shared {
    pub upstream: ServersUpstream,
    pub config: IndexConfig,
    pub metrics: Metrics,
    indexes: Mutex<Indexes>,
    /// When somebody last asked to try a region again.
    retried: Mutex<HashMap<IndexKey, Instant>>,
    pub streams: OpenStreams,
    stirred: Stirred,
}

#[derive(Default)]
struct Indexes {
    by_key: HashMap<IndexKey, Arc<RegionIndex>>,
    is_swept: bool,
}

impl ServerIndexes {
    pub fn new(upstream: UpstreamClient, config: &IndexConfig, metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            upstream: ServersUpstream::new(upstream),
            config: config.clone(),
            metrics,
            indexes: Mutex::default(),
            retried: Mutex::default(),
            streams: OpenStreams::new(config.streams_per_session),
            stirred: Stirred::default(),
        }))
    }

    pub(in crate::features::servers) fn streams(&self) -> &OpenStreams {
        &self.0.streams
    }

    pub(in crate::features::servers) fn stirred(&self) -> &Stirred {
        &self.0.stirred
    }

    pub fn upstream(&self) -> &ServersUpstream {
        &self.0.upstream
    }

    /// Begins to look at the servers of one region, on behalf of `credentials`.
    ///
    /// The first who looks at an index starts its filling; whoever comes later shares it.
    pub fn look(&self, region: &Region, credentials: Arc<dyn Credentials>) -> Viewer {
        let key = key_of(&credentials.scope(), region);
        let mut indexes = self.0.indexes.lock();
        let index = indexes
            .by_key
            .entry(key)
            .or_insert_with_key(|key| Arc::new(RegionIndex::new(key.clone())))
            .clone();
        let needs_sweeper = !std::mem::replace(&mut indexes.is_swept, true);
        // Entered under the lock: an index that is looked at is not dropped.
        let (viewer, needs_keeper) = index.enter(credentials);
        drop(indexes);
        if needs_keeper {
            tokio::spawn(refresh::keep(index, self.0.clone()));
        }
        if needs_sweeper {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
        viewer
    }

    /// The index of a region, if there is one.
    pub fn find(&self, scope: &ProjectScope, region: &Region) -> Option<Arc<RegionIndex>> {
        self.0.indexes.lock().by_key.get(&key_of(scope, region)).cloned()
    }

    /// All indexes of a project in a region, whatever the roles of those who look.
    pub fn of_project(&self, project: &ProjectId, region: &Region) -> Vec<Arc<RegionIndex>> {
        let indexes = self.0.indexes.lock();
        let of_both = |key: &IndexKey| key.project == *project && key.region == *region;
        indexes.by_key.iter().filter(|(key, _)| of_both(key)).map(|(_, index)| index.clone()).collect()
    }

    /// Takes in one row that was asked for by itself, where there is room for it.
    pub fn merge(&self, index: &RegionIndex, row: &ServerRow) {
        let is_held = index.read(|rows| rows.contains(row.id));
        if is_held || self.0.has_room_for(LARGE_ROW) {
            index.apply([row], &[]);
            index.expect_changes();
        }
    }

    /// Notes that somebody asks to try a region again. False when somebody just did: it is being asked already.
    pub fn may_retry(&self, scope: &ProjectScope, region: &Region) -> bool {
        let now = Instant::now();
        let mut retried = self.0.retried.lock();
        retried.retain(|_, at| now.duration_since(*at) < RETRY_EVERY);
        let key = key_of(scope, region);
        let may_retry = !retried.contains_key(&key);
        if may_retry {
            retried.insert(key, now);
        }
        may_retry
    }

    /// Drops what nobody has looked at for too long, and more when all together hold too much.
    pub fn evict(&self, now: Instant) {
        self.0.evict(now, 0);
    }

    /// Indexes held, and their rows and bytes.
    pub fn totals(&self) -> (usize, usize, usize) {
        let indexes = self.0.indexes.lock();
        let all = indexes.by_key.values();
        all.fold((0, 0, 0), |(count, rows, bytes), index| {
            (count + 1, rows + index.read(super::Rows::len), bytes + index.bytes())
        })
    }
}

impl Shared {
    /// Whether there is room for so many bytes more, after dropping what nobody looks at.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.evict(Instant::now(), bytes) + bytes <= self.config.max_bytes
    }

    /// Makes room for so many bytes, where that is possible; gives the bytes that are held then.
    fn evict(&self, now: Instant, wanted: usize) -> usize {
        let mut indexes = self.indexes.lock();
        let mut idle: Vec<(Duration, usize, IndexKey)> = Vec::new();
        let mut total = 0;
        indexes.by_key.retain(|key, index| {
            let idle_for = index.idle_for(now);
            if idle_for.is_some_and(|idle_for| idle_for >= self.config.evict_idle) {
                return false;
            }
            let bytes = index.bytes();
            total += bytes;
            if let Some(idle_for) = idle_for {
                idle.push((idle_for, bytes, key.clone()));
            }
            true
        });
        idle.sort_by_key(|(idle_for, ..)| std::cmp::Reverse(*idle_for));
        for (_, bytes, key) in idle {
            if total + wanted <= self.config.max_bytes {
                break;
            }
            indexes.by_key.remove(&key);
            total -= bytes;
        }
        total
    }

    fn measure(&self) {
        let indexes = self.indexes.lock();
        let (mut rows, mut bytes, mut viewers) = (0, 0, 0);
        for index in indexes.by_key.values() {
            rows += index.read(super::Rows::len);
            bytes += index.bytes();
            viewers += index.viewers();
        }
        drop(indexes);
        self.metrics.gauge(Metric::IndexRows, &[], rows as f64);
        self.metrics.gauge(Metric::IndexBytes, &[], bytes as f64);
        self.metrics.gauge(Metric::Viewers, &[], viewers as f64);
    }
}

/// A person who insists asks a region no more often.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// What a row with much metadata takes.
const LARGE_ROW: usize = 4096;

fn key_of(scope: &ProjectScope, region: &Region) -> IndexKey {
    IndexKey { project: scope.project.clone(), region: region.clone(), roles: scope.roles.clone().into() }
}

/// Runs for as long as the indexes exist.
async fn sweep(indexes: Weak<Shared>) {
    loop {
        let Some(pause) = indexes.upgrade().map(|indexes| {
            let quarter = indexes.config.evict_idle / 4;
            quarter.clamp(Duration::from_millis(20), Duration::from_secs(10))
        }) else {
            return;
        };
        sleep(pause).await;
        if let Some(indexes) = indexes.upgrade() {
            indexes.evict(Instant::now(), 0);
            indexes.measure();
        }
    }
}
