//! Cinder v3: the volumes, snapshots and volume types of a region. Nova attaches them.

mod actions;
mod quotas;
mod snapshots;
mod types;
mod view;
mod volumes;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::errors::{self, cinder};
use crate::faults::Service;
use crate::http::{Answer, Call, HTML_UTF8, Handled, python_repr};
use crate::keystone::{Caller, validate};
use crate::latency::Cost;
use crate::runtime::Shared;
use crate::world::{Region, World};

/// The newest microversion: 3.71.
const NEWEST: u16 = 71;

/// What a handler knows of a request: who asks, where, and in which version.
struct Context<'a> {
    world: &'a World,
    region: &'a Region,
    call: &'a Call,
    caller: Caller,
    project_id: Arc<str>,
    /// 59 for 3.59.
    version: u16,
    /// What stands in front of a path in links: `v3/` and the project, where the request named it.
    prefix: String,
}

/// Answers a request to the Cinder of a region.
pub fn handle(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let answer = answer(shared, region_number, call).cost(Cost::Small);
    // Neither the check of tokens in front nor an answer without content names the request twice.
    let has_second_id = answer.status != 401 && answer.content_type != Some(HTML_UTF8);
    let answer = answer.header("x-openstack-request-id", call.request_id.clone());
    if has_second_id { answer.header("x-compute-request-id", call.request_id.clone()) } else { answer }
}

fn answer(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let parts = call.path_parts();
    let rest = match parts.as_slice() {
        [] => return with_version(versions(call, 300), 0),
        ["v3"] => return with_version(versions(call, 200), 0),
        ["v3", rest @ ..] => rest,
        _ => return errors::unknown_url(),
    };
    let caller = match validate(shared, Service::BlockStorage, call) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let version = match negotiate(call) {
        Ok(version) => version,
        Err(refusal) => return refusal,
    };
    let project_id = caller.project_id.clone().unwrap_or_else(|| "".into());
    let (named, rest) = match rest {
        [first, rest @ ..] if is_project_id(first) => (Some(*first), rest),
        rest => (None, rest),
    };
    if named.is_some_and(|named| *project_id != *named) {
        return with_version(cinder::bad_request("Malformed request url"), version);
    }
    let context = Context {
        world: &shared.world,
        region: &shared.world.regions[region_number],
        call,
        caller,
        project_id,
        version,
        prefix: named.map_or_else(String::new, |named| format!("{named}/")),
    };
    match route(&context, rest) {
        None => errors::unknown_url(),
        Some(handled) => with_version(handled.unwrap_or_else(|refusal| refusal), version),
    }
}

/// Every path and method there is. `None` for the others.
fn route(context: &Context<'_>, path: &[&str]) -> Option<Handled> {
    Some(match (context.call.method.as_str(), path) {
        ("GET", ["volumes"]) => volumes::list_volumes(context, false),
        ("GET", ["volumes", "detail"]) => volumes::list_volumes(context, true),
        ("POST", ["volumes"]) => volumes::create_volume(context),
        ("GET", ["volumes", id]) => volumes::show_volume(context, id),
        ("PUT", ["volumes", id]) => volumes::update_volume(context, id),
        ("DELETE", ["volumes", id]) => volumes::delete_volume(context, id),
        ("POST", ["volumes", id, "action"]) => actions::act(context, id),
        ("GET", ["snapshots"]) => snapshots::list_snapshots(context, false),
        ("GET", ["snapshots", "detail"]) => snapshots::list_snapshots(context, true),
        ("POST", ["snapshots"]) => snapshots::create_snapshot(context),
        ("GET", ["snapshots", id]) => snapshots::show_snapshot(context, id),
        ("DELETE", ["snapshots", id]) => snapshots::delete_snapshot(context, id),
        ("GET", ["types"]) => types::list_types(context),
        ("GET", ["types", id]) => types::show_type(context, id),
        ("GET", ["limits"]) => quotas::show_limits(context),
        ("GET", ["os-quota-sets", project]) => quotas::show_quota_set(context, project),
        ("GET", ["os-availability-zone"]) => types::list_availability_zones(),
        ("GET", ["os-services"]) => types::list_services(context),
        ("GET", ["scheduler-stats", "get_pools"]) => types::list_pools(context),
        _ => return None,
    })
}

