//! Neutron v2.0: networks, subnets, ports, routers, floating IPs and security groups of a region, to
//! read. They follow from the servers; only Nova changes them here.

mod floating_ips;
mod networks;
mod pages;
mod ports;
mod quotas;
pub mod security_groups;

use std::sync::Arc;

use serde_json::{Value, json};

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
        ("GET", ["ports", id]) => ports::ports(context).show(context, "port", id),
        ("GET", ["floatingips"]) => floating_ips::floating_ips(context).list(context, "floatingip"),
        ("GET", ["floatingips", id]) => floating_ips::floating_ips(context).show(context, "floatingip", id),
        ("GET", ["security-groups"]) => security_groups::collection(context).list(context, "security_group"),
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
