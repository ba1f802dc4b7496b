//! Making, changing and deleting the records of images.

use serde_json::{Map, Value, json};

use super::view::image_json;
use super::{Context, find_mut, refused, schema};
use crate::clock::whole_seconds;
use crate::errors::web_ob;
use crate::http::{Answer, HTML_UTF8, Handled};
use crate::ids;
use crate::image::Image;

/// The media types of patches; the older one lacks operations that nobody uses.
const PATCHES: &[&str] =
    &["application/openstack-images-v2.0-json-patch", "application/openstack-images-v2.1-json-patch"];

/// `POST /v2/images`: 201 with the record, `queued` until data is uploaded.
pub fn create_image(context: &Context<'_>) -> Handled {
    let Some(body) = context.call.json::<Map<String, Value>>() else {
        return Err(web_ob(400, "Malformed JSON in request body."));
    };
    let owner = context.caller.project_id.clone().ok_or_else(|| refused("add_image"))?;
    let now = whole_seconds(context.call.now);
    let id = match body.get("id") {
        None => ids::fresh_uuid().to_string(),
        Some(Value::String(id)) if uuid::Uuid::parse_str(id).is_ok() => id.clone(),
        Some(other) => {
            return Err(schema::mismatch(&format!("{} is no UUID", crate::http::python_repr(other))));
        }
    };
    let mut image = Image::queued(id.into(), String::new(), owner, now);
    for (key, value) in body.iter().filter(|(key, _)| *key != "id") {
        schema::must_be_writable(key)?;
        schema::set(&mut image, key, value)?;
    }
    if !context.caller.may_write() {
        return Err(refused("add_image"));
    }
    may_publish(context, &image)?;
    let mut images = context.region.images.write();
    if images.iter().any(|other| other.id == image.id) {
        return Err(web_ob(409, &format!("Image ID {} already exists!", image.id)));
    }
    let location = format!("{}/v2/images/{}", context.call.base_url, image.id);
    let shown = image_json(&image);
    images.push(image);
    Ok(Answer::json(201, &shown)
        .header("location", location)
        .header("openstack-image-import-methods", "glance-direct,web-download,copy-image")
        .header("openstack-image-store-ids", "fs,os_glance_staging_store,os_glance_tasks_store"))
}

/// `PATCH /v2/images/{id}`: a list of changes, all of them or none.
pub fn update_image(context: &Context<'_>, id: &str) -> Handled {
    let content_type = context.call.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !PATCHES.contains(&media_type) {
        return Err(unsupported(media_type, "").header("accept-patch", PATCHES.join(", ")));
    }
    let Some(changes) = context.call.json::<Vec<Value>>() else {
        return Err(web_ob(400, "Request body must be a JSON array of operation objects."));
    };
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, context, id)?;
    let mut changed = image.clone();
    for change in &changes {
        apply(&mut changed, change)?;
    }
    context.must_modify(image, "modify_image")?;
    if changed.visibility != image.visibility {
        may_publish(context, &changed)?;
    }
    changed.updated_at = whole_seconds(context.call.now);
    *image = changed;
    Ok(Answer::json(200, &image_json(image)))
}

/// `DELETE /v2/images/{id}`: 204; 403 for a protected one.
pub fn delete_image(context: &Context<'_>, id: &str) -> Handled {
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, context, id)?;
    context.must_modify(image, "delete_image")?;
    if image.is_protected {
        return Err(web_ob(403, &format!("Image {id} is protected and cannot be deleted.")));
    }
    images.retain(|image| *image.id != *id);
    Ok(Answer::empty(204).of_type(HTML_UTF8))
}

/// `PUT` and `DELETE /v2/images/{id}/tags/{tag}`: 204.
pub fn change_tag(context: &Context<'_>, id: &str, tag: &str, adds: bool) -> Handled {
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, context, id)?;
    context.must_modify(image, "modify_image")?;
    let had = image.tags.iter().any(|own| own == tag);
    match (adds, had) {
        (true, false) => image.tags.push(tag.to_owned()),
        (false, true) => image.tags.retain(|own| own != tag),
        (true, true) => {}
        (false, false) => return Err(web_ob(404, "The resource could not be found.")),
    }
    image.updated_at = whole_seconds(context.call.now);
    Ok(Answer::empty(204).of_type(HTML_UTF8))
}

