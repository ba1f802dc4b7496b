//! Floating IPs: public addresses that lead to ports.

use std::net::IpAddr;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::pages::Collection;
use super::ports::Port;
use super::store::{FloatingIp, Target};
use super::{Context, bad_request, networks, ports, quotas};
use crate::clock::{seconds_z, whole_seconds};
use crate::errors::neutron;
use crate::http::{Answer, Handled};
use crate::ids;

/// A floating IP with this description is refused as if there were too many.
const OVER_QUOTA: &str = "quota-exceeded";

const FIELDS: &[&str] = &[
    "floating_network_id",
    "port_id",
    "fixed_ip_address",
    "floating_ip_address",
    "subnet_id",
    "description",
    "project_id",
    "tenant_id",
    "dns_name",
    "dns_domain",
    "qos_policy_id",
];

/// The floating IPs of the project.
pub fn floating_ips(context: &Context<'_>) -> Collection {
    let store = context.region.network.read();
    let ports = ports::of_project(context);
    let own = store.floating_ips_of(&context.project_id);
    let shown = own.into_iter().map(|floating| {
        let target = floating.target.as_ref();
        let port = target.and_then(|target| ports.iter().find(|port| port.nic.port_id == target.port_id));
        floating_ip_json(context, floating, port)
    });
    Collection::new(shown.collect(), "FloatingIP", "Floating IP")
}

/// `POST /v2.0/floatingips`: 201, with a port or for later.
pub fn create_floating_ip(context: &Context<'_>) -> Handled {
    let body = context.body("floatingip", FIELDS, "create_floatingip")?;
    let Some(asked) = body.get("floating_network_id").and_then(Value::as_str) else {
        let message = "Failed to parse request. Required attribute 'floating_network_id' not specified";
        return Err(bad_request("HTTPBadRequest", message));
    };
    let known = context.world.networks(context.region, &context.project_id);
    let network = known.iter().find(|network| network.id.to_string() == asked);
    let network = network.ok_or_else(|| neutron::not_found("Network", "Network", asked))?;
    if !network.is_external {
        let message = format!("Bad floatingip request: Network {asked} is not a valid external network.");
        return Err(bad_request("BadRequest", &message));
    }
    let description = body.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    let used = context.region.network.read().floating_ips_of(&context.project_id).len();
    if description == OVER_QUOTA || used >= quotas::floating_ip_limit(context) {
        return Err(quotas::over_quota("floatingip"));
    }
    let now = whole_seconds(context.call.now);
    let address = context.world.fresh_address(context.region, network).ok_or_else(|| {
        let message = format!("No more IP addresses available on network {asked}.");
        neutron::error(409, "IpAddressGenerationFailure", &message)
    })?;
    let mut floating = FloatingIp {
        id: ids::fresh_uuid(),
        project_id: context.project_id.clone(),
        address,
        description,
        target: None,
        created_at: now,
        updated_at: now,
        revision: 0,
        settled_at: now,
    };
    let port = associate(context, &mut floating, &body)?;
    let shown = floating_ip_json(context, &floating, port.as_ref());
    lead(context, &floating, None);
    context.region.network.write().floating_ips.insert(floating.id, floating);
    Ok(Answer::json(201, &json!({"floatingip": shown})))
}

/// `PUT /v2.0/floatingips/{id}`: to a port, to another, or with `null` away from it.
pub fn update_floating_ip(context: &Context<'_>, id: &str) -> Handled {
    let body = context.body("floatingip", FIELDS, "update_floatingip")?;
    let mut floating = find(context, id)?;
    let before = floating.target.clone();
    if let Some(description) = body.get("description").and_then(Value::as_str) {
        floating.description = description.to_owned();
    }
    let port = if body.contains_key("port_id") {
        associate(context, &mut floating, &body)?
    } else {
        let target = floating.target.as_ref();
        let ports = ports::of_project(context);
        target.and_then(|target| ports.into_iter().find(|port| port.nic.port_id == target.port_id))
    };
    floating.updated_at = whole_seconds(context.call.now);
    floating.revision += 1;
    let shown = floating_ip_json(context, &floating, port.as_ref());
    lead(context, &floating, before.as_ref());
    context.region.network.write().floating_ips.insert(floating.id, floating);
    Ok(Answer::json(200, &json!({"floatingip": shown})))
}

/// `DELETE /v2.0/floatingips/{id}`: 204.
pub fn delete_floating_ip(context: &Context<'_>, id: &str) -> Handled {
    let mut floating = find(context, id)?;
    context.must_write("delete_floatingip")?;
    let before = floating.target.take();
    lead(context, &floating, before.as_ref());
    context.region.network.write().floating_ips.remove(&floating.id);
    Ok(Answer::empty(204))
}

fn find(context: &Context<'_>, id: &str) -> Result<FloatingIp, Answer> {
    let store = context.region.network.read();
    let floating = Uuid::parse_str(id).ok().and_then(|id| store.floating_ips.get(&id));
    let floating = floating.filter(|floating| context.sees(&floating.project_id)).cloned();
    floating.ok_or_else(|| neutron::not_found("FloatingIP", "Floating IP", id))
}

