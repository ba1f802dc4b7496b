//! An image, and a member of one, as Glance's answers show them.

use serde_json::{Map, Value, json};

use crate::clock::seconds_z;
use crate::image::{Image, Member};

/// An image: its properties and its fields at one level.
pub fn image_json(image: &Image) -> Value {
    let mut shown: Map<String, Value> =
        image.properties.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let sums = image.size_bytes.map(|_| image.sums());
    let (md5, sha512) = sums.unzip();
    let fields = json!({
        "name": if image.name.is_empty() { Value::Null } else { json!(image.name) },
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility,
        "size": image.size_bytes,
        "virtual_size": image.virtual_size_bytes,
        "status": image.status,
        "checksum": md5,
        "protected": image.is_protected,
        "min_ram": image.min_ram_mib,
        "min_disk": image.min_disk_gib,
        "owner": image.owner,
        "os_hidden": image.is_hidden,
        "os_hash_algo": sha512.as_ref().map(|_| "sha512"),
        "os_hash_value": sha512,
        "id": image.id,
        "created_at": seconds_z(image.created_at),
        "updated_at": seconds_z(image.updated_at),
        "tags": image.tags,
        "self": format!("/v2/images/{}", image.id),
        "file": format!("/v2/images/{}/file", image.id),
        "schema": "/v2/schemas/image",
    });
    if let Value::Object(fields) = fields {
        shown.extend(fields);
    }
    if image.size_bytes.is_some() {
        shown.insert("stores".to_owned(), json!("fs"));
    }
    Value::Object(shown)
}

/// A project an image is shared with.
pub fn member_json(image: &Image, member: &Member) -> Value {
    json!({
        "member_id": member.project_id,
        "image_id": image.id,
        "status": member.status,
        "created_at": seconds_z(member.created_at),
        "updated_at": seconds_z(member.updated_at),
        "schema": "/v2/schemas/member",
    })
}
