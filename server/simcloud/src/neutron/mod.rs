//! Neutron v2.0: networks, subnets, ports, routers, floating IPs and security groups of a region.
//! Networks, subnets and routers are there to be used and cannot be changed.

mod floating_ips;
mod networks;
mod pages;
mod ports;
mod quotas;
pub mod security_groups;
pub mod store;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::errors::{self, neutron};
use crate::faults::Service;
use crate::http::{Answer, Call, Handled};
use crate::keystone::{Caller, validate};
use crate::latency::Cost;
use crate::runtime::Shared;
use crate::world::{Region, World};

use pages::Collection;

/// What a handler knows of a request: who asks, and where.
pub(crate) struct Context<'a> {
    pub world: &'a World,
    pub region: &'a Region,
    pub call: &'a Call,
    pub caller: Caller,
    pub project_id: Arc<str>,
}

/// Answers a request to the Neutron of a region.
pub fn handle(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let answer = answer(shared, region_number, call);
    let answer = if answer.cost == Cost::Free { answer.cost(Cost::Small) } else { answer };
    if call.path.is_empty() {
        return answer;
    }
    answer.header("x-openstack-request-id", call.request_id.clone())
}

fn answer(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let parts = call.path_parts();
    let rest = match parts.as_slice() {
        [] => return versions(call),
        ["v2.0", rest @ ..] => rest,
        _ => return errors::unknown_url(),
    };
    let caller = match validate(shared, Service::Network, call) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let world = &shared.world;
    let project_id = caller.project_id.clone().unwrap_or_else(|| "".into());
    let context = Context { world, region: &world.regions[region_number], call, caller, project_id };
    route(&context, rest).unwrap_or_else(|refusal| refusal)
}

fn route(context: &Context<'_>, path: &[&str]) -> Handled {
    match (context.call.method.as_str(), path) {
        ("GET", ["networks"]) => networks::networks(context).list(context, "network"),
        ("GET", ["networks", id]) => networks::networks(context).show(context, "network", id),
        ("GET", ["subnets"]) => networks::subnets(context).list(context, "subnet"),
        ("GET", ["subnets", id]) => networks::subnets(context).show(context, "subnet", id),
        ("GET", ["routers"]) => networks::routers(context).list(context, "router"),
        ("GET", ["routers", id]) => networks::routers(context).show(context, "router", id),
        ("GET", ["ports"]) => ports::ports(context).list(context, "port"),
        ("POST", ["ports"]) => ports::create_port(context),
        ("GET", ["ports", id]) => ports::ports(context).show(context, "port", id),
        ("PUT", ["ports", id]) => ports::update_port(context, id),
        ("DELETE", ["ports", id]) => ports::delete_port(context, id),
        ("GET", ["floatingips"]) => floating_ips::floating_ips(context).list(context, "floatingip"),
        ("POST", ["floatingips"]) => floating_ips::create_floating_ip(context),
        ("GET", ["floatingips", id]) => floating_ips::floating_ips(context).show(context, "floatingip", id),
        ("PUT", ["floatingips", id]) => floating_ips::update_floating_ip(context, id),
        ("DELETE", ["floatingips", id]) => floating_ips::delete_floating_ip(context, id),
        ("GET", ["security-groups"]) => security_groups::collection(context).list(context, "security_group"),
        ("POST", ["security-groups"]) => security_groups::create_group(context),
        ("DELETE", ["security-groups", id]) => security_groups::delete_group(context, id),
        ("GET", ["security-group-rules"]) => {
            security_groups::rules(context).list(context, "security_group_rule")
        }
        ("POST", ["security-group-rules"]) => security_groups::create_rule(context),
        ("DELETE", ["security-group-rules", id]) => security_groups::delete_rule(context, id),
        ("GET", ["security-groups", id]) => {
            security_groups::collection(context).show(context, "security_group", id)
        }
        ("GET", ["subnetpools"]) => {
            Collection::new(Vec::new(), "SubnetPool", "Subnet pool").list(context, "subnetpool")
        }
        ("GET", ["availability_zones"]) => Ok(Answer::json(200, &json!({"availability_zones": []}))),
        ("GET", ["agents"]) if context.caller.is_admin() => Ok(Answer::json(200, &json!({"agents": []}))),
        ("GET", ["quotas", project]) => quotas::show(context, project),
        ("GET", ["quotas", project, "details.json" | "details"]) => quotas::show_details(context, project),
        _ => Err(errors::unknown_url()),
    }
}

impl Context<'_> {
    /// The object under a key of the request's JSON body, from a caller who may write.
    ///
    /// Errors: 400 for what is no JSON, lacks the key or has unknown fields, 403 by the rule's name.
    fn body(&self, key: &str, known: &[&str], rule: &str) -> Result<Map<String, Value>, Answer> {
        let invalid = || bad_request("HTTPBadRequest", "Body contains invalid data");
        let mut body: Map<String, Value> = self.call.json().ok_or_else(invalid)?;
        let Some(Value::Object(object)) = body.remove(key) else {
            let message = format!("Unable to find '{key}' in request body");
            return Err(bad_request("HTTPBadRequest", &message));
        };
        if let Some(unknown) = object.keys().find(|key| !known.contains(&key.as_str())) {
            let message = format!("Unrecognized attribute(s) '{unknown}'");
            return Err(bad_request("HTTPBadRequest", &message));
        }
        self.must_write(rule)?;
        Ok(object)
    }

    /// Refuses callers who may only read: 403 by the rule's name.
    fn must_write(&self, rule: &str) -> Result<(), Answer> {
        if self.caller.may_write() {
            return Ok(());
        }
        let message = format!("rule:{rule} is disallowed by policy");
        Err(neutron::error(403, "PolicyNotAuthorized", &message))
    }

    /// Administrators see everything; others their project's things.
    fn sees(&self, project_id: &str) -> bool {
        self.caller.is_admin() || *self.project_id == *project_id
    }
}

/// `GET /`: the version, without a token.
fn versions(call: &Call) -> Answer {
    let href = format!("{}/v2.0/", call.base_url);
    let version = json!({"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": href}]});
    Answer::json(200, &json!({"versions": [version]}))
}

fn bad_request(kind: &str, message: &str) -> Answer {
    neutron::error(400, kind, message)
}

/// The times and the like that every Neutron resource ends with.
fn stamp(mut resource: Value, created_at: chrono::DateTime<chrono::Utc>, revision: u32) -> Value {
    let at = json!(crate::clock::seconds_z(created_at));
    resource["created_at"] = at.clone();
    resource["updated_at"] = at;
    resource["revision_number"] = json!(revision);
    resource["tags"] = json!([]);
    resource
}
