//! Nova 2.1: servers and what belongs to them, in one region.

pub mod keypairs;
mod list;
mod microversion;
mod query;
mod view;

use crate::errors::{self, nova};
use crate::faults::Service;
use crate::http::{Answer, Call, Handled, JSON};
use crate::keystone::{Caller, validate};
use crate::latency::Cost;
use crate::runtime::Shared;
use crate::server::SimServer;
use crate::world::{Region, World};

use microversion::{Microversion, NEWEST, OLDEST};
use serde_json::json;
use uuid::Uuid;

/// What a handler knows of a request: who asks, where, and in which version.
pub(crate) struct Context<'a> {
    pub shared: &'a Shared,
    pub world: &'a World,
    pub region: &'a Region,
    pub region_number: usize,
    pub call: &'a Call,
    pub caller: Caller,
    pub version: Microversion,
}

/// Answers a request to the Nova of a region.
pub fn handle(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let answer = answer(shared, region_number, call);
    let answer = if answer.cost == Cost::Free { answer.cost(Cost::Small) } else { answer };
    if call.path.is_empty() {
        return answer;
    }
    answer
        .header("x-openstack-request-id", call.request_id.clone())
        .header("x-compute-request-id", call.request_id.clone())
}

fn answer(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let parts = call.path_parts();
    let rest = match parts.as_slice() {
        [] => return versions(call),
        ["v2.1"] => return microversion::with_headers(version(call), &OLDEST.to_string()),
        ["v2.1", rest @ ..] => rest,
        _ => return errors::unknown_url(),
    };
    let caller = match validate(shared, Service::Compute, call) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let version = match microversion::negotiate(call) {
        Ok(version) => version,
        Err(refusal) => return refusal,
    };
    let world = &shared.world;
    let region = &world.regions[region_number];
    let context = Context { shared, world, region, region_number, call, caller, version };
    match route(&context, rest) {
        // Nobody has this path or method: the answer comes from before the versions are looked at.
        None => errors::unknown_url(),
        Some(handled) => {
            let mut answer = handled.unwrap_or_else(|refusal| refusal);
            // Nova calls its answers JSON even where there is nothing in them.
            answer.content_type.get_or_insert(JSON);
            microversion::with_headers(answer, &version.to_string())
        }
    }
}

fn route(context: &Context<'_>, path: &[&str]) -> Option<Handled> {
    Some(match (context.call.method.as_str(), path) {
        ("GET", ["servers"]) => list::list_servers(context, false),
        ("GET", ["servers", "detail"]) => list::list_servers(context, true),
        ("GET", ["servers", id]) => list::show_server(context, id),
        _ => return None,
    })
}

impl Context<'_> {
    /// The project the caller's token is scoped to, or the 403 of a token without one.
    pub fn project_id(&self, rule: &str) -> Result<&str, Answer> {
        self.caller.project_id.as_deref().ok_or_else(|| nova::policy(rule))
    }

    /// Refuses callers who may only read.
    pub fn must_write(&self, rule: &str) -> Result<(), Answer> {
        if self.caller.may_write() { Ok(()) } else { Err(nova::policy(rule)) }
    }

    /// Refuses callers who are no administrators.
    pub fn must_administer(&self, rule: &str) -> Result<(), Answer> {
        if self.caller.is_admin() { Ok(()) } else { Err(nova::policy(rule)) }
    }

    /// Reads a server the caller may see: their project's, or any for administrators. Others are 404,
    /// as if they did not exist.
    pub fn with_server<T>(&self, id: &str, read: impl FnOnce(&SimServer) -> T) -> Result<T, Answer> {
        let servers = self.region.servers.read();
        let server = Uuid::parse_str(id).ok().and_then(|id| servers.get(&id));
        let server = server.filter(|server| self.may_see(server));
        server.map(read).ok_or_else(|| nova::server_not_found(id))
    }

    pub fn may_see(&self, server: &SimServer) -> bool {
        self.caller.is_admin() || self.caller.project_id.as_ref() == Some(&server.project_id)
    }

    pub fn at_least(&self, minor: u16) -> bool {
        self.version >= Microversion(minor)
    }
}

/// `GET /`: the versions, without a token.
fn versions(call: &Call) -> Answer {
    let link = |path: &str| json!([{"rel": "self", "href": format!("{}/{path}/", call.base_url)}]);
    Answer::json(
        200,
        &json!({"versions": [
            {
                "id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "",
                "updated": "2025-07-04T12:00:00Z", "links": link("v2"),
            },
            {
                "id": "v2.1", "status": "CURRENT", "version": NEWEST.to_string(),
                "min_version": OLDEST.to_string(), "updated": "2013-07-23T11:33:21Z", "links": link("v2.1"),
            },
        ]}),
    )
}

/// `GET /v2.1/`: the range of microversions, without a token.
fn version(call: &Call) -> Answer {
    Answer::json(
        200,
        &json!({"version": {
            "id": "v2.1",
            "status": "CURRENT",
            "version": NEWEST.to_string(),
            "min_version": OLDEST.to_string(),
            "updated": "2013-07-23T11:33:21Z",
            "links": [
                {"rel": "self", "href": format!("{}/v2.1/", call.base_url)},
                {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"},
            ],
            "media-types": [{
                "base": "application/json",
                "type": "application/vnd.openstack.compute+json;version=2.1",
            }],
        }}),
    )
}
