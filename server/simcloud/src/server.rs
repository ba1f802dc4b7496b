//! A server as the simulated Nova keeps it, and how Nova derives the status people see from its two
//! states.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A state's name: nearly always one of Nova's, but tests may put in any.
pub type StateName = Cow<'static, str>;

/// A server. Kept small: a cloud has up to 100,000.
#[derive(Clone, Debug)]
pub struct SimServer {
    pub id: Uuid,
    pub name: String,
    pub project_id: Arc<str>,
    pub user_id: Arc<str>,
    /// What people see: `ACTIVE`, `SHUTOFF`. Follows from the two states unless a test sets it.
    pub status: StateName,
    /// `active`, `stopped`, `building`, ...
    pub vm_state: StateName,
    /// What Nova is doing with it: `rebooting`, `spawning`, ...
    pub task_state: Option<StateName>,
    /// 0 none, 1 running, 3 paused, 4 shut down.
    pub power_state: u8,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub launched_at: Option<DateTime<Utc>>,
    /// When it was deleted; a deleted server shows only in `changes-since`.
    pub terminated_at: Option<DateTime<Utc>>,
    /// A copy of the flavor it was made from, which may be deleted since.
    pub flavor: Arc<Flavor>,
    /// `None` when booted from a volume. The image may be gone since.
    pub image_id: Option<Arc<str>>,
    pub nics: Vec<Nic>,
    pub tags: Vec<Arc<str>>,
    pub metadata: Vec<(Arc<str>, Arc<str>)>,
    /// Empty while it is on no host.
    pub availability_zone: Arc<str>,
    /// The compute host, where it is on one.
    pub host: Option<Arc<str>>,
    pub key_name: Option<Arc<str>>,
    pub security_groups: Vec<Arc<str>>,
    pub volumes: Vec<VolumeAttachment>,
    pub is_locked: bool,
    /// What few servers have.
    pub rare: Option<Box<Rare>>,
    /// Counts the scripts started on it; a step of an older one is dropped.
    pub(crate) script: u32,
}

/// What few servers have.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    pub description: Option<String>,
    pub locked_reason: Option<String>,
    pub fault: Option<ServerFault>,
    pub user_data: Option<String>,
    pub config_drive: bool,
    pub server_group_id: Option<Uuid>,
    /// As it was set last through the API.
    pub admin_password: Option<String>,
    /// The flavor to go back to when a resize is reverted.
    pub old_flavor: Option<Arc<Flavor>>,
    /// Replaces fields of the JSON Nova answers with, for tests of bad rows.
    pub overrides: Map<String, Value>,
    /// What was done to it, oldest first, beyond its creation.
    pub actions: Vec<ActionRecord>,
}

/// Why a server is in ERROR.
#[derive(Clone, Debug)]
pub struct ServerFault {
    pub code: u16,
    pub message: String,
    pub created_at: DateTime<Utc>,
}

/// A network card: a port of the network service and its addresses.
#[derive(Clone, Debug)]
pub struct Nic {
    /// The network's name.
    pub network: Arc<str>,
    pub port_id: Uuid,
    pub mac: [u8; 6],
    pub fixed: Vec<IpAddr>,
    /// The public address that leads to the first fixed one.
    pub floating: Option<IpAddr>,
}

#[derive(Clone, Debug)]
pub struct VolumeAttachment {
    pub volume_id: Uuid,
    pub attachment_id: Uuid,
    /// `/dev/vdb`.
    pub device: String,
    pub delete_on_termination: bool,
}

/// An entry of a server's action history.
#[derive(Clone, Debug)]
pub struct ActionRecord {
    /// `reboot`, `resize`, ... as Nova writes it.
    pub action: Cow<'static, str>,
    pub request_id: String,
    pub user_id: Arc<str>,
    pub started_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// `None` while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed, when it was accepted and then failed.
    pub failure: Option<Cow<'static, str>>,
}

/// A flavor of one region.
#[derive(Clone, Debug)]
pub struct Flavor {
    pub id: String,
    pub name: String,
    pub vcpus: u32,
    pub ram_mib: u64,
    pub disk_gib: u32,
    pub ephemeral_gib: u32,
    pub swap_mib: u32,
    pub extra_specs: Vec<(String, String)>,
    pub description: Option<String>,
}

impl SimServer {
    /// Puts the server into a state; the status follows.
    pub fn set_state(&mut self, vm_state: impl Into<StateName>, task_state: Option<&'static str>) {
        self.vm_state = vm_state.into();
        self.set_task(task_state);
    }

    /// Starts or ends a task; the status follows.
    pub fn set_task(&mut self, task_state: Option<&'static str>) {
        self.task_state = task_state.map(Cow::Borrowed);
        self.status = Cow::Borrowed(status_of(&self.vm_state, task_state));
    }