/// `POST /v2/images/{id}/actions/deactivate` and `reactivate`: 204.
pub fn set_active(context: &Context<'_>, id: &str, action: &str) -> Handled {
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, context, id)?;
    context.must_modify(image, action)?;
    let (from, to) =
        if action == "deactivate" { ("active", "deactivated") } else { ("deactivated", "active") };
    if image.status != from && image.status != to {
        let message = format!("Not allowed to {action} image in status '{}'", image.status);
        return Err(web_ob(403, &message));
    }
    image.status = to.to_owned();
    image.updated_at = whole_seconds(context.call.now);
    Ok(Answer::empty(204).of_type(HTML_UTF8))
}

/// 415 with the words of a web server, and a reason where there is one.
pub fn unsupported(media_type: &str, reason: &str) -> Answer {
    let message = format!(
        "The request media type {media_type} is not supported by this server.\n<br /><br />\n{reason}"
    );
    let title = "Unsupported Media Type";
    Answer::json(415, &json!({"message": message, "code": format!("415 {title}"), "title": title}))
}

/// Only administrators make an image public.
fn may_publish(context: &Context<'_>, image: &Image) -> Result<(), Answer> {
    let may = context.caller.is_admin() || image.visibility != "public";
    if may { Ok(()) } else { Err(refused("publicize_image")) }
}

/// One change: `{"op": "replace", "path": "/name", "value": "sample2"}`.
fn apply(image: &mut Image, change: &Value) -> Result<(), Answer> {
    let Value::Object(change) = change else {
        return Err(web_ob(400, "Operations must be JSON objects."));
    };
    let Some(op) = change.get("op").and_then(Value::as_str) else {
        let message = "Unable to find `op` in JSON Schema change. It must be one of the following: add, \
                       remove, replace.";
        return Err(web_ob(400, message));
    };
    if !["add", "remove", "replace"].contains(&op) {
        let message =
            format!("Invalid operation: `{op}`. It must be one of the following: add, remove, replace.");
        return Err(web_ob(400, &message));
    }
    let key = key_of(change.get("path").and_then(Value::as_str))?;
    schema::must_be_writable(&key)?;
    if matches!(key.as_str(), "disk_format" | "container_format") && image.status != "queued" {
        let message = format!("Attribute {key} can be only replaced for a queued image.");
        return Err(web_ob(403, &message));
    }
    let is_field = image_json(&Image { properties: Vec::new(), ..image.clone() }).get(&key).is_some();
    let exists = is_field || image.property(&key).is_some();
    if op != "add" && !exists {
        return Err(web_ob(409, &format!("Property {key} does not exist.")));
    }
    if op == "remove" {
        if is_field {
            return Err(web_ob(403, &format!("Property {key} may not be removed.")));
        }
        image.properties.retain(|(own, _)| *own != key);
        return Ok(());
    }
    let Some(value) = change.get("value") else {
        return Err(web_ob(400, &format!("Operation \"{op}\" requires a member named \"value\".")));
    };
    schema::set(image, &key, value)
}

/// The one name in a JSON pointer.
fn key_of(path: Option<&str>) -> Result<String, Answer> {
    let path = path.ok_or_else(|| web_ob(400, "Unable to find 'path' in JSON Schema change"))?;
    let Some(name) = path.strip_prefix('/') else {
        return Err(web_ob(400, &format!("Pointer `{path}` does not start with \"/\".")));
    };
    if name.is_empty() || name.contains('/') {
        return Err(web_ob(400, &format!("Invalid JSON pointer for this resource: '{path}'")));
    }
    Ok(name.replace("~1", "/").replace("~0", "~"))
}
