//! What connects a server: addresses, network cards and security groups.

use serde_json::{Value, json};

use super::view::{Addresses, mac_text};
use super::{Context, history, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::neutron::security_groups;
use crate::script::{Change, Step};
use crate::server::{Nic, SimServer};

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

/// `POST /servers/{id}/os-interface`: a new card in a network.
pub fn attach_interface(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body_object(context, "interfaceAttachment")?;
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-attach-interfaces:create")?;
    let networks = context.world.networks(context.region, &server.project_id);
    let asked = validate::text(&body, "net_id")?;
    let network = match asked {
        Some(asked) => networks.iter().find(|network| network.id.to_string() == asked),
        None => networks.first(),
    };
    let missing =
        || errors::bad_request(&format!("Network {} could not be found.", asked.unwrap_or_default()));
    let network = network.ok_or_else(missing)?;
    let nic =
        context.world.fresh_nic(context.region, &server.project_id, network.name).ok_or_else(missing)?;
    let shown = interface_json(context, &server, &nic);
    context.region.servers.write().touch(&server.id, context.call.now, |server| server.nics.push(nic));
    history::record_done(context, &server.id, "attach_interface");
    Ok(Answer::json(200, &json!({"interfaceAttachment": shown})))
}

/// `DELETE /servers/{id}/os-interface/{port}`
pub fn detach_interface(context: &Context<'_>, id: &str, port_id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-attach-interfaces:delete")?;
    let nic = server.nics.iter().find(|nic| nic.port_id.to_string() == port_id);
    let missing = || errors::not_found(&format!("Port id {port_id} could not be found."));
    let port_id = nic.ok_or_else(missing)?.port_id;
    history::record(context, &server.id, "detach_interface");
    let request_id = context.call.request_id.clone();
    let steps = vec![
        Step::after(1.0, Change::NicGone(port_id)),
        Step::after(0.0, Change::SideDone { request_id, failure: None }),
    ];
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
