//! The volumes at a server. Cinder keeps them; Nova takes and gives them back.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, actions, history, validate};
use crate::clock::whole_seconds;
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::ids;
use crate::script::{Change, Step};
use crate::server::{SimServer, VolumeAttachment};
use crate::volume::Attachment;

/// The states in which Nova attaches and detaches.
const STATES: &[&str] =
    &["active", "paused", "stopped", "resized", "soft-delete", "shelved", "shelved_offloaded"];

/// How long Cinder and the host take.
const ATTACH_SECONDS: f64 = 1.5;
const DETACH_SECONDS: f64 = 2.0;

/// `GET /servers/{id}/os-volume_attachments`
pub fn list_volumes(context: &Context<'_>, id: &str) -> Handled {
    context.with_server(id, |server| {
        let volumes = server.volumes.iter().map(|volume| volume_json(context, server, volume));
        Answer::json(200, &json!({"volumeAttachments": volumes.collect::<Vec<_>>()}))
    })
}

/// `GET /servers/{id}/os-volume_attachments/{volume}`
pub fn show_volume(context: &Context<'_>, id: &str, volume_id: &str) -> Handled {
    let shown = context.with_server(id, |server| {
        let volume = server.volumes.iter().find(|volume| volume.volume_id.to_string() == volume_id);
        volume.map(|volume| volume_json(context, server, volume))
    })?;
    let shown = shown.ok_or_else(|| no_volume(id, volume_id))?;
    Ok(Answer::json(200, &json!({"volumeAttachment": shown})))
}

/// `POST /servers/{id}/os-volume_attachments`: the volume is `reserved` at once and `in-use` soon after.
///
/// Errors: 404 for an unknown volume, 400 for one that is not available, 409 for the server's state.
pub fn attach_volume(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body_object(context, "volumeAttachment")?;
    validate::required("volumeAttachment", &body, "volumeId")?;
    let asked = validate::text(&body, "volumeId")?.unwrap_or_default();
    let not_an_id = || validate::invalid("volumeId", &json!(asked), &format!("'{asked}' is not a 'uuid'"));
    let volume_id = Uuid::parse_str(asked).map_err(|_| not_an_id())?;
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-volumes-attachments:create")?;
    actions::must_be_unlocked(context, &server)?;
    actions::must_be_in(&server, STATES, "attach_volume")?;
    context.must_reach_block_storage()?;
    let attachment = VolumeAttachment {
        volume_id,
        attachment_id: ids::fresh_uuid(),
        device: free_device(&server),
        delete_on_termination: body.get("delete_on_termination").and_then(Value::as_bool) == Some(true),
    };
    reserve(context, &server, &attachment)?;
    let shown = volume_json(context, &server, &attachment);
    context
        .region
        .servers
        .write()
        .touch(&server.id, context.call.now, |server| server.volumes.push(attachment));
    history::record(context, &server.id, "attach_volume");
    let request_id = context.call.request_id.clone();
    let failure = actions::failure_of(&server, "attach_volume");
    let seconds = ATTACH_SECONDS;
    let steps = if failure.is_some() {
        vec![
            Step::after(seconds, Change::VolumeGone(volume_id)),
            Step::after(0.0, Change::SideDone { request_id, failure }),
        ]
    } else {
        vec![Step::after(seconds, Change::SideDone { request_id, failure })]
    };
    context.world.start_beside(context.region, server.id, steps);
    Ok(Answer::json(200, &json!({"volumeAttachment": shown})))
}

/// `PUT /servers/{id}/os-volume_attachments/{volume}`, from 2.85 on: whether it goes with the server.
pub fn update_volume(context: &Context<'_>, id: &str, volume_id: &str) -> Handled {
    let body = validate::body_object(context, "volumeAttachment")?;
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-volumes-attachments:update")?;
    let deletes = body.get("delete_on_termination").and_then(Value::as_bool);
    let found = context.region.servers.write().edit(&server.id, |server| {
        let volume = server.volumes.iter_mut().find(|volume| volume.volume_id.to_string() == volume_id);
        volume.map(|volume| volume.delete_on_termination = deletes.unwrap_or(volume.delete_on_termination))
    });
    found.flatten().ok_or_else(|| no_volume(id, volume_id))?;
    Ok(Answer::empty(202))
}

