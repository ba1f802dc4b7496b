//! How much block storage a project may have and has.

use serde_json::{Value, json};

use super::Context;
use crate::errors::cinder;
use crate::http::{Answer, Handled};
use crate::volume::{TYPES, VolumeStore};

struct Quota {
    volumes: u64,
    snapshots: u64,
    gib: u64,
}

#[derive(Default)]
struct Usage {
    volumes: u64,
    snapshots: u64,
    gib: u64,
}

/// Refuses what is over the quota, with 413: so many more volumes, and GiB of volumes and snapshots.
pub fn must_fit(context: &Context<'_>, store: &VolumeStore, volumes: u64, gib: u32) -> Result<(), Answer> {
    let (quota, used) = (quota_of(context), usage_of(context, store, None));
    if used.gib + u64::from(gib) > quota.gib {
        return Err(over_limit(&format!(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. \
             Requested {gib}G, quota is {}G and {}G has been consumed.",
            quota.gib, used.gib
        )));
    }
    if used.volumes + volumes > quota.volumes {
        return Err(over_limit(&format!(
            "VolumeLimitExceeded: Maximum number of volumes allowed ({}) exceeded for quota 'volumes'.",
            quota.volumes
        )));
    }
    Ok(())
}

/// `GET /limits`: the quota and its use, of the caller's project.
pub fn show_limits(context: &Context<'_>) -> Handled {
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let (quota, used) = (quota_of(context), usage_of(context, &store, None));
    let absolute = json!({
        "maxTotalVolumes": quota.volumes,
        "maxTotalSnapshots": quota.snapshots,
        "maxTotalVolumeGigabytes": quota.gib,
        "maxTotalBackups": 10,
        "maxTotalBackupGigabytes": 1000,
        "totalVolumesUsed": used.volumes,
        "totalGigabytesUsed": used.gib,
        "totalSnapshotsUsed": used.snapshots,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    });
    Ok(Answer::json(200, &json!({"limits": {"rate": [], "absolute": absolute}})))
}

/// `GET /os-quota-sets/{project}`, with `usage=true` also what is used.
pub fn show_quota_set(context: &Context<'_>, project_id: &str) -> Handled {
    if !context.sees(project_id) {
        return Err(cinder::policy("volume_extension:quotas:show"));
    }
    let is_detailed =
        context.call.query_value("usage").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let quota = quota_of(context);
    let mut set = json!({"id": project_id});
    let mut put = |key: &str, limit: Value, in_use: u64| {
        set[key] = if is_detailed { json!({"limit": limit, "in_use": in_use, "reserved": 0}) } else { limit };
    };
    let used = usage_of(context, &store, None);
    put("volumes", json!(quota.volumes), used.volumes);
    put("per_volume_gigabytes", json!(-1), 0);
    put("snapshots", json!(quota.snapshots), used.snapshots);
    put("gigabytes", json!(quota.gib), used.gib);
    put("backups", json!(10), 0);
    put("backup_gigabytes", json!(1000), 0);
    put("groups", json!(10), 0);
    for kind in TYPES.iter().map(|kind| kind.name).chain(["__DEFAULT__"]) {
        let used = usage_of(context, &store, Some(kind));
        put(&format!("volumes_{kind}"), json!(-1), used.volumes);
        put(&format!("gigabytes_{kind}"), json!(-1), used.gib);
        put(&format!("snapshots_{kind}"), json!(-1), used.snapshots);
    }
    Ok(Answer::json(200, &json!({"quota_set": set})))
}

/// Cinder's defaults; a project that was seeded with servers has a hundred times as much.
fn quota_of(context: &Context<'_>) -> Quota {
    if context.world.seeded_servers(context.region, &context.project_id) == 0 {
        return Quota { volumes: 10, snapshots: 10, gib: 1_000 };
    }
    Quota { volumes: 10_000, snapshots: 1_000, gib: 1_000_000 }
}

fn usage_of(context: &Context<'_>, store: &VolumeStore, kind: Option<&str>) -> Usage {
    let mut usage = Usage::default();
    let project_id = Some(&*context.project_id);
    for volume in store.list(project_id) {
        if kind.is_none_or(|kind| volume.volume_type == kind) {
            usage.volumes += 1;
            usage.gib += u64::from(volume.size_gib);
        }
    }
    for snapshot in store.list_snapshots(project_id) {
        let of_kind =
            |kind: &str| store.get(&snapshot.volume_id).is_some_and(|volume| volume.volume_type == kind);
        if kind.is_none_or(of_kind) {
            usage.snapshots += 1;
            usage.gib += u64::from(snapshot.size_gib);
        }
    }
    usage
}

/// Cinder's 413, which says when to come back: now.
fn over_limit(message: &str) -> Answer {
    let fault = json!({"overLimit": {"code": 413, "message": message, "retryAfter": "0"}});
    Answer::json(413, &fault).header("retry-after", "0")
}
