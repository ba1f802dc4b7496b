//! Checks of request bodies, with the words Nova's JSON schemas refuse them in.

use serde_json::{Map, Value};

use super::Context;
use crate::errors::nova as errors;
use crate::http::{Answer, python_repr, python_str};

/// The object under a key of the request's JSON body.
///
/// Errors: 415 for another content type, 400 for what is not JSON or lacks the key.
pub fn body_object(context: &Context<'_>, key: &str) -> Result<Map<String, Value>, Answer> {
    let mut body = body(context)?;
    match body.remove(key) {
        Some(Value::Object(object)) => Ok(object),
        Some(other) => Err(invalid(key, &other, &format!("{} is not of type 'object'", python_repr(&other)))),
        None => Err(errors::bad_request(&format!(
            "Invalid input for field/attribute . Value: {}. '{key}' is a required property",
            python_repr(&Value::Object(body))
        ))),
    }
}

/// The request's JSON body.
///
/// Errors: 415 for another content type, 400 for what is not a JSON object.
pub fn body(context: &Context<'_>) -> Result<Map<String, Value>, Answer> {
    let content_type = context.call.header("content-type").unwrap_or("application/json");
    if !content_type.starts_with("application/json") {
        return Err(errors::error("badMediaType", 415, "Unsupported Content-Type"));
    }
    context.call.json().ok_or_else(|| errors::bad_request("Malformed request body"))
}

/// Refuses fields that are not known.
pub fn only(what: &str, object: &Map<String, Value>, is_known: impl Fn(&str) -> bool) -> Result<(), Answer> {
    let unknown: Vec<&String> = object.keys().filter(|key| !is_known(key)).collect();
    let Some(first) = unknown.first() else { return Ok(()) };
    let why = format!("Additional properties are not allowed ('{first}' was unexpected)");
    Err(invalid(what, &Value::Object(object.clone()), &why))
}

/// Refuses an object without a field.
pub fn required(what: &str, object: &Map<String, Value>, key: &str) -> Result<(), Answer> {
    if object.contains_key(key) {
        return Ok(());
    }
    Err(invalid(what, &Value::Object(object.clone()), &format!("'{key}' is a required property")))
}

/// A text, where there is one; 400 for a value of another type.
pub fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, Answer> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(invalid(key, other, &format!("{} is not of type 'string'", python_repr(other)))),
    }
}

/// A list, where there is one; 400 for a value of another type.
pub fn list<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], Answer> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(invalid(key, other, &format!("{} is not of type 'array'", python_repr(other)))),
    }
}

/// Metadata: an object of texts.
pub fn metadata(value: Option<&Value>) -> Result<Vec<(String, String)>, Answer> {
    let entries = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(entries)) => entries,
        Some(other) => {
            return Err(invalid(
                "metadata",
                other,
                &format!("{} is not of type 'object'", python_repr(other)),
            ));
        }
    };
    let entry = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok((key.clone(), text.clone())),
        other => Err(invalid(key, other, &format!("{} is not of type 'string'", python_repr(other)))),
    };
    entries.iter().map(entry).collect()
}

/// Tags: up to 50 texts of up to 60 characters, without commas and slashes; sorted and once each.
pub fn tags(items: &[Value]) -> Result<Vec<String>, Answer> {
    let mut tags = Vec::new();
    for item in items {
        let Value::String(tag) = item else {
            return Err(invalid("tags", item, &format!("{} is not of type 'string'", python_repr(item))));
        };
        if tag.is_empty() || tag.chars().count() > 60 || tag.contains([',', '/']) {
            return Err(invalid("tags", item, &format!("{} is not a valid tag", python_repr(item))));
        }
        tags.push(tag.clone());
    }
    tags.sort();
    tags.dedup();
    if tags.len() > 50 {
        return Err(errors::bad_request("The number of tags exceeded the per-server limit 50"));
    }
    Ok(tags)
}

/// A server's name: 1 to 255 printable characters of the basic plane, no blank at either end.
pub fn name(name: &Value) -> Result<&str, Answer> {
    let Value::String(text) = name else {
        return Err(invalid("name", name, &format!("{} is not of type 'string'", python_repr(name))));
    };
    if text.is_empty() {
        return Err(invalid("name", name, "'' should be non-empty"));
    }
    if text.chars().count() > 255 {
        return Err(invalid("name", name, &format!("{} is too long", python_repr(name))));
    }
    let is_printable = |c: char| !c.is_control() && u32::from(c) <= 0xffff;
    if text.trim() != text || !text.chars().all(is_printable) {
        return Err(errors::bad_request(
            "An invalid 'name' value was provided. The name must be: printable characters. Can not start or \
             end with whitespace.",
        ));
    }
    Ok(text)
}

/// 400 for a field's value: `Invalid input for field/attribute name. Value: x. why`.
pub fn invalid(field: &str, value: &Value, why: &str) -> Answer {
    let message = format!("Invalid input for field/attribute {field}. Value: {}. {why}", python_str(value));
    errors::bad_request(&message)
}

/// Whether a text has the form of a UUID.
pub fn is_uuid(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok()
}
