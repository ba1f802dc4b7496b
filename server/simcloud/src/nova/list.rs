//! Lists of servers, a page at a time, and one server alone.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::Context;
use super::query::{ListQuery, SortKey, is_known};
use super::view::{Lens, ServerDetail, ServerName};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled, query_string};
use crate::latency::Cost;
use crate::server::SimServer;
use crate::store::{ServerStore, place_of};

/// `GET /servers` and `GET /servers/detail`: a page of the project's servers, newest first.
///
/// With `changes-since`, those changed since, deleted ones included. A full page links to the next.
pub fn list_servers(context: &Context<'_>, is_detailed: bool) -> Handled {
    let list = if is_detailed { "detail" } else { "index" };
    let own_project = context.project_id(&format!("servers:{list}"))?;
    let query = ListQuery::read(context, is_detailed)?;
    let project_id = if query.all_tenants { None } else { Some(own_project) };
    let servers = context.region.servers.read();
    let page = page(&servers, project_id, &query)?;
    let images = context.region.images.read();
    let lens = Lens::of(context, &images, false);
    let mut body = Page { servers: page, lens, is_detailed, next: None };
    body.next = next_link(context, &query, &body.servers, is_detailed);
    let rows = u32::try_from(body.servers.len()).unwrap_or(u32::MAX);
    let cost = if is_detailed { Cost::DetailedPage { rows } } else { Cost::LightPage { rows } };
    Ok(Answer::json(200, &body).cost(cost))
}

/// `GET /servers/{id}`
pub fn show_server(context: &Context<'_>, id: &str) -> Handled {
    let images = context.region.images.read();
    let lens = Lens::of(context, &images, true);
    context.with_server(id, |server| {
        Answer::json(200, &json!({"server": ServerDetail { server, lens }})).cost(Cost::OneServer)
    })
}

/// The servers of a page.
fn page<'a>(
    servers: &'a ServerStore,
    project_id: Option<&'a str>,
    query: &ListQuery<'_>,
) -> Result<Vec<&'a SimServer>, Answer> {
    let marker = query.marker.map(|id| marker(servers, project_id, id)).transpose()?;
    if query.changes_since.is_none() && query.sort.is_empty() {
        let in_order = servers.in_order(project_id, marker.map(place_of));
        return Ok(in_order.filter(|server| query.lets_through(server)).take(query.limit).collect());
    }
    let candidates: Box<dyn Iterator<Item = &'a SimServer> + 'a> = match query.changes_since {
        Some(since) => Box::new(servers.changed_since(project_id, since)),
        None => servers.in_order(project_id, None),
    };
    let is_after =
        |server: &SimServer| marker.is_none_or(|marker| compare(marker, server, &query.sort).is_lt());
    let mut found: Vec<_> =
        candidates.filter(|server| query.lets_through(server) && is_after(server)).collect();
    // Only the page is put in order, not all that might follow it.
    if query.limit > 0 && query.limit < found.len() {
        found.select_nth_unstable_by(query.limit, |a, b| compare(a, b, &query.sort));
        found.truncate(query.limit);
    }
    found.sort_unstable_by(|a, b| compare(a, b, &query.sort));
    found.truncate(query.limit);
    Ok(found)
}

/// The server a page starts after. A deleted one will do, as it stands in pages of changes.
fn marker<'a>(servers: &'a ServerStore, project_id: Option<&str>, id: &str) -> Result<&'a SimServer, Answer> {
    let server = Uuid::parse_str(id).ok().and_then(|id| servers.any(&id));
    let server = server.filter(|server| project_id.is_none_or(|project| *server.project_id == *project));
    server.ok_or_else(|| errors::bad_request(&format!("marker [{id}] not found")))
}

/// By the keys asked for, then newest first, then by id.
fn compare(a: &SimServer, b: &SimServer, keys: &[SortKey]) -> Ordering {
    for SortKey { name, is_ascending } in keys {
        let ordering = compare_by(a, b, name);
        let ordering = if *is_ascending { ordering } else { ordering.reverse() };
        if ordering.is_ne() {
            return ordering;
        }
    }
    place_of(a).cmp(&place_of(b))
}

fn compare_by(a: &SimServer, b: &SimServer, key: &str) -> Ordering {
    match key {
        "display_name" | "hostname" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        "created_at" => a.created_at.cmp(&b.created_at),
        "updated_at" => a.updated_at.cmp(&b.updated_at),
        "launched_at" => a.launched_at.cmp(&b.launched_at),
        "terminated_at" => a.terminated_at.cmp(&b.terminated_at),
        "uuid" => a.id.cmp(&b.id),
        "image_ref" => a.image_id.cmp(&b.image_id),
        "instance_type_id" => a.flavor.name.cmp(&b.flavor.name),
        "vm_state" => a.vm_state.cmp(&b.vm_state),
        "task_state" => a.task_state.cmp(&b.task_state),
        "power_state" => a.power_state.cmp(&b.power_state),
        "availability_zone" => a.availability_zone.cmp(&b.availability_zone),
        "key_name" => a.key_name.cmp(&b.key_name),
        "host" | "node" => a.host.cmp(&b.host),
        "user_id" => a.user_id.cmp(&b.user_id),
        "project_id" => a.project_id.cmp(&b.project_id),
        "locked" => a.is_locked.cmp(&b.is_locked),
        // The rest is the same for all servers here.
        _ => Ordering::Equal,
    }
}

/// The link to the next page, where this one is full: the parameters asked with, in alphabetical
/// order, with the last server as marker.
fn next_link(
    context: &Context<'_>,
    query: &ListQuery<'_>,
    page: &[&SimServer],
    is_detailed: bool,
) -> Option<String> {
    let last = page.last().filter(|_| page.len() == query.limit)?;
    let call = context.call;
    let asked = call.query.iter().filter(|(key, _)| key != "marker" && is_known(key));
    let mut parameters: Vec<(&str, &str)> =
        asked.map(|(key, value)| (key.as_str(), value.as_str())).collect();
    parameters.sort_by_key(|(key, _)| *key);
    let marker = last.id.to_string();
    parameters.push(("marker", &marker));
    let detail = if is_detailed { "/detail" } else { "" };
    Some(format!("{}/v2.1/servers{detail}?{}", call.base_url, query_string(parameters)))
}

struct Page<'a> {
    servers: Vec<&'a SimServer>,
    lens: Lens<'a>,
    is_detailed: bool,
    next: Option<String>,
}

impl Serialize for Page<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        struct Rows<'a>(&'a Page<'a>);
        impl Serialize for Rows<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Page { servers, lens, is_detailed, .. } = self.0;
                let lens = *lens;
                if *is_detailed {
                    serializer.collect_seq(servers.iter().map(|server| ServerDetail { server, lens }))
                } else {
                    serializer.collect_seq(servers.iter().map(|server| ServerName { server, lens }))
                }
            }
        }

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("servers", &Rows(self))?;
        if let Some(next) = &self.next {
            map.serialize_entry("servers_links", &json!([{"rel": "next", "href": next}]))?;
        }
        map.end()
    }
}
