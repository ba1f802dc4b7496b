//! `block_device_mapping_v2`: the disks a new server is made with.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Context, validate, volumes};
use crate::clock::whole_seconds;
use crate::errors::nova as errors;
use crate::http::Answer;
use crate::ids;
use crate::server::{SimServer, VolumeAttachment};
use crate::volume::{Attachment, TYPES, Volume};

/// A disk that was asked for.
#[derive(Clone, Debug)]
pub struct Disk {
    source: Source,
    /// Where it is a new volume; otherwise that of what it is made from.
    size_gib: Option<u32>,
    volume_type: Option<String>,
    is_root: bool,
    delete_on_termination: bool,
}

#[derive(Clone, Debug)]
enum Source {
    /// A volume that there is.
    Volume(Uuid),
    Snapshot(Uuid),
    Image,
    Blank,
}

/// The volumes a request asks for. Disks of the host itself are not kept.
///
/// Errors: 400 for what does not exist, lacks a size or makes no order to boot in.
pub fn disks(context: &Context<'_>, body: &Map<String, Value>) -> Result<Vec<Disk>, Answer> {
    let asked = validate::list(body, "block_device_mapping_v2")?;
    let mut disks = Vec::new();
    let mut boot_indexes = Vec::new();
    for entry in asked {
        let Value::Object(entry) = entry else {
            return Err(validate::invalid("block_device_mapping_v2", entry, "it is not of type 'object'"));
        };
        let boot_index = number(entry, "boot_index").filter(|index| *index >= 0);
        boot_indexes.extend(boot_index);
        if validate::text(entry, "destination_type")? == Some("local") {
            continue;
        }
        disks.push(disk(context, entry, boot_index == Some(0))?);
    }
    boot_indexes.sort_unstable();
    let has_image = validate::text(body, "imageRef")?.is_some_and(|image| !image.is_empty());
    let is_ordered = boot_indexes.iter().copied().eq((0..).take(boot_indexes.len()));
    if !asked.is_empty() && (boot_indexes.is_empty() && !has_image || !is_ordered) {
        return Err(errors::bad_request(
            "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping \
             combination is not valid.",
        ));
    }
    Ok(disks)
}

fn disk(context: &Context<'_>, entry: &Map<String, Value>, is_root: bool) -> Result<Disk, Answer> {
    let size_gib =
        number(entry, "volume_size").and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
    let id = validate::text(entry, "uuid")?.unwrap_or_default();
    let known = Uuid::parse_str(id).ok();
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let of_project = |project_id: &str| context.caller.project_id.as_deref() == Some(project_id);
    let source = match validate::text(entry, "source_type")?.unwrap_or_default() {
        "volume" => {
            let volume = known.and_then(|id| store.get(&id)).filter(|volume| of_project(&volume.project_id));
            let missing = || invalid(&format!("failed to get volume {id}."));
            let volume = volume.ok_or_else(missing)?;
            if volume.status != "available" && !volume.is_multiattach() {
                return Err(errors::bad_request(&format!(
                    "Invalid volume: Invalid input received: Invalid volume: Volume {id} status must be available \
                     or downloading to reserve, but the current status is {}. (HTTP 400) (Request-ID: {})",
                    volume.status,
                    ids::request_id()
                )));
            }
            if is_root && !volume.is_bootable {
                return Err(invalid(&format!("Volume {id} is not bootable.")));
            }
            Source::Volume(volume.id)
        }
        "snapshot" => {
            let snapshot = known.and_then(|id| store.snapshot(&id)).filter(|one| of_project(&one.project_id));
            Source::Snapshot(snapshot.ok_or_else(|| invalid(&format!("failed to get snapshot {id}.")))?.id)
        }
        "image" => {
            let images = context.region.images.read();
            if !images.iter().any(|image| *image.id == *id && image.status == "active") {
                return Err(invalid(&format!("failed to get image {id}.")));
            }
            if size_gib.is_none() {
                let message = "Images with destination_type 'volume' need to have a non-zero size specified";
                return Err(errors::bad_request(message));
            }
            Source::Image
        }
        "blank" => {
            if size_gib.is_none() {
                let message = "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size";
                return Err(errors::bad_request(message));
            }
            Source::Blank
        }
        other => {
            let why = format!("'{other}' is not one of ['volume', 'image', 'snapshot', 'blank']");
            return Err(validate::invalid("source_type", &Value::from(other), &why));
        }
    };
    let volume_type = validate::text(entry, "volume_type")?;
    if let Some(asked) = volume_type.filter(|asked| !TYPES.iter().any(|kind| kind.name == *asked)) {
        return Err(errors::bad_request(&format!("Volume type {asked} could not be found.")));
    }
    Ok(Disk {
        source,
        size_gib,
        volume_type: volume_type.map(str::to_owned),
        is_root,
        delete_on_termination: entry.get("delete_on_termination").and_then(Value::as_bool) == Some(true),
    })
}

/// Makes or takes the volumes for a server that is about to be put in.
pub fn provide(context: &Context<'_>, disks: &[Disk], server: &mut SimServer) -> Result<(), Answer> {
    for disk in disks {
        let device = if disk.is_root { "/dev/vda".to_owned() } else { volumes::free_device(server) };
        let mut attachment = VolumeAttachment {
            volume_id: ids::fresh_uuid(),
            attachment_id: ids::fresh_uuid(),
            device,
            delete_on_termination: disk.delete_on_termination,
        };
        if let Source::Volume(id) = disk.source {
            attachment.volume_id = id;
            volumes::reserve(context, server, &attachment)?;
        } else {
            make(context, disk, server, &attachment);
        }
        server.volumes.push(attachment);
    }
    Ok(())
}

fn make(context: &Context<'_>, disk: &Disk, server: &SimServer, attachment: &VolumeAttachment) {
    let now = whole_seconds(context.call.now);
    let mut store = context.region.volumes.write();
    let snapshot_id = match disk.source {
        Source::Snapshot(id) => Some(id),
        _ => None,
    };
    let of_snapshot = snapshot_id.and_then(|id| store.snapshot(&id)).map(|snapshot| snapshot.size_gib);
    store.insert(Volume {
        id: attachment.volume_id,
        project_id: server.project_id.clone(),
        user_id: server.user_id.clone(),
        // Nova gives the volumes it makes no name.
        name: Some(String::new()),
        description: Some(String::new()),
        status: "creating",
        size_gib: disk.size_gib.or(of_snapshot).unwrap_or(1),
        volume_type: disk.volume_type.clone().unwrap_or_else(|| TYPES[0].name.to_owned()),
        is_bootable: disk.is_root,
        snapshot_id,
        source_volume_id: None,
        metadata: Vec::new(),
        created_at: now,
        updated_at: None,
        attachments: vec![Attachment {
            id: attachment.attachment_id,
            server_id: server.id,
            device: attachment.device.clone(),
            attached_at: now,
        }],
    });
    let seconds = 4.0 / context.world.config.pace.max(0.001);
    store.become_after(attachment.volume_id, context.call.now, seconds, "in-use");
}

fn number(entry: &Map<String, Value>, key: &str) -> Option<i64> {
    let value = entry.get(key)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn invalid(why: &str) -> Answer {
    errors::bad_request(&format!("Block Device Mapping is Invalid: {why}"))
}
