//! The volumes and snapshots of one region, and what becomes of them over time.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::clock::whole_seconds;
use crate::server::SimServer;

/// A disk of the block storage service.
#[derive(Clone, Debug)]
pub struct Volume {
    pub id: Uuid,
    pub project_id: Arc<str>,
    pub user_id: Arc<str>,
    pub name: Option<String>,
    pub description: Option<String>,
    /// `creating`, `available`, `reserved`, `in-use`, `detaching`, `extending`, `deleting`, `error`, ...
    pub status: &'static str,
    pub size_gib: u32,
    /// The name of its type: `standard`, `ssd`, `shared`.
    pub volume_type: String,
    pub is_bootable: bool,
    pub snapshot_id: Option<Uuid>,
    pub source_volume_id: Option<Uuid>,
    pub metadata: Vec<(String, String)>,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
    pub attachments: Vec<Attachment>,
}

/// A volume at a server.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub id: Uuid,
    pub server_id: Uuid,
    /// `/dev/vdb`.
    pub device: String,
    pub attached_at: DateTime<Utc>,
}

/// A copy of a volume at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub id: Uuid,
    pub volume_id: Uuid,
    pub project_id: Arc<str>,
    pub user_id: Arc<str>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub status: &'static str,
    pub size_gib: u32,
    pub metadata: Vec<(String, String)>,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// A kind of volume.
#[derive(Debug)]
pub struct VolumeType {
    pub name: &'static str,
    pub description: &'static str,
    /// A volume of it may be at several servers.
    pub is_multiattach: bool,
}

/// The kinds every region has; the first is the default.
pub const TYPES: &[VolumeType] = &[
    VolumeType { name: "standard", description: "standard volumes", is_multiattach: false },
    VolumeType { name: "ssd", description: "ssd volumes", is_multiattach: false },
    VolumeType { name: "shared", description: "shared volumes", is_multiattach: true },
];

/// A volume of this name, or a snapshot of it, ends in `error`.
pub const FAILS: &str = "oslab-fail";

/// The status that stands for a volume or snapshot that is to vanish.
const GONE: &str = "gone";

/// The volumes and snapshots of a region. Statuses that are on their way are reached when the store is
/// next looked at.
#[derive(Debug, Default)]
pub struct VolumeStore {
    volumes: HashMap<Uuid, Volume>,
    snapshots: HashMap<Uuid, Snapshot>,
    /// Which volume or snapshot has which status from when on.
    next: BTreeSet<(DateTime<Utc>, Uuid, &'static str)>,
}

impl Volume {
    pub fn is_multiattach(&self) -> bool {
        TYPES.iter().any(|kind| kind.name == self.volume_type && kind.is_multiattach)
    }
}

impl VolumeStore {
    /// Lets every status be reached whose time has come.
    pub fn settle(&mut self, now: DateTime<Utc>) {
        while let Some(first) = self.next.first().copied().filter(|(at, ..)| *at <= now) {
            self.next.remove(&first);
            let (at, id, status) = first;
            if status == GONE {
                self.volumes.remove(&id);
                self.snapshots.remove(&id);
            } else if let Some(volume) = self.volumes.get_mut(&id) {
                volume.status = status;
                volume.updated_at = Some(whole_seconds(at));
            } else if let Some(snapshot) = self.snapshots.get_mut(&id) {
                snapshot.status = status;
                snapshot.updated_at = Some(whole_seconds(at));
            }
        }
    }

    /// Gives a volume or snapshot another status after so many seconds. What was on its way before is not
    /// reached any more.
    pub fn become_after(&mut self, id: Uuid, now: DateTime<Utc>, seconds: f64, status: &'static str) {
        self.next.retain(|(_, other, _)| *other != id);
        let pause = TimeDelta::milliseconds((seconds * 1_000.0) as i64);
        self.next.insert((now + pause, id, status));
    }

    /// Lets a volume or snapshot vanish after so many seconds.
    pub fn vanish_after(&mut self, id: Uuid, now: DateTime<Utc>, seconds: f64) {
        self.become_after(id, now, seconds, GONE);
    }

    pub fn insert(&mut self, volume: Volume) {
        self.volumes.insert(volume.id, volume);
    }

    pub fn insert_snapshot(&mut self, snapshot: Snapshot) {
        self.snapshots.insert(snapshot.id, snapshot);
    }

    pub fn get(&self, id: &Uuid) -> Option<&Volume> {
        self.volumes.get(id)
    }

    pub fn get_mut(&mut self, id: &Uuid) -> Option<&mut Volume> {
        self.volumes.get_mut(id)
    }

    pub fn snapshot(&self, id: &Uuid) -> Option<&Snapshot> {
        self.snapshots.get(id)
    }

    pub fn snapshot_mut(&mut self, id: &Uuid) -> Option<&mut Snapshot> {
        self.snapshots.get_mut(id)
    }

    /// The volumes of a project or of all, newest first.
    pub fn list(&self, project_id: Option<&str>) -> Vec<&Volume> {
        let own =
            self.volumes.values().filter(|volume| project_id.is_none_or(|id| *volume.project_id == *id));
        let mut own: Vec<&Volume> = own.collect();
        own.sort_by_key(|one| Reverse((one.created_at, one.id)));
        own
    }

    /// The snapshots of a project or of all, newest first.
    pub fn list_snapshots(&self, project_id: Option<&str>) -> Vec<&Snapshot> {
        let own = self
            .snapshots
            .values()
            .filter(|snapshot| project_id.is_none_or(|id| *snapshot.project_id == *id));
        let mut own: Vec<&Snapshot> = own.collect();
        own.sort_by_key(|one| Reverse((one.created_at, one.id)));
        own
    }

    /// Puts in the volumes a server says it has, where they are not known yet.
    pub fn adopt(&mut self, server: &SimServer) {
        for attached in &server.volumes {
            let is_root = attached.device.ends_with("da");
            self.volumes.entry(attached.volume_id).or_insert_with(|| Volume {
                id: attached.volume_id,
                project_id: server.project_id.clone(),
                user_id: server.user_id.clone(),
                name: Some(if is_root { String::new() } else { format!("{}-data", server.name) }),
                description: None,
                status: "in-use",
                size_gib: if is_root { server.flavor.disk_gib.max(1) } else { 50 },
                volume_type: "standard".to_owned(),
                is_bootable: is_root,
                snapshot_id: None,
                source_volume_id: None,
                metadata: Vec::new(),
                created_at: server.created_at,
                updated_at: Some(server.created_at),
                attachments: vec![Attachment {
                    id: attached.attachment_id,
                    server_id: server.id,
                    device: attached.device.clone(),
                    attached_at: server.created_at,
                }],
            });
        }
    }

    /// A server is gone: its volumes are free, or gone with it.
    pub fn release(&mut self, server: &SimServer, now: DateTime<Utc>) {
        for attached in &server.volumes {
            if attached.delete_on_termination {
                self.volumes.remove(&attached.volume_id);
            } else {
                self.detached(&attached.volume_id, &server.id, now);
            }
        }
    }

    /// A volume is no longer at a server.
    pub fn detached(&mut self, id: &Uuid, server_id: &Uuid, now: DateTime<Utc>) {
        self.next.retain(|(_, other, _)| other != id);
        if let Some(volume) = self.volumes.get_mut(id) {
            volume.attachments.retain(|attachment| attachment.server_id != *server_id);
            volume.status = if volume.attachments.is_empty() { "available" } else { "in-use" };
            volume.updated_at = Some(whole_seconds(now));
        }
    }
}
