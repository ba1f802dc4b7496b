//! Glance v2: the images of a region, to read. Nova adds snapshots to them.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};

use crate::clock::seconds_z;
use crate::errors::{unknown_url, web_ob};
use crate::faults::Service;
use crate::http::{Answer, Call, Handled, query_string};
use crate::keystone::{Caller, validate};
use crate::latency::Cost;
use crate::runtime::Shared;
use crate::world::{Image, Region};

/// A page without a limit asked for, and the most one may ask for.
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 1_000;

/// The versions Glance says it speaks, newest first.
const VERSIONS: &[&str] = &[
    "v2.15", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3",
    "v2.2", "v2.1", "v2.0",
];

/// Answers a request to the Glance of a region.
pub fn handle(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let answer = answer(shared, region_number, call).cost(Cost::Small);
    // Neither the version page nor the check of tokens in front gives the request an id.
    if call.path.is_empty() || answer.status == 401 {
        return answer;
    }
    answer.header("x-openstack-request-id", call.request_id.clone())
}

fn answer(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let parts = call.path_parts();
    if parts.is_empty() {
        return versions(call);
    }
    let caller = match validate(shared, Service::Image, call) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let region = &shared.world.regions[region_number];
    let handled = match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["v2", "images"]) => list_images(region, &caller, call),
        ("GET", ["v2", "images", id]) => show_image(region, &caller, id),
        ("GET", ["v2", "images", id, "members"]) => list_members(region, &caller, id),
        ("GET", ["v2", "info", "import"]) => Ok(import_methods()),
        ("GET", ["v2", "info", "stores"]) => {
            Ok(Answer::json(200, &json!({"stores": [{"id": "fs", "default": "true"}]})))
        }
        ("GET", ["v2", "info", "usage"]) => Ok(Answer::json(200, &json!({"usage": {}}))),
        _ => Err(unknown_url()),
    };
    handled.unwrap_or_else(|refusal| refusal)
}

/// `GET /`: 300 with the versions, without a token.
fn versions(call: &Call) -> Answer {
    let version = |(index, id): (usize, &&str)| {
        let href = format!("{}/v2/", call.base_url);
        let status = if index == 0 { "CURRENT" } else { "SUPPORTED" };
        json!({"id": id, "status": status, "links": [{"rel": "self", "href": href}]})
    };
    let versions: Vec<Value> = VERSIONS.iter().enumerate().map(version).collect();
    Answer::json(300, &json!({"versions": versions}))
}

