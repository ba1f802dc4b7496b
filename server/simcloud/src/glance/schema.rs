//! What Glance's JSON schema of an image refuses, in its words, and what may be changed at all.

use serde_json::Value;

use crate::errors::web_ob;
use crate::http::{Answer, python_repr};
use crate::image::Image;

const DISK_FORMATS: &[&str] =
    &["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"];
const CONTAINER_FORMATS: &[&str] = &["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];
const VISIBILITIES: &[&str] = &["community", "public", "private", "shared"];

/// Fields that only Glance itself sets.
const READ_ONLY: &[&str] = &[
    "created_at",
    "updated_at",
    "status",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "size",
    "virtual_size",
    "direct_url",
    "self",
    "file",
    "schema",
    "stores",
    "id",
    "locations",
];

/// Refuses a field that only Glance sets: 403.
pub fn must_be_writable(key: &str) -> Result<(), Answer> {
    if READ_ONLY.contains(&key) {
        return Err(web_ob(403, &format!("Attribute '{key}' is read-only.")));
    }
    if key == "owner" || key.starts_with("os_glance_") {
        return Err(web_ob(403, &format!("Attribute '{key}' is reserved.")));
    }
    Ok(())
}

/// Puts a value into an image's field or, for other names, property.
///
/// Errors: 400 in the schema's words.
pub fn set(image: &mut Image, key: &str, value: &Value) -> Result<(), Answer> {
    match key {
        "name" => image.name = text_or_null(value, 255)?.unwrap_or_default(),
        "disk_format" => image.disk_format = one_of(key, value, "Format of the disk", DISK_FORMATS)?,
        "container_format" => {
            image.container_format = one_of(key, value, "Format of the container", CONTAINER_FORMATS)?;
        }
        "visibility" => match value {
            Value::String(asked) if VISIBILITIES.contains(&asked.as_str()) => {
                image.visibility.clone_from(asked);
            }
            other => {
                let known: Vec<String> = VISIBILITIES.iter().map(|known| format!("'{known}'")).collect();
                return Err(mismatch(&format!(
                    "{} is not one of [{}]",
                    python_repr(other),
                    known.join(", ")
                )));
            }
        },
        "protected" => image.is_protected = fact(value)?,
        "os_hidden" => image.is_hidden = fact(value)?,
        "min_ram" => image.min_ram_mib = number(value)?,
        "min_disk" => {
            let gib = number(value)?;
            image.min_disk_gib = u32::try_from(gib).map_err(|_| wrong_type(value, "integer"))?;
        }
        "tags" => {
            let Value::Array(tags) = value else { return Err(wrong_type(value, "array")) };
            image.tags.clear();
            for tag in tags {
                let tag = text(tag, 255)?;
                if !image.tags.contains(&tag) {
                    image.tags.push(tag);
                }
            }
        }
        _ => {
            let value = text(value, 65_535)?;
            match image.properties.iter_mut().find(|(own, _)| own == key) {
                Some((_, own)) => *own = value,
                None => image.properties.push((key.to_owned(), value)),
            }
        }
    }
    Ok(())
}

/// 400: `Provided object does not match schema 'image': ...`
pub fn mismatch(why: &str) -> Answer {
    web_ob(400, &format!("Provided object does not match schema 'image': {why}"))
}

fn wrong_type(value: &Value, expected: &str) -> Answer {
    mismatch(&format!("{} is not of type '{expected}'", python_repr(value)))
}

fn text(value: &Value, most: usize) -> Result<String, Answer> {
    match value {
        Value::String(text) if text.chars().count() <= most => Ok(text.clone()),
        Value::String(_) => Err(mismatch(&format!("{} is too long", python_repr(value)))),
        other => Err(wrong_type(other, "string")),
    }
}

fn text_or_null(value: &Value, most: usize) -> Result<Option<String>, Answer> {
    if value.is_null() { Ok(None) } else { text(value, most).map(Some) }
}

fn fact(value: &Value) -> Result<bool, Answer> {
    value.as_bool().ok_or_else(|| wrong_type(value, "boolean"))
}

fn number(value: &Value) -> Result<u64, Answer> {
    match value.as_i64() {
        Some(number) => {
            u64::try_from(number).map_err(|_| mismatch(&format!("{number} is less than the minimum of 0")))
        }
        None => Err(wrong_type(value, "integer")),
    }
}

fn one_of(key: &str, value: &Value, about: &str, known: &[&str]) -> Result<Option<String>, Answer> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if known.contains(&text.as_str()) => Ok(Some(text.clone())),
        other => {
            let shown = python_repr(other);
            let quoted: Vec<String> = known.iter().map(|known| format!("'{known}'")).collect();
            let list = quoted.join(", ");
            let column = quoted.join(",\n              ");
            Err(mismatch(&format!(
                "{shown} is not one of [None, {list}]\n\nFailed validating 'enum' in \
                 schema['properties']['{key}']:\n    {{'type': ['null', 'string'],\n     'description': \
                 '{about}',\n     'enum': [None,\n              {column}]}}\n\nOn instance['{key}']:\n    \
                 {shown}"
            )))
        }
    }
}
