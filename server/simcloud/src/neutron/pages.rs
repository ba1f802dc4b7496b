//! Lists in Neutron's way: filters by any attribute, `fields`, `sort_key`, and pages where a limit is
//! given.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{Context, bad_request};
use crate::errors::neutron;
use crate::http::{Answer, Handled, query_string};
use crate::latency::Cost;

/// All resources of a kind that the caller may see.
pub struct Collection {
    resources: Vec<Value>,
    /// In the type of a 404: `Network` for `NetworkNotFound`.
    kind: &'static str,
    /// In the message of a 404: `Floating IP`.
    noun: &'static str,
}

/// Parameters that are no filters.
const PAGING: &[&str] = &["limit", "marker", "sort_key", "sort_dir", "fields", "page_reverse"];

impl Collection {
    pub fn new(resources: Vec<Value>, kind: &'static str, noun: &'static str) -> Self {
        Collection { resources, kind, noun }
    }

    /// Answers with the list. Everything comes at once unless a limit is given.
    ///
    /// Errors: 400 for an unknown filter and a bad limit, 404 for a bad marker.
    pub fn list(self, context: &Context<'_>, name: &str) -> Handled {
        let call = context.call;
        let limit = limit(call.query_value("limit"))?;
        let attributes: Map<String, Value> = match self.resources.first() {
            Some(Value::Object(first)) => first.clone(),
            _ => Map::new(),
        };
        let unknown = call.query.iter().find(|(key, _)| {
            !PAGING.contains(&key.as_str()) && !attributes.is_empty() && !attributes.contains_key(key)
        });
        if let Some((key, _)) = unknown {
            return Err(bad_request(
                "HTTPBadRequest",
                &format!("['{key}'] is invalid attribute for filtering"),
            ));
        }
        let Collection { mut resources, kind, noun } = self;
        let all_ids: Vec<Value> = resources.iter().map(|resource| resource["id"].clone()).collect();
        resources.retain(|resource| passes(resource, &call.query));
        let sort_keys: Vec<&str> = call.query_values("sort_key").collect();
        let directions: Vec<&str> = call.query_values("sort_dir").collect();
        resources.sort_by(|a, b| compare(a, b, &sort_keys, &directions));
        let is_reverse =
            call.query_value("page_reverse").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if let Some(marker) = call.query_value("marker").filter(|_| limit.is_some()) {
            if !all_ids.iter().any(|id| id == marker) {
                return Err(neutron::not_found(kind, noun, marker));
            }
            let at = resources.iter().position(|resource| resource["id"] == marker).unwrap_or(0);
            resources = if is_reverse { resources[..at].to_vec() } else { resources[at + 1..].to_vec() };
        }
        if let Some(limit) = limit {
            let surplus = resources.len().saturating_sub(limit);
            if is_reverse {
                resources.drain(..surplus);
            } else {
                resources.truncate(limit);
            }
        }
        let rows = u32::try_from(resources.len()).unwrap_or(u32::MAX);
        let cost = if kind == "Port" { Cost::LightPage { rows } } else { Cost::Small };
        let plural = format!("{name}s");
        let mut body = Map::new();
        if let Some(limit) = limit {
            let links = links(context, &resources, limit);
            body.insert(format!("{plural}_links"), json!(links));
        }
        let fields: Vec<&str> = call.query_values("fields").collect();
        let shown: Vec<Value> = resources.into_iter().map(|resource| only(resource, &fields)).collect();
        body.insert(plural, json!(shown));
        Ok(Answer::json(200, &body).cost(cost))
    }

    /// Answers with one of them. 404 for one that does not exist or belongs to another project.
    pub fn show(self, context: &Context<'_>, name: &str, id: &str) -> Handled {
        let found = self.resources.into_iter().find(|resource| resource["id"] == *id);
        let found = found.ok_or_else(|| neutron::not_found(self.kind, self.noun, id))?;
        let fields: Vec<&str> = context.call.query_values("fields").collect();
        let mut body = Map::new();
        body.insert(name.to_owned(), only(found, &fields));
        Ok(Answer::json(200, &body))
    }
}

/// Several values of one attribute add, several attributes combine.
fn passes(resource: &Value, query: &[(String, String)]) -> bool {
    let filters = query.iter().filter(|(key, _)| !PAGING.contains(&key.as_str()));
    filters.clone().all(|(key, _)| {
        let mut wanted = filters.clone().filter(|(other, _)| other == key).map(|(_, value)| value);
        wanted.any(|wanted| match &resource[key.as_str()] {
            Value::String(text) => text == wanted,
            Value::Bool(fact) => wanted.eq_ignore_ascii_case(if *fact { "true" } else { "false" }),
            other => wanted.parse::<Value>().is_ok_and(|wanted| wanted == *other),
        })
    })
}

fn compare(a: &Value, b: &Value, keys: &[&str], directions: &[&str]) -> Ordering {
    for (index, key) in keys.iter().enumerate() {
        let ordering = a[*key].to_string().cmp(&b[*key].to_string());
        let ordering = if directions.get(index) == Some(&"desc") { ordering.reverse() } else { ordering };
        if ordering.is_ne() {
            return ordering;
        }
    }
    a["id"].as_str().cmp(&b["id"].as_str())
}

fn limit(value: Option<&str>) -> Result<Option<usize>, Answer> {
    let Some(value) = value else { return Ok(None) };
    match value.parse() {
        // No limit is what 0 means.
        Ok(0) => Ok(None),
        Ok(limit) => Ok(Some(limit)),
        Err(_) => {
            let message =
                format!("Bad limit request: Limit must be an integer 0 or greater and not '{value}'.");
            Err(bad_request("BadRequest", &message))
        }
    }
}

/// Next, where the page is full, and previous, on the first page too.
fn links(context: &Context<'_>, page: &[Value], limit: usize) -> Vec<Value> {
    let call = context.call;
    let href = |marker: &Value, is_reverse: bool| {
        let asked = call.query.iter().filter(|(key, _)| !matches!(key.as_str(), "marker" | "page_reverse"));
        let asked = asked.map(|(key, value)| (key.as_str(), value.as_str()));
        let marker = ("marker", marker.as_str().unwrap_or_default());
        let back = is_reverse.then_some(("page_reverse", "True"));
        format!("{}{}?{}", call.base_url, call.raw_path, query_string(asked.chain([marker]).chain(back)))
    };
    let mut links = Vec::new();
    if let Some(last) = page.last().filter(|_| page.len() == limit) {
        links.push(json!({"rel": "next", "href": href(&last["id"], false)}));
    }
    if let Some(first) = page.first() {
        links.push(json!({"rel": "previous", "href": href(&first["id"], true)}));
    }
    links
}

/// The fields asked for; all of them when none are named.
fn only(resource: Value, fields: &[&str]) -> Value {
    match resource {
        Value::Object(mut map) if !fields.is_empty() => {
            map.retain(|key, _| fields.contains(&key.as_str()));
            Value::Object(map)
        }
        other => other,
    }
}