/// Leads a floating IP to the port asked for, or nowhere. The port it leads to afterwards.
///
/// Errors: 404 for an unknown port and one whose network has no way to the outside, 409 for an address
/// that already has a floating IP.
fn associate(
    context: &Context<'_>,
    floating: &mut FloatingIp,
    body: &Map<String, Value>,
) -> Result<Option<Port>, Answer> {
    let had_target = floating.target.is_some();
    let Some(asked) = body.get("port_id").and_then(Value::as_str) else {
        floating.target = None;
        settle_later(context, floating, had_target);
        return Ok(None);
    };
    let port = ports::of_project(context).into_iter().find(|port| port.nic.port_id.to_string() == asked);
    let port = port.ok_or_else(|| neutron::not_found("Port", "Port", asked))?;
    let wanted = body.get("fixed_ip_address").and_then(Value::as_str);
    let fixed = port.nic.fixed.iter().find(|ip| match wanted {
        Some(wanted) => ip.to_string() == wanted,
        None => ip.is_ipv4(),
    });
    let Some(fixed) = fixed.copied().filter(IpAddr::is_ipv4) else {
        let message = match wanted {
            Some(wanted) => {
                format!("Bad floatingip request: Port {asked} does not have fixed ip {wanted}.")
            }
            None => format!(
                "Bad floatingip request: Cannot add floating IP to port {asked} that has no fixed IPv4 addresses."
            ),
        };
        return Err(bad_request("BadRequest", &message));
    };
    let known = context.world.networks(context.region, &context.project_id);
    let public =
        known.iter().find(|network| network.is_external).map(|network| network.id).unwrap_or_default();
    let network = known.iter().find(|network| network.name == &*port.nic.network);
    if let Some(network) = network.filter(|network| !network.is_routed) {
        let subnet = network.subnets.first().map(|subnet| subnet.id).unwrap_or_default();
        return Err(neutron::error(
            404,
            "ExternalGatewayForFloatingIPNotFound",
            &format!(
                "External network {public} is not reachable from subnet {subnet}.  Therefore, cannot associate \
                 Port {asked} with a Floating IP."
            ),
        ));
    }
    let store = context.region.network.read();
    let taken = store.floating_ips.values().any(|other| {
        let target = other.target.as_ref();
        other.id != floating.id
            && target.is_some_and(|target| target.port_id == port.nic.port_id && target.fixed == fixed)
    });
    if taken {
        return Err(neutron::error(
            409,
            "FloatingIPPortAlreadyAssociated",
            &format!(
                "Cannot associate floating IP {} ({}) with port {asked} using fixed IP {fixed}, as that fixed IP \
                 already has a floating IP on external network {public}.",
                floating.address, floating.id
            ),
        ));
    }
    floating.target = Some(Target { port_id: port.nic.port_id, fixed });
    settle_later(context, floating, had_target);
    Ok(Some(port))
}

/// The status follows a change a second later.
fn settle_later(context: &Context<'_>, floating: &mut FloatingIp, had_target: bool) {
    if floating.target.is_some() != had_target {
        let millis = (1_000.0 / context.world.config.pace.max(0.001)) as i64;
        floating.settled_at = context.call.now + TimeDelta::milliseconds(millis);
    }
}

/// Tells the servers: the one it led to before and the one it leads to now.
fn lead(context: &Context<'_>, floating: &FloatingIp, before: Option<&Target>) {
    let changes = [(before, None), (floating.target.as_ref(), Some(floating.address))];
    for (target, address) in changes {
        let Some(target) = target else { continue };
        let mut servers = context.region.servers.write();
        let at_port = |nic: &crate::server::Nic| nic.port_id == target.port_id;
        let mut own = servers.in_order(Some(&floating.project_id), None);
        let id = own.find(|server| server.nics.iter().any(at_port)).map(|server| server.id);
        drop(own);
        if let Some(id) = id {
            servers.edit(&id, |server| {
                server.nics.iter_mut().filter(|nic| at_port(nic)).for_each(|nic| nic.floating = address);
            });
        }
    }
}

fn floating_ip_json(context: &Context<'_>, floating: &FloatingIp, port: Option<&Port>) -> Value {
    let known = context.world.networks(context.region, &context.project_id);
    let public = known.iter().find(|network| network.is_external).map(|network| network.id);
    let target = floating.target.as_ref();
    let details = port.map(|port| {
        let network = known.iter().find(|network| network.name == &*port.nic.network);
        json!({
            "name": port.name,
            "network_id": network.map(|network| network.id),
            "mac_address": crate::nova::mac_text(port.nic.mac),
            "admin_state_up": true,
            "status": port.status(),
            "device_id": port.device_id(),
            "device_owner": port.device_owner,
        })
    });
    json!({
        "id": floating.id,
        "tenant_id": floating.project_id,
        "project_id": floating.project_id,
        "floating_ip_address": floating.address,
        "floating_network_id": public,
        "router_id": target.map(|_| networks::router_id(context)),
        "port_id": target.map(|target| target.port_id),
        "fixed_ip_address": target.map(|target| target.fixed),
        "status": floating.status(context.call.now),
        "description": floating.description,
        "qos_policy_id": null,
        "port_details": details,
        "dns_domain": "",
        "dns_name": "",
        "port_forwardings": [],
        "tags": [],
        "created_at": seconds_z(floating.created_at),
        "updated_at": seconds_z(floating.updated_at),
        "revision_number": floating.revision,
    })
}