/// `GET /v2/images`: those the caller may use, newest first, with filters by any property.
fn list_images(region: &Region, caller: &Caller, call: &Call) -> Handled {
    let limit = match call.query_value("limit") {
        None => DEFAULT_LIMIT,
        Some(limit) => limit.parse().map_err(|_| web_ob(400, "limit param must be an integer"))?,
    };
    let visibility = call.query_value("visibility");
    if let Some(asked) =
        visibility.filter(|asked| !["public", "private", "shared", "community", "all"].contains(asked))
    {
        return Err(web_ob(400, &format!("Invalid visibility value: {asked}")));
    }
    let images = region.images.read();
    let mut seen: Vec<(&Image, Value)> = images
        .iter()
        .filter(|image| may_see(image, caller))
        .map(|image| (image, image_json(image)))
        .filter(|(_, shown)| passes(shown, call))
        .collect();
    seen.sort_by(|(a, _), (b, _)| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    if let Some(marker) = call.query_value("marker") {
        let at = seen.iter().position(|(image, _)| *image.id == *marker);
        let at = at.ok_or_else(|| web_ob(400, "Invalid marker. Image could not be found."))?;
        seen.drain(..=at);
    }
    let has_more = seen.len() > limit.min(MAX_LIMIT);
    seen.truncate(limit.min(MAX_LIMIT));
    let asked = call.query.iter().filter(|(key, _)| key != "marker");
    let asked: Vec<(&str, &str)> = asked.map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let path = |parameters: Vec<(&str, &str)>| {
        let query = query_string(parameters);
        if query.is_empty() { "/v2/images".to_owned() } else { format!("/v2/images?{query}") }
    };
    let mut body = json!({"first": path(asked.clone()), "schema": "/v2/schemas/images"});
    if has_more && let Some((last, _)) = seen.last() {
        let mut next = asked;
        next.push(("marker", &last.id));
        body["next"] = json!(path(next));
    }
    body["images"] = seen.into_iter().map(|(_, shown)| shown).collect();
    Ok(Answer::json(200, &body))
}

/// `GET /v2/images/{id}`
fn show_image(region: &Region, caller: &Caller, id: &str) -> Handled {
    let images = region.images.read();
    let image = find(&images, caller, id)?;
    Ok(Answer::json(200, &image_json(image)))
}

/// `GET /v2/images/{id}/members`: nobody shares images here.
fn list_members(region: &Region, caller: &Caller, id: &str) -> Handled {
    let images = region.images.read();
    find(&images, caller, id)?;
    Ok(Answer::json(200, &json!({"members": [], "schema": "/v2/schemas/members"})))
}

fn import_methods() -> Answer {
    let methods = json!({
        "description": "Import methods available.",
        "type": "array",
        "value": ["glance-direct", "web-download", "copy-image"],
    });
    Answer::json(200, &json!({"import-methods": methods}))
}

fn find<'a>(images: &'a [Image], caller: &Caller, id: &str) -> Result<&'a Image, Answer> {
    let image = images.iter().find(|image| *image.id == *id && may_see(image, caller));
    image.ok_or_else(|| web_ob(404, &format!("No image found with ID {id}")))
}

fn may_see(image: &Image, caller: &Caller) -> bool {
    let is_own = caller.project_id.as_ref() == Some(&image.owner);
    is_own || caller.is_admin() || matches!(image.visibility.as_str(), "public" | "community")
}

fn passes(shown: &Value, call: &Call) -> bool {
    const NO_FILTERS: &[&str] = &["limit", "marker", "sort", "sort_key", "sort_dir", "member_status"];
    call.query.iter().filter(|(key, _)| !NO_FILTERS.contains(&key.as_str())).all(|(key, wanted)| match &shown
        [key]
    {
        _ if key == "visibility" && wanted == "all" => true,
        Value::String(text) => match wanted.strip_prefix("in:") {
            Some(several) => several.split(',').any(|one| one == text),
            None => text == wanted,
        },
        Value::Array(tags) if key == "tag" || key == "tags" => tags.iter().any(|tag| tag == wanted),
        other => wanted.parse::<Value>().is_ok_and(|wanted| wanted == *other),
    })
}

fn image_json(image: &Image) -> Value {
    let mut shown: Map<String, Value> =
        image.properties.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    // There is no data behind an image; its sums are those of its id.
    let sum = hex::encode(Sha512::digest(image.id.as_bytes()));
    let has_data = image.size_bytes.is_some();
    let fields = json!({
        "name": image.name,
        "disk_format": image.disk_format,
        "container_format": "bare",
        "visibility": image.visibility,
        "size": image.size_bytes,
        "virtual_size": image.virtual_size_bytes,
        "status": image.status,
        "checksum": has_data.then(|| sum[..32].to_owned()),
        "protected": false,
        "min_ram": image.min_ram_mib,
        "min_disk": image.min_disk_gib,
        "owner": image.owner,
        "os_hidden": false,
        "os_hash_algo": has_data.then_some("sha512"),
        "os_hash_value": has_data.then_some(&sum),
        "id": image.id,
        "created_at": seconds_z(image.created_at),
        "updated_at": seconds_z(image.updated_at),
        "tags": image.tags,
        "self": format!("/v2/images/{}", image.id),
        "file": format!("/v2/images/{}/file", image.id),
        "schema": "/v2/schemas/image",
        "stores": "fs",
    });
    if let Value::Object(fields) = fields {
        shown.extend(fields);
    }
    Value::Object(shown)
}
