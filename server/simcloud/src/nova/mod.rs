//! Nova 2.1: servers and what belongs to them, in one region.

mod actions;
mod attachments;
mod block_devices;
pub mod console_log;
mod create;
mod flavors;
pub mod groups;
mod history;
mod keygen;
pub mod keypairs;
mod labels;
pub mod lifecycle;
mod list;
mod microversion;
mod more;
mod order;
mod query;
mod quotas;
mod validate;
mod view;
mod volumes;

pub use view::mac_text;

use crate::errors::{self, nova};
use crate::faults::{Fault, Service};
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

/// Every path and method there is. `None` for the others.
fn route(context: &Context<'_>, path: &[&str]) -> Option<Handled> {
    let method = context.call.method.as_str();
    Some(match (method, path) {
        ("GET", ["servers"]) => list::list_servers(context, false),
        ("GET", ["servers", "detail"]) => list::list_servers(context, true),
        ("POST", ["servers"]) => create::create_server(context),
        ("GET", ["servers", id]) => list::show_server(context, id),
        ("PUT", ["servers", id]) => create::update_server(context, id),
        ("DELETE", ["servers", id]) => create::delete_server(context, id),
        ("POST", ["servers", id, "action"]) => actions::act(context, id),
        (_, ["servers", id, rest @ ..]) => return route_of_server(context, id, rest),
        ("GET", ["flavors"]) => flavors::list_flavors(context, false),
        ("GET", ["flavors", "detail"]) => flavors::list_flavors(context, true),
        ("GET", ["flavors", id]) => flavors::show_flavor(context, id),
        ("GET", ["flavors", id, "os-extra_specs"]) => flavors::list_extra_specs(context, id),
        ("GET", ["os-keypairs"]) => keypairs::list_keypairs(context),
        ("POST", ["os-keypairs"]) => keypairs::create_keypair(context),
        ("GET", ["os-keypairs", name]) => keypairs::show_keypair(context, name),
        ("DELETE", ["os-keypairs", name]) => keypairs::delete_keypair(context, name),
        ("GET", ["limits"]) => quotas::show_limits(context),
        ("GET", ["os-quota-sets", project]) => quotas::show_quota_set(context, project, false),
        ("GET", ["os-quota-sets", project, "detail"]) => quotas::show_quota_set(context, project, true),
        ("PUT", ["os-quota-sets", _]) => quotas::update_quota_set(context),
        ("GET", ["os-availability-zone"]) => more::list_availability_zones(context),
        ("GET", ["os-server-groups"]) => groups::list_server_groups(context),
        ("POST", ["os-server-groups"]) => groups::create_server_group(context),
        ("GET", ["os-server-groups", id]) => groups::show_server_group(context, id),
        ("DELETE", ["os-server-groups", id]) => groups::delete_server_group(context, id),
        ("GET", ["os-services"]) => more::list_services(context),
        ("GET", ["os-hypervisors", "detail"]) => more::list_hypervisors(context),
        _ => return None,
    })
}

/// What is below a server.
fn route_of_server(context: &Context<'_>, id: &str, path: &[&str]) -> Option<Handled> {
    Some(match (context.call.method.as_str(), path) {
        ("GET", ["ips"]) => attachments::list_addresses(context, id),
        ("GET", ["tags"]) => labels::list_tags(context, id),
        ("PUT", ["tags"]) => labels::replace_tags(context, id),
        ("DELETE", ["tags"]) => labels::delete_tags(context, id),
        ("GET", ["tags", tag]) => labels::show_tag(context, id, tag),
        ("PUT", ["tags", tag]) => labels::add_tag(context, id, tag),
        ("DELETE", ["tags", tag]) => labels::delete_tag(context, id, tag),
        ("GET", ["metadata"]) => labels::list_metadata(context, id),
        ("POST", ["metadata"]) => labels::change_metadata(context, id, false),
        ("PUT", ["metadata"]) => labels::change_metadata(context, id, true),
        ("GET", ["metadata", key]) => labels::show_metadata_item(context, id, key),
        ("PUT", ["metadata", key]) => labels::set_metadata_item(context, id, key),
        ("DELETE", ["metadata", key]) => labels::delete_metadata_item(context, id, key),
        ("GET", ["os-instance-actions"]) => history::list_actions(context, id),
        ("GET", ["os-instance-actions", request]) => history::show_action(context, id, request),
        ("GET", ["os-interface"]) => attachments::list_interfaces(context, id),
        ("POST", ["os-interface"]) => attachments::attach_interface(context, id),
        ("DELETE", ["os-interface", port]) => attachments::detach_interface(context, id, port),
        ("GET", ["os-volume_attachments"]) => volumes::list_volumes(context, id),
        ("POST", ["os-volume_attachments"]) => volumes::attach_volume(context, id),
        ("GET", ["os-volume_attachments", volume]) => volumes::show_volume(context, id, volume),
        ("PUT", ["os-volume_attachments", volume]) => volumes::update_volume(context, id, volume),
        ("DELETE", ["os-volume_attachments", volume]) => volumes::detach_volume(context, id, volume),
        ("GET", ["os-security-groups"]) => attachments::list_security_groups(context, id),
        ("POST", ["remote-consoles"]) => more::create_remote_console(context, id),
        ("GET", ["topology"]) => more::show_topology(context, id),
        ("GET", ["diagnostics"]) => more::show_diagnostics(context, id),
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

    /// Nova asks Neutron about ports and security groups, and fails as Neutron does.
    ///
    /// Errors: 500 while the network service of the region misbehaves.
    pub fn must_reach_network(&self) -> Result<(), Answer> {
        self.must_reach(Service::Network)
    }

    /// Nova takes volumes from Cinder, and fails as Cinder does.
    ///
    /// Errors: 500 while the block storage service of the region misbehaves.
    pub fn must_reach_block_storage(&self) -> Result<(), Answer> {
        self.must_reach(Service::BlockStorage)
    }

    fn must_reach(&self, service: Service) -> Result<(), Answer> {
        let region = self.shared.region_name(Some(self.region_number));
        match self.shared.faults.get(region, service) {
            None | Some(Fault::Slow(_) | Fault::Drip { .. } | Fault::MalformedRow) => Ok(()),
            Some(_) => Err(errors::fault(Service::Compute, 500, &self.shared.keystone_root())),
        }
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
