//! `POST /volumes/{id}/action`: making a volume larger, an image of it, and the like.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::volumes::{change_volume, with_volume};
use super::{Context, text, view};
use crate::clock::{micros, whole_seconds};
use crate::errors::cinder;
use crate::http::{Answer, Handled};
use crate::ids;
use crate::image::Image;
use crate::volume::{TYPES, Volume};

/// One action a request; 202 for most, the change follows over time.
pub fn act(context: &Context<'_>, id: &str) -> Handled {
    let body: Option<Map<String, Value>> = context.call.json();
    let Some((key, argument)) = body.as_ref().and_then(|body| body.iter().next()) else {
        return Err(cinder::bad_request("Malformed request body"));
    };
    let nothing = Map::new();
    let argument = argument.as_object().unwrap_or(&nothing);
    match key.as_str() {
        "os-extend" => extend(context, id, argument),
        "os-volume_upload_image" => upload_image(context, id, argument),
        "os-set_bootable" => {
            let is_bootable =
                argument.get("bootable").is_some_and(|value| *value == true || *value == "true");
            change_volume(context, id, |volume| {
                volume.is_bootable = is_bootable;
                Ok(Answer::empty(200))
            })
        }
        "os-reset_status" => {
            context.must_administer("volume_extension:volume_admin_actions:reset_status")?;
            let known = ["available", "error", "in-use"];
            let asked = argument.get("status").and_then(Value::as_str);
            let status = known.into_iter().find(|status| Some(*status) == asked);
            let status = status.ok_or_else(|| cinder::bad_request("Must specify a valid status"))?;
            change_volume(context, id, |volume| {
                volume.status = status;
                Ok(accepted())
            })
        }
        other => Err(cinder::bad_request(&format!("There is no such action: {other}"))),
    }
}

fn extend(context: &Context<'_>, id: &str, argument: &Map<String, Value>) -> Handled {
    let asked = argument.get("new_size").and_then(Value::as_u64);
    let asked = asked.and_then(|asked| u32::try_from(asked).ok());
    let Some(new_size_gib) = asked else {
        return Err(cinder::bad_request("New volume size must be specified as an integer."));
    };
    let volume = with_volume(context, id, Volume::clone)?;
    must_be(&volume, "available", "extend")?;
    let current = volume.size_gib;
    if new_size_gib <= current {
        return Err(cinder::bad_request(&format!(
            "Invalid input received: New size for extend must be greater than current size. (current: {current}, \
             extended: {new_size_gib})."
        )));
    }
    let mut store = context.region.volumes.write();
    super::quotas::must_fit(context, &store, 0, new_size_gib - current)?;
    if let Some(volume) = store.get_mut(&volume.id) {
        volume.status = "extending";
        volume.size_gib = new_size_gib;
    }
    store.become_after(volume.id, context.call.now, context.paced(1.5), "available");
    Ok(accepted())
}

/// The image is there at once; the volume is `uploading` for a while.
fn upload_image(context: &Context<'_>, id: &str, argument: &Map<String, Value>) -> Handled {
    let Some(name) = text(argument, "image_name")? else {
        return Err(cinder::bad_request("No image_name was specified in request."));
    };
    let volume = with_volume(context, id, Volume::clone)?;
    let forces = argument.get("force").is_some_and(|value| *value == true);
    if !(forces && volume.status == "in-use") {
        must_be(&volume, "available", "upload to image")?;
    }
    let disk_format = text(argument, "disk_format")?.unwrap_or_else(|| "raw".to_owned());
    let container_format = text(argument, "container_format")?.unwrap_or_else(|| "bare".to_owned());
    let image_id: Arc<str> = ids::fresh_uuid().to_string().into();
    let now = whole_seconds(context.call.now);
    context.region.images.write().push(Image {
        status: "active".to_owned(),
        visibility: "private".to_owned(),
        disk_format: Some(disk_format.clone()),
        container_format: Some(container_format.clone()),
        size_bytes: Some(u64::from(volume.size_gib) << 30),
        virtual_size_bytes: Some(u64::from(volume.size_gib) << 30),
        min_disk_gib: volume.size_gib,
        ..Image::queued(image_id.clone(), name.clone(), volume.project_id.clone(), now)
    });
    let mut store = context.region.volumes.write();
    if let Some(volume) = store.get_mut(&volume.id) {
        volume.status = "uploading";
    }
    let after = if volume.attachments.is_empty() { "available" } else { "in-use" };
    store.become_after(volume.id, context.call.now, context.paced(5.0), after);
    let kind = TYPES.iter().find(|kind| kind.name == volume.volume_type);
    Ok(Answer::json(
        202,
        &json!({"os-volume_upload_image": {
            "id": volume.id,
            "updated_at": volume.updated_at.map(micros),
            "status": "uploading",
            "display_description": volume.description,
            "size": volume.size_gib,
            "volume_type": {
                "id": view::type_id(context, &volume.volume_type),
                "name": volume.volume_type,
                "description": kind.map(|kind| kind.description),
                "is_public": true,
                "extra_specs": {"volume_backend_name": "lab1"},
                "qos_specs_id": null,
                "created_at": micros(context.region.since),
                "updated_at": null,
                "deleted_at": null,
                "deleted": false,
            },
            "image_id": image_id,
            "container_format": container_format,
            "disk_format": disk_format,
            "image_name": name,
            "protected": false,
            "visibility": "private",
        }}),
    ))
}

fn must_be(volume: &Volume, status: &str, what: &str) -> Result<(), Answer> {
    if volume.status == status {
        return Ok(());
    }
    Err(cinder::bad_request(&format!(
        "Invalid volume: Volume {} status must be '{status}' to {what}, currently {}.",
        volume.id, volume.status
    )))
}

/// 202 with JSON's content type and no JSON, as Cinder has it.
fn accepted() -> Answer {
    Answer::empty(202).of_type(crate::http::JSON)
}