impl Context<'_> {
    fn at_least(&self, minor: u16) -> bool {
        self.version >= minor
    }

    /// The project whose things are listed: all of them for administrators who ask for it.
    fn listed_project(&self) -> Option<&str> {
        let wants_all =
            self.call.query_value("all_tenants").is_some_and(|value| value != "0" && value != "False");
        if wants_all && self.caller.is_admin() { None } else { Some(&self.project_id) }
    }

    fn sees(&self, project_id: &str) -> bool {
        self.caller.is_admin() || *self.project_id == *project_id
    }

    fn must_administer(&self, rule: &str) -> Result<(), Answer> {
        if self.caller.is_admin() { Ok(()) } else { Err(cinder::policy(rule)) }
    }

    /// So many seconds of a real cloud, in this one's pace.
    fn paced(&self, seconds: f64) -> f64 {
        seconds / self.world.config.pace.max(0.001)
    }

    /// The object under a key of the request's JSON body.
    fn body(&self, key: &str) -> Result<Map<String, Value>, Answer> {
        let malformed = || cinder::bad_request("Malformed request body");
        let mut body: Map<String, Value> = self.call.json().ok_or_else(malformed)?;
        match body.remove(key) {
            Some(Value::Object(object)) => Ok(object),
            Some(other) => {
                Err(invalid(key, &other, &format!("{} is not of type 'object'", python_repr(&other))))
            }
            None => Err(cinder::bad_request(&format!(
                "Invalid input for field/attribute {key}. '{key}' is a required property"
            ))),
        }
    }
}

/// 400: `Invalid input for field/attribute size. Value: 0. 0 is less than the minimum of 1`
fn invalid(key: &str, value: &Value, why: &str) -> Answer {
    let value = crate::http::python_str(value);
    cinder::bad_request(&format!("Invalid input for field/attribute {key}. Value: {value}. {why}"))
}

fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, Answer> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= 255 => Ok(Some(text.clone())),
        Some(Value::String(text)) => {
            Err(invalid(key, &json!(text), &format!("{} is too long", python_repr(&json!(text)))))
        }
        Some(other) => Err(invalid(key, other, &format!("{} is not of type 'string'", python_repr(other)))),
    }
}

fn metadata(object: &Map<String, Value>) -> Result<Vec<(String, String)>, Answer> {
    match object.get("metadata") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(entries)) => {
            let entry = |(key, value): (&String, &Value)| match value {
                Value::String(text) => Ok((key.clone(), text.clone())),
                other => Err(invalid(key, other, &format!("{} is not of type 'string'", python_repr(other)))),
            };
            entries.iter().map(entry).collect()
        }
        Some(other) => {
            Err(invalid("metadata", other, &format!("{} is not of type 'object'", python_repr(other))))
        }
    }
}

/// The id of a project: 32 hex digits.
fn is_project_id(part: &str) -> bool {
    part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The version in `OpenStack-API-Version: volume 3.59`; 3.0 where none is asked for.
fn negotiate(call: &Call) -> Result<u16, Answer> {
    let header = call.header("openstack-api-version").unwrap_or_default();
    let asked = header.split(',').find_map(|part| part.trim().strip_prefix("volume "));
    let Some(asked) = asked.map(str::trim) else { return Ok(0) };
    if asked == "latest" {
        return Ok(NEWEST);
    }
    let numbers =
        asked.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    let Some((major, minor)): Option<(u16, u16)> = numbers else {
        let message =
            format!("API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum.");
        return Err(with_version(cinder::bad_request(&message), 0));
    };
    if major == 3 && minor <= NEWEST {
        return Ok(minor);
    }
    let message =
        format!("Version {asked} is not supported by the API. Minimum is 3.0 and maximum is 3.{NEWEST}.");
    let refusal = cinder::error("computeFault", 406, &message);
    Err(refusal
        .header("openstack-api-version", format!("volume {asked}"))
        .header("vary", "OpenStack-API-Version"))
}

fn with_version(answer: Answer, version: u16) -> Answer {
    answer
        .header("openstack-api-version", format!("volume 3.{version}"))
        .header("vary", "OpenStack-API-Version")
}

/// `GET /` and `/v3/`: the one version, without a token.
fn versions(call: &Call, status: u16) -> Answer {
    let version = json!({
        "id": "v3.0",
        "status": "CURRENT",
        "version": format!("3.{NEWEST}"),
        "min_version": "3.0",
        "updated": "2023-08-31T00:00:00Z",
        "links": [
            {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
            {"rel": "self", "href": format!("{}/v3/", call.base_url)},
        ],
        "media-types": [
            {"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"},
        ],
    });
    Answer::json(status, &json!({"versions": [version]}))
}