/// `DELETE /servers/{id}/os-volume_attachments/{volume}`: 202; it leaves the server soon after.
pub fn detach_volume(context: &Context<'_>, id: &str, volume_id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-volumes-attachments:delete")?;
    let attached = server.volumes.iter().find(|volume| volume.volume_id.to_string() == volume_id);
    let attached = attached.ok_or_else(|| no_volume(id, volume_id))?;
    actions::must_be_unlocked(context, &server)?;
    if attached.device.ends_with("da") {
        return Err(errors::forbidden("Cannot detach a root device volume"));
    }
    actions::must_be_in(&server, STATES, "detach_volume")?;
    context.must_reach_block_storage()?;
    let volume_id = attached.volume_id;
    let mut volumes = context.region.volumes.write();
    volumes.settle(context.call.now);
    let status = volumes.get(&volume_id).map_or("in-use", |volume| volume.status);
    if status != "in-use" {
        return Err(errors::bad_request(&format!(
            "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must \
             be 'in-use' and attach_status must be 'attached' to detach. Currently: status: '{status}', \
             attach_status: 'attached.' (HTTP 400) (Request-ID: {})",
            ids::request_id()
        )));
    }
    let failure = actions::failure_of(&server, "detach_volume");
    let request_id = context.call.request_id.clone();
    if let Some(volume) = volumes.get_mut(&volume_id) {
        volume.status = "detaching";
    }
    let done = Change::SideDone { request_id, failure: failure.clone() };
    let steps = if failure.is_some() {
        // It stays where it is.
        let seconds = DETACH_SECONDS / context.world.config.pace.max(0.001);
        volumes.become_after(volume_id, context.call.now, seconds, "in-use");
        vec![Step::after(DETACH_SECONDS, done)]
    } else {
        vec![Step::after(DETACH_SECONDS, Change::VolumeGone(volume_id)), Step::after(0.0, done)]
    };
    drop(volumes);
    history::record(context, &server.id, "detach_volume");
    context.world.start_beside(context.region, server.id, steps);
    Ok(Answer::empty(202))
}

/// Takes a volume for a server, where it is free.
pub fn reserve(context: &Context<'_>, server: &SimServer, attached: &VolumeAttachment) -> Result<(), Answer> {
    let id = attached.volume_id;
    let mut volumes = context.region.volumes.write();
    volumes.settle(context.call.now);
    let volume = volumes.get_mut(&id).filter(|volume| volume.project_id == server.project_id);
    let volume = volume.ok_or_else(|| errors::not_found(&format!("Volume {id} could not be found.")))?;
    let (is_shared, status) = (volume.is_multiattach(), volume.status);
    if volume.attachments.iter().any(|attachment| attachment.server_id == server.id) {
        let message = format!("Invalid volume: volume {id} is already attached to instances: {}", server.id);
        return Err(errors::bad_request(&message));
    }
    if let Some(other) = volume.attachments.first().filter(|_| !is_shared) {
        let message =
            format!("Invalid volume: volume {id} is already attached to instances: {}", other.server_id);
        return Err(errors::bad_request(&message));
    }
    if !(status == "available" || is_shared && status == "in-use") {
        return Err(errors::bad_request(&format!(
            "Invalid input received: Invalid volume: Volume {id} status must be available or downloading to \
             reserve, but the current status is {status}. (HTTP 400) (Request-ID: {})",
            ids::request_id()
        )));
    }
    volume.status = if status == "available" { "reserved" } else { status };
    volume.attachments.push(Attachment {
        id: attached.attachment_id,
        server_id: server.id,
        device: attached.device.clone(),
        attached_at: whole_seconds(context.call.now),
    });
    let seconds = ATTACH_SECONDS / context.world.config.pace.max(0.001);
    volumes.become_after(id, context.call.now, seconds, "in-use");
    Ok(())
}

/// The first device name that is free: `/dev/vdb`.
pub fn free_device(server: &SimServer) -> String {
    let last = server.volumes.iter().filter_map(|volume| volume.device.chars().last()).max().unwrap_or('a');
    format!("/dev/vd{}", char::from_u32(u32::from(last) + 1).unwrap_or('z'))
}

fn volume_json(context: &Context<'_>, server: &SimServer, volume: &VolumeAttachment) -> Value {
    let mut shown = json!({
        "volumeId": volume.volume_id,
        "serverId": server.id,
        "device": volume.device,
    });
    if context.at_least(89) {
        shown["attachment_id"] = json!(volume.attachment_id);
        shown["bdm_uuid"] = json!(Uuid::from_u128(volume.attachment_id.as_u128().rotate_left(32)));
    } else {
        shown["id"] = json!(volume.volume_id);
    }
    if context.at_least(70) {
        shown["tag"] = Value::Null;
    }
    if context.at_least(79) {
        shown["delete_on_termination"] = json!(volume.delete_on_termination);
    }
    shown
}

fn no_volume(id: &str, volume_id: &str) -> Answer {
    errors::not_found(&format!("Instance {id} is not attached to volume {volume_id}"))
}
