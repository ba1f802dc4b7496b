//! A server's tags and metadata. Nova does not say that a server has changed when these do: its
//! `updated` stays, and `changes-since` does not show it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::view::Metadata;
use super::{Context, actions, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::server::SimServer;

/// The states in which Nova changes tags and metadata.
const STATES: &[&str] = &["active", "paused", "suspended", "stopped"];

/// `GET /servers/{id}/tags`
pub fn list_tags(context: &Context<'_>, id: &str) -> Handled {
    let tags = context.with_server(id, |server| server.tags.clone())?;
    Ok(Answer::json(200, &json!({"tags": tags})))
}

/// `PUT /servers/{id}/tags`: these and no others.
pub fn replace_tags(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body(context)?;
    let tags = validate::tags(validate::list(&body, "tags")?)?;
    set_tags(context, id, "os-server-tags:update_all", |_| tags.clone())?;
    Ok(Answer::json(200, &json!({"tags": tags})))
}

/// `GET /servers/{id}/tags/{tag}`: 204 or 404.
pub fn show_tag(context: &Context<'_>, id: &str, tag: &str) -> Handled {
    let has = context.with_server(id, |server| server.tags.iter().any(|own| **own == *tag))?;
    if has { Ok(Answer::empty(204)) } else { Err(no_tag(id, tag)) }
}

/// `PUT /servers/{id}/tags/{tag}`: 201 for a new one, 204 for one it has.
pub fn add_tag(context: &Context<'_>, id: &str, tag: &str) -> Handled {
    let added = validate::tags(&[json!(tag)])?;
    let mut is_new = true;
    set_tags(context, id, "os-server-tags:update", |mut tags| {
        is_new = !tags.contains(&added[0]);
        tags.extend(added.clone());
        tags
    })?;
    let location = format!("{}/v2.1/servers/{id}/tags/{tag}", context.call.base_url);
    Ok(Answer::empty(if is_new { 201 } else { 204 }).header("location", location))
}

/// `DELETE /servers/{id}/tags/{tag}`
pub fn delete_tag(context: &Context<'_>, id: &str, tag: &str) -> Handled {
    let mut had = false;
    set_tags(context, id, "os-server-tags:delete", |mut tags| {
        had = tags.iter().any(|own| own == tag);
        tags.retain(|own| own != tag);
        tags
    })?;
    if had { Ok(Answer::empty(204)) } else { Err(no_tag(id, tag)) }
}

/// `DELETE /servers/{id}/tags`
pub fn delete_tags(context: &Context<'_>, id: &str) -> Handled {
    set_tags(context, id, "os-server-tags:delete_all", |_| Vec::new())?;
    Ok(Answer::empty(204))
}

fn set_tags(
    context: &Context<'_>,
    id: &str,
    rule: &str,
    change: impl FnOnce(Vec<String>) -> Vec<String>,
) -> Result<(), Answer> {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write(rule)?;
    actions::must_be_in_state(
        &server,
        STATES,
        if rule.contains("delete") { "delete tag" } else { "update tag" },
    )?;
    let server_id = server.id;
    context.region.servers.write().edit(&server_id, |server| {
        let mut tags = change(server.tags.iter().map(ToString::to_string).collect());
        tags.sort();
        tags.dedup();
        server.tags = tags.into_iter().map(Into::into).collect();
    });
    Ok(())
}

fn no_tag(id: &str, tag: &str) -> Answer {
    errors::not_found(&format!("Server {id} has no tag '{tag}'"))
}

/// `GET /servers/{id}/metadata`
pub fn list_metadata(context: &Context<'_>, id: &str) -> Handled {
    context.with_server(id, |server| Answer::json(200, &json!({"metadata": Metadata(&server.metadata)})))
}

/// `POST` adds to a server's metadata, `PUT` replaces it.
pub fn change_metadata(context: &Context<'_>, id: &str, replaces: bool) -> Handled {
    let body = validate::body_object(context, "metadata")?;
    let entries = validate::metadata(Some(&Value::Object(body)))?;
    set_metadata(context, id, |metadata| {
        if replaces {
            metadata.clear();
        }
        for (key, value) in &entries {
            metadata.insert(key.clone(), json!(value));
        }
    })?;
    list_metadata(context, id)
}

/// `GET /servers/{id}/metadata/{key}`
pub fn show_metadata_item(context: &Context<'_>, id: &str, key: &str) -> Handled {
    let value = context.with_server(id, |server| {
        server.metadata.iter().find(|(own, _)| **own == *key).map(|(_, value)| value.clone())
    })?;
    let value = value.ok_or_else(no_item)?;
    Ok(Answer::json(200, &json!({"meta": {key: value}})))
}

/// `PUT /servers/{id}/metadata/{key}`
pub fn set_metadata_item(context: &Context<'_>, id: &str, key: &str) -> Handled {
    let body = validate::body_object(context, "meta")?;
    let entries = validate::metadata(Some(&Value::Object(body)))?;
    let [(own, value)] = entries.as_slice() else {
        return Err(errors::bad_request("Request body contains too many items"));
    };
    if own != key {
        return Err(errors::bad_request("Request body and URI mismatch"));
    }
    set_metadata(context, id, |metadata| {
        metadata.insert(key.to_owned(), json!(value));
    })?;
    show_metadata_item(context, id, key)
}

/// `DELETE /servers/{id}/metadata/{key}`
pub fn delete_metadata_item(context: &Context<'_>, id: &str, key: &str) -> Handled {
    let mut had = false;
    set_metadata(context, id, |metadata| had = metadata.remove(key).is_some())?;
    if had { Ok(Answer::empty(204)) } else { Err(no_item()) }
}

fn set_metadata(
    context: &Context<'_>,
    id: &str,
    change: impl FnOnce(&mut Map<String, Value>),
) -> Result<(), Answer> {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("server-metadata:update")?;
    actions::must_be_unlocked(context, &server)?;
    actions::must_be_in_state(&server, STATES, "update metadata")?;
    let server_id = server.id;
    context.region.servers.write().edit(&server_id, |server| {
        let entries = server.metadata.iter().map(|(key, value)| (key.to_string(), json!(value)));
        let mut metadata: Map<String, Value> = entries.collect();
        change(&mut metadata);
        let text = |value: &Value| -> Arc<str> { value.as_str().unwrap_or_default().into() };
        server.metadata = metadata.iter().map(|(key, value)| (key.as_str().into(), text(value))).collect();
    });
    Ok(())
}

fn no_item() -> Answer {
    errors::not_found("Metadata item was not found")
}
