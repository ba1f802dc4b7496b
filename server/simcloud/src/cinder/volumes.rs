//! Listing, making, changing and deleting volumes.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::view::{next_link, volume_json, volume_name};
use super::{Context, invalid, metadata, quotas, text};
use crate::clock::whole_seconds;
use crate::errors::cinder;
use crate::http::{Answer, HTML_UTF8, Handled, python_repr};
use crate::ids;
use crate::volume::{FAILS, TYPES, Volume};

/// The most rows of a page.
const MAX_LIMIT: usize = 1_000;

/// `GET /volumes` and `/volumes/detail`: newest first, filtered by name, status and the like.
pub fn list_volumes(context: &Context<'_>, is_detailed: bool) -> Handled {
    let call = context.call;
    let mut store = context.region.volumes.write();
    store.settle(call.now);
    let volumes = store.list(context.listed_project());
    let matching: Vec<&Volume> = volumes.into_iter().filter(|volume| passes(context, volume)).collect();
    let count = matching.len();
    let (page, is_full) = page(context, matching, |volume| volume.id)?;
    let shown: Vec<Value> = page
        .iter()
        .map(
            |volume| {
                if is_detailed { volume_json(context, volume, false) } else { volume_name(context, volume) }
            },
        )
        .collect();
    let mut body = json!({"volumes": shown});
    if let Some(link) = next_link(context, page.last().filter(|_| is_full).map(|volume| volume.id)) {
        body["volumes_links"] = link;
    }
    let wants_count = call.query_value("with_count").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if wants_count && context.at_least(45) {
        body["count"] = json!(count);
    }
    Ok(Answer::json(200, &body))
}

/// `GET /volumes/{id}`
pub fn show_volume(context: &Context<'_>, id: &str) -> Handled {
    with_volume(context, id, |volume| {
        Answer::json(200, &json!({"volume": volume_json(context, volume, false)}))
    })
}

/// `POST /volumes`: 202, `creating` for a second. Readers may, as recorded.
pub fn create_volume(context: &Context<'_>) -> Handled {
    let body = context.body("volume")?;
    let now = whole_seconds(context.call.now);
    let id_of = |key: &str| -> Result<Option<Uuid>, Answer> {
        let asked = text(&body, key)?;
        let parsed = asked.as_deref().map(|asked| {
            Uuid::parse_str(asked)
                .map_err(|_| invalid(key, &json!(asked), &format!("'{asked}' is not a 'uuid'")))
        });
        parsed.transpose()
    };
    let (snapshot_id, source_volume_id) = (id_of("snapshot_id")?, id_of("source_volid")?);
    let image_id = text(&body, "imageRef")?;
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let smallest = match (snapshot_id, source_volume_id) {
        (Some(id), _) => {
            let snapshot = store.snapshot(&id).filter(|snapshot| context.sees(&snapshot.project_id));
            let missing = || cinder::not_found(&format!("Snapshot {id} could not be found."));
            Some(snapshot.ok_or_else(missing)?.size_gib)
        }
        (None, Some(id)) => {
            let source = store.get(&id).filter(|volume| context.sees(&volume.project_id));
            Some(source.ok_or_else(|| not_found(&id.to_string()))?.size_gib)
        }
        (None, None) => None,
    };
    let size_gib = size(&body, smallest)?;
    let volume_type = match text(&body, "volume_type")? {
        None => TYPES[0].name.to_owned(),
        Some(asked) => super::types::find(context, &asked)?.name.to_owned(),
    };
    if let Some(asked) = &image_id {
        let images = context.region.images.read();
        let known = images.iter().any(|image| *image.id == **asked);
        if !known {
            let message = format!("Invalid image identifier or unable to access requested image. {asked}");
            return Err(cinder::bad_request(&message));
        }
    }
    quotas::must_fit(context, &store, 1, size_gib)?;
    let volume = Volume {
        id: ids::fresh_uuid(),
        project_id: context.project_id.clone(),
        user_id: context.caller.user_id.clone(),
        name: text(&body, "name")?,
        description: text(&body, "description")?,
        status: "creating",
        size_gib,
        volume_type,
        is_bootable: image_id.is_some(),
        snapshot_id,
        source_volume_id,
        metadata: metadata(&body)?,
        created_at: now,
        updated_at: None,
        attachments: Vec::new(),
    };
    let becomes = if volume.name.as_deref() == Some(FAILS) { "error" } else { "available" };
    let seconds = if image_id.is_some() { 5.0 } else { 1.5 };
    store.become_after(volume.id, context.call.now, context.paced(seconds), becomes);
    let shown = volume_json(context, &volume, true);
    store.insert(volume);
    Ok(Answer::json(202, &json!({"volume": shown})))
}

/// `PUT /volumes/{id}`: another name or description.
pub fn update_volume(context: &Context<'_>, id: &str) -> Handled {
    let body = context.body("volume")?;
    let (name, description) = (text(&body, "name")?, text(&body, "description")?);
    change_volume(context, id, |volume| {
        if body.contains_key("name") {
            volume.name = name;
        }
        if body.contains_key("description") {
            volume.description = description;
        }
        volume.updated_at = Some(whole_seconds(context.call.now));
        Ok(Answer::json(200, &json!({"volume": volume_json(context, volume, true)})))
    })
}

