//! Volumes and snapshots as Cinder's answers show them, field by field as the microversion has them.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Context;
use crate::clock::micros;
use crate::http::query_string;
use crate::volume::{Snapshot, Volume};

/// A volume's name and links.
pub fn volume_name(context: &Context<'_>, volume: &Volume) -> Value {
    json!({"id": volume.id, "name": volume.name, "links": links(context, volume)})
}

/// A volume in full. The answer to its creation does without the project.
pub fn volume_json(context: &Context<'_>, volume: &Volume, is_new: bool) -> Value {
    let attachment = |attachment: &crate::volume::Attachment| {
        json!({
            "id": volume.id,
            "attachment_id": attachment.id,
            "volume_id": volume.id,
            "server_id": attachment.server_id,
            "host_name": null,
            "device": attachment.device,
            "attached_at": micros(attachment.attached_at),
        })
    };
    let mut shown = json!({
        "id": volume.id,
        "status": volume.status,
        "size": volume.size_gib,
        "availability_zone": "nova",
        "created_at": micros(volume.created_at),
        "updated_at": volume.updated_at.map(micros),
        "name": volume.name,
        "description": volume.description,
        "volume_type": volume.volume_type,
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_volume_id,
        "metadata": map(&volume.metadata),
        "links": links(context, volume),
        "user_id": volume.user_id,
        "bootable": if volume.is_bootable { "true" } else { "false" },
        "encrypted": false,
        "replication_status": null,
        "consistencygroup_id": null,
        "multiattach": volume.is_multiattach(),
        "attachments": volume.attachments.iter().map(attachment).collect::<Vec<_>>(),
    });
    if context.at_least(13) {
        shown["group_id"] = Value::Null;
    }
    if context.at_least(48) {
        shown["shared_targets"] = json!(true);
        let service = context.world.ids.uuid(&["cinder-volume", &context.region.name, &volume.volume_type]);
        // Nobody has it yet.
        shown["service_uuid"] = if is_new { Value::Null } else { json!(service) };
    }
    if context.at_least(63) {
        shown["volume_type_id"] = json!(type_id(context, &volume.volume_type));
    }
    if context.at_least(65) {
        shown["consumes_quota"] = json!(true);
    }
    if volume.is_bootable && !is_new {
        shown["volume_image_metadata"] = json!({"container_format": "bare", "disk_format": "qcow2"});
    }
    if !is_new {
        shown["os-vol-tenant-attr:tenant_id"] = json!(volume.project_id);
        if context.caller.is_admin() {
            shown["os-vol-host-attr:host"] =
                json!(format!("r{}-control@lab1#lab1", context.region.number + 1));
            shown["os-vol-mig-status-attr:migstat"] = Value::Null;
            shown["os-vol-mig-status-attr:name_id"] = Value::Null;
        }
    }
    shown
}

/// A snapshot; in detail with its project and progress.
pub fn snapshot_json(snapshot: &Snapshot, is_detailed: bool) -> Value {
    let mut shown = json!({
        "id": snapshot.id,
        "created_at": micros(snapshot.created_at),
        "updated_at": snapshot.updated_at.map(micros),
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": snapshot.volume_id,
        "status": snapshot.status,
        "size": snapshot.size_gib,
        "metadata": map(&snapshot.metadata),
        "group_snapshot_id": null,
        "user_id": snapshot.user_id,
    });
    if is_detailed {
        shown["os-extended-snapshot-attributes:project_id"] = json!(snapshot.project_id);
        let progress = if snapshot.status == "available" { "100%" } else { "0%" };
        shown["os-extended-snapshot-attributes:progress"] = json!(progress);
    }
    shown
}

pub fn type_id(context: &Context<'_>, name: &str) -> Uuid {
    context.world.ids.uuid(&["volume-type", &context.region.name, name])
}

/// The link to the next page, where this one is full.
pub fn next_link(context: &Context<'_>, last: Option<Uuid>) -> Option<Value> {
    let marker = last?.to_string();
    let call = context.call;
    let asked = call.query.iter().filter(|(key, _)| key != "marker");
    let asked = asked.map(|(key, value)| (key.as_str(), value.as_str()));
    let query = query_string(asked.chain([("marker", marker.as_str())]));
    Some(json!([{"rel": "next", "href": format!("{}{}?{query}", call.base_url, call.raw_path)}]))
}

fn links(context: &Context<'_>, volume: &Volume) -> Value {
    let path = format!("{}volumes/{}", context.prefix, volume.id);
    let base_url = &context.call.base_url;
    json!([
        {"rel": "self", "href": format!("{base_url}/v3/{path}")},
        {"rel": "bookmark", "href": format!("{base_url}/{path}")},
    ])
}

fn map(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect::<Map<_, _>>())
}