    pub fn is_deleted(&self) -> bool {
        self.terminated_at.is_some()
    }

    pub fn is_booted_from_volume(&self) -> bool {
        self.image_id.is_none()
    }

    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub fn fault(&self) -> Option<&ServerFault> {
        self.rare.as_ref()?.fault.as_ref()
    }

    /// All addresses, fixed and floating.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.nics.iter().flat_map(|nic| nic.fixed.iter().copied().chain(nic.floating))
    }

    /// A server's name inside, as Nova makes it of the name people gave it.
    pub fn host_name(&self) -> String {
        let kept = self.name.to_lowercase().replace(['_', ' '], "-");
        kept.chars().filter(|c| c.is_alphanumeric() || *c == '-').take(63).collect()
    }
}

/// The status of a server, from Nova's table (nova/api/openstack/common.py, `_STATE_MAP`).
pub fn status_of(vm_state: &str, task_state: Option<&str>) -> &'static str {
    let task = task_state.unwrap_or_default();
    match (vm_state, task) {
        ("active", "rebooting" | "reboot_pending" | "reboot_started") => "REBOOT",
        (
            "active" | "stopped" | "paused" | "suspended" | "error",
            "rebooting_hard" | "reboot_pending_hard" | "reboot_started_hard",
        ) => "HARD_REBOOT",
        ("active", "updating_password") => "PASSWORD",
        (
            "active" | "stopped" | "error",
            "rebuilding" | "rebuild_block_device_mapping" | "rebuild_spawning",
        ) => "REBUILD",
        ("active" | "paused", "migrating") => "MIGRATING",
        ("active" | "stopped", "resize_prep" | "resize_migrating" | "resize_migrated" | "resize_finish") => {
            "RESIZE"
        }
        ("resized", "resize_reverting") => "REVERT_RESIZE",
        ("active", _) => "ACTIVE",
        ("building", _) => "BUILD",
        ("stopped", _) => "SHUTOFF",
        ("resized", _) => "VERIFY_RESIZE",
        ("paused", _) => "PAUSED",
        ("suspended", _) => "SUSPENDED",
        ("rescued", _) => "RESCUE",
        ("error", _) => "ERROR",
        ("deleted", _) => "DELETED",
        ("soft-delete", _) => "SOFT_DELETED",
        ("shelved", _) => "SHELVED",
        ("shelved_offloaded", _) => "SHELVED_OFFLOADED",
        _ => "UNKNOWN",
    }
}

/// A state that gives the status, with its power state: the other way round, for seeds and tests.
/// A status that is none of Nova's has the state `active`.
pub fn state_of(status: &str) -> (&'static str, u8) {
    match status {
        "BUILD" => ("building", 0),
        "SHUTOFF" => ("stopped", 4),
        "VERIFY_RESIZE" | "REVERT_RESIZE" => ("resized", 1),
        "PAUSED" => ("paused", 3),
        "SUSPENDED" => ("suspended", 4),
        "RESCUE" | "RESCUED" => ("rescued", 1),
        "ERROR" => ("error", 0),
        "DELETED" => ("deleted", 0),
        "SOFT_DELETED" => ("soft-delete", 4),
        "SHELVED" => ("shelved", 4),
        "SHELVED_OFFLOADED" => ("shelved_offloaded", 4),
        _ => ("active", 1),
    }
}

/// Every status a filter may name.
pub const STATUSES: &[&str] = &[
    "ACTIVE",
    "BUILD",
    "DELETED",
    "ERROR",
    "HARD_REBOOT",
    "MIGRATING",
    "PASSWORD",
    "PAUSED",
    "REBOOT",
    "REBUILD",
    "RESCUE",
    "RESIZE",
    "REVERT_RESIZE",
    "SHELVED",
    "SHELVED_OFFLOADED",
    "SHUTOFF",
    "SOFT_DELETED",
    "SUSPENDED",
    "UNKNOWN",
    "VERIFY_RESIZE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_made_from_a_status_gives_that_status_again() {
        let resting = [
            "ACTIVE",
            "BUILD",
            "SHUTOFF",
            "VERIFY_RESIZE",
            "PAUSED",
            "SUSPENDED",
            "RESCUE",
            "ERROR",
            "SOFT_DELETED",
            "SHELVED",
            "SHELVED_OFFLOADED",
        ];
        for status in resting {
            assert_eq!(status_of(state_of(status).0, None), status);
        }
    }

    #[test]
    fn tasks_show_in_the_status_only_where_nova_shows_them() {
        assert_eq!(status_of("active", Some("rebooting")), "REBOOT");
        assert_eq!(status_of("stopped", Some("resize_migrating")), "RESIZE");
        assert_eq!(status_of("active", Some("deleting")), "ACTIVE");
        assert_eq!(status_of("active", Some("powering-off")), "ACTIVE");
    }
}
