//! What connects a server: addresses, network cards and security groups.

use serde_json::{Value, json};

use super::view::{Addresses, mac_text};
use super::{Context, actions, history, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::neutron::security_groups;
use crate::script::{Change, Step};
use crate::server::{Nic, SimServer};

/// The states in which Nova attaches and detaches cards.
const STATES: &[&str] = &["active", "paused", "stopped"];

/// `GET /servers/{id}/ips`
pub fn list_addresses(context: &Context<'_>, id: &str) -> Handled {
    context.with_server(id, |server| {
        let addresses = Addresses { nics: &server.nics, with_extensions: false };
        Answer::json(200, &json!({"addresses": addresses}))
    })
}

/// `GET /servers/{id}/os-interface`
pub fn list_interfaces(context: &Context<'_>, id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_reach_network()?;
    let interfaces: Vec<Value> =
        server.nics.iter().map(|nic| interface_json(context, &server, nic)).collect();
    Ok(Answer::json(200, &json!({"interfaceAttachments": interfaces})))
}

/// `POST /servers/{id}/os-interface`: a new card in a network, or a port that waits for a server.
///
/// Errors: 404 for an unknown port, 400 for an unknown network, 409 for the server's state, 500 where the
/// host fails.
pub fn attach_interface(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body_object(context, "interfaceAttachment")?;
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-attach-interfaces:create")?;
    actions::must_be_unlocked(context, &server)?;
    actions::must_be_in(&server, STATES, "attach_interface")?;
    context.must_reach_network()?;
    let mut nic = match validate::text(&body, "port_id")? {
        Some(asked) => take_port(context, &server, asked)?,
        None => new_card(context, &server, validate::text(&body, "net_id")?)?,
    };
    let wanted = body.get("fixed_ips").and_then(|fixed| fixed.pointer("/0/ip_address"));
    if let Some(wanted) = wanted.and_then(Value::as_str) {
        nic.fixed = vec![wanted.parse().map_err(|_| {
            validate::invalid("ip_address", &json!(wanted), &format!("'{wanted}' is not a 'ipv4'"))
        })?];
    }
    if let Some(failure) = actions::failure_of(&server, "attach_interface") {
        history::record_failed(context, &server.id, "attach_interface", failure);
        let message = format!("Failed to attach network adapter device to {}", server.id);
        return Err(errors::error("computeFault", 500, &message));
    }
    let shown = interface_json(context, &server, &nic);
    context.region.network.write().ports.remove(&nic.port_id);
    context.region.servers.write().touch(&server.id, context.call.now, |server| server.nics.push(nic));
    history::record_done(context, &server.id, "attach_interface");
    Ok(Answer::json(200, &json!({"interfaceAttachment": shown})))
}

/// A port of the project that is at no server.
pub fn take_port(context: &Context<'_>, server: &SimServer, asked: &str) -> Result<Nic, Answer> {
    let is_own = |nic: &Nic| nic.port_id.to_string() == asked;
    let servers = context.region.servers.read();
    if servers.in_order(Some(&server.project_id), None).any(|other| other.nics.iter().any(is_own)) {
        return Err(errors::bad_request(&format!("Port {asked} is still in use.")));
    }
    drop(servers);
    let network = context.region.network.read();
    let mut own = network.ports.values().filter(|port| port.project_id == server.project_id);
    let port = own.find(|port| is_own(&port.nic));
    let port = port.ok_or_else(|| errors::not_found(&format!("Port id {asked} could not be found.")))?;
    Ok(port.nic.clone())
}

/// A card in the network asked for, or in the project's first.
fn new_card(context: &Context<'_>, server: &SimServer, asked: Option<&str>) -> Result<Nic, Answer> {
    let networks = context.world.networks(context.region, &server.project_id);
    let network = match asked {
        Some(asked) => networks.iter().find(|network| network.id.to_string() == asked),
        None => networks.first(),
    };
    let missing =
        || errors::bad_request(&format!("Network {} could not be found.", asked.unwrap_or_default()));
    let network = network.ok_or_else(missing)?;
    if network.is_external && !context.caller.is_admin() {
        let message = format!("It is not allowed to create an interface on external network {}", network.id);
        return Err(errors::forbidden(&message));
    }
    context.world.fresh_nic(context.region, &server.project_id, network.name).ok_or_else(missing)
}

/// `DELETE /servers/{id}/os-interface/{port}`
pub fn detach_interface(context: &Context<'_>, id: &str, port_id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-attach-interfaces:delete")?;
    actions::must_be_unlocked(context, &server)?;
    actions::must_be_in(&server, STATES, "detach_interface")?;
    let nic = server.nics.iter().find(|nic| nic.port_id.to_string() == port_id);
    let missing = || errors::not_found(&format!("Port id {port_id} could not be found."));
    let port_id = nic.ok_or_else(missing)?.port_id;
    history::record(context, &server.id, "detach_interface");
    let request_id = context.call.request_id.clone();
    let failure = actions::failure_of(&server, "detach_interface");
    let done = Change::SideDone { request_id, failure: failure.clone() };
    let steps = match failure {
        Some(_) => vec![Step::after(1.0, done)],
        None => vec![Step::after(1.0, Change::NicGone(port_id)), Step::after(0.0, done)],
    };
    context.world.start_beside(context.region, server.id, steps);
    Ok(Answer::empty(202))
}

fn interface_json(context: &Context<'_>, server: &SimServer, nic: &Nic) -> Value {
    let networks = context.world.networks(context.region, &server.project_id);
    let network = networks.iter().find(|network| *network.name == *nic.network);
    let subnet_of = |address: &std::net::IpAddr| {
        let subnets = network.map(|network| network.subnets.as_slice()).unwrap_or_default();
        subnets.iter().find(|subnet| subnet.gateway.is_ipv6() == address.is_ipv6()).map(|subnet| subnet.id)
    };
    let fixed = nic.fixed.iter().map(|ip| json!({"subnet_id": subnet_of(ip), "ip_address": ip}));
    let mut shown = json!({
        "net_id": network.map(|network| network.id),
        "port_id": nic.port_id,
        "mac_addr": mac_text(nic.mac),
        "port_state": "ACTIVE",
        "fixed_ips": fixed.collect::<Vec<_>>(),
    });
    if context.at_least(70) {
        shown["tag"] = Value::Null;
    }
    shown
}

/// `GET /servers/{id}/os-security-groups`
pub fn list_security_groups(context: &Context<'_>, id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_reach_network()?;
    let known = security_groups::of(context.world, context.region, &server.project_id);
    let own = known.iter().filter(|group| server.security_groups.iter().any(|name| **name == *group.name));
    let shown: Vec<Value> = own.map(security_groups::nova_json).collect();
    Ok(Answer::json(200, &json!({"security_groups": shown})))
}