/// `DELETE /volumes/{id}`: 202; 400 for one that is in use or has snapshots.
pub fn delete_volume(context: &Context<'_>, id: &str) -> Handled {
    let has_snapshots = {
        let store = context.region.volumes.read();
        store.list_snapshots(None).iter().any(|snapshot| snapshot.volume_id.to_string() == id)
    };
    let volume_id = change_volume(context, id, |volume| {
        let is_deletable = volume.attachments.is_empty() && matches!(volume.status, "available" | "error");
        if !is_deletable || has_snapshots {
            return Err(cinder::bad_request(
                "Invalid volume: Volume status must be available or error or error_restoring or error_extending \
                 or error_managing and must not be migrating, attached, belong to a group, have snapshots, \
                 awaiting a transfer, or be disassociated from snapshots after volume transfer.",
            ));
        }
        volume.status = "deleting";
        volume.updated_at = Some(whole_seconds(context.call.now));
        Ok(volume.id)
    })?;
    context.region.volumes.write().vanish_after(volume_id, context.call.now, context.paced(1.5));
    Ok(Answer::empty(202).of_type(HTML_UTF8))
}

/// Reads a volume the caller may see, as it is now.
pub fn with_volume<T>(context: &Context<'_>, id: &str, read: impl FnOnce(&Volume) -> T) -> Result<T, Answer> {
    change_volume(context, id, |volume| Ok(read(volume)))
}

/// Changes a volume the caller may see.
pub fn change_volume<T>(
    context: &Context<'_>,
    id: &str,
    change: impl FnOnce(&mut Volume) -> Result<T, Answer>,
) -> Result<T, Answer> {
    let mut store = context.region.volumes.write();
    store.settle(context.call.now);
    let volume = Uuid::parse_str(id).ok().and_then(|id| store.get_mut(&id));
    let volume = volume.filter(|volume| context.sees(&volume.project_id));
    change(volume.ok_or_else(|| not_found(id))?)
}

pub fn not_found(id: &str) -> Answer {
    cinder::not_found(&format!("Volume {id} could not be found."))
}

/// The rows of a page, and whether it is full.
///
/// Errors: 400 for a bad limit or marker.
pub fn page<'v, T>(
    context: &Context<'_>,
    mut rows: Vec<&'v T>,
    id_of: impl Fn(&T) -> Uuid,
) -> Result<(Vec<&'v T>, bool), Answer> {
    let call = context.call;
    let limit = match call.query_value("limit") {
        None => None,
        Some(asked) => {
            let limit: Option<usize> = asked.parse().ok();
            let why = format!(
                "Invalid input for query parameters limit. Value: {asked}. '{asked}' does not match '^[0-9]*$'"
            );
            Some(limit.ok_or_else(|| cinder::bad_request(&why))?.min(MAX_LIMIT))
        }
    };
    if let Some(marker) = call.query_value("marker") {
        let at = rows.iter().position(|row| id_of(row).to_string() == marker);
        let missing = || cinder::not_found(&format!("Volume {marker} could not be found."));
        rows.drain(..=at.ok_or_else(missing)?);
    }
    let limit = limit.unwrap_or(MAX_LIMIT);
    rows.truncate(limit);
    let is_full = rows.len() == limit && limit > 0;
    Ok((rows, is_full))
}

fn passes(context: &Context<'_>, volume: &Volume) -> bool {
    context.call.query.iter().all(|(key, wanted)| match key.as_str() {
        "name" => volume.name.as_deref() == Some(wanted),
        "status" => volume.status == wanted,
        "bootable" => wanted.eq_ignore_ascii_case(if volume.is_bootable { "true" } else { "false" }),
        "id" => volume.id.to_string() == *wanted,
        _ => true,
    })
}

/// The size asked for, or that of what it is made from.
fn size(body: &Map<String, Value>, smallest: Option<u32>) -> Result<u32, Answer> {
    let value = match (body.get("size"), smallest) {
        (None | Some(Value::Null), Some(smallest)) => return Ok(smallest),
        (None | Some(Value::Null), None) => {
            let message = "Invalid input received: Volume size 'None' must be an integer and greater than 0";
            return Err(cinder::bad_request(message));
        }
        (Some(value), _) => value,
    };
    let number = match value {
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok()
        }
        Value::String(_) => {
            return Err(invalid("size", value, &format!("{} does not match '^[0-9]+$'", python_repr(value))));
        }
        other => other.as_i64(),
    };
    let Some(number) = number else {
        return Err(invalid(
            "size",
            value,
            &format!("{} is not of type 'integer', 'string'", python_repr(value)),
        ));
    };
    if number < 1 {
        return Err(invalid("size", value, &format!("{number} is less than the minimum of 1")));
    }
    let size_gib = u32::try_from(number).unwrap_or(u32::MAX);
    match smallest {
        Some(smallest) if size_gib < smallest => Err(cinder::bad_request(&format!(
            "Invalid input received: Volume size '{size_gib}'GB cannot be smaller than original volume size \
             {smallest}GB. They must be >= original volume size."
        ))),
        _ => Ok(size_gib),
    }
}
