//! The volumes that projects have beside those of their servers.

use chrono::{DateTime, TimeDelta, Utc};

use super::project_images::Owner;
use crate::ids::Ids;
use crate::volume::{FAILS, Volume};

/// name, type, size in GiB, status
const FREE: &[(&str, &str, u32, &str)] = &[
    ("db-data", "ssd", 100, "available"),
    ("logs", "standard", 20, "available"),
    ("scratch", "standard", 1, "available"),
    ("shared-assets", "shared", 10, "available"),
    (FAILS, "standard", 1, "error"),
];

/// Volumes of a project that are at no server.
pub fn free_volumes(ids: &Ids, region: &str, owner: &Owner<'_>, today: DateTime<Utc>) -> Vec<Volume> {
    let volume = |(index, (name, kind, size_gib, status)): (usize, &(&str, &str, u32, &'static str))| {
        let created_at = today - TimeDelta::days(90 - i64::try_from(index).unwrap_or(0));
        Volume {
            id: ids.uuid(&["volume", region, &owner.id, name]),
            project_id: owner.id.clone(),
            user_id: owner.first_server.user_id.clone(),
            name: Some((*name).to_owned()),
            description: None,
            status,
            size_gib: *size_gib,
            volume_type: (*kind).to_owned(),
            is_bootable: false,
            snapshot_id: None,
            source_volume_id: None,
            metadata: vec![("owner".to_owned(), owner.name.to_owned())],
            created_at,
            updated_at: Some(created_at + TimeDelta::seconds(1)),
            attachments: Vec::new(),
        }
    };
    FREE.iter().enumerate().map(volume).collect()
}
