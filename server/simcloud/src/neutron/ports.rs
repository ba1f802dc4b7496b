//! Ports: the network cards of servers.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::pages::Collection;
use super::{Context, security_groups, stamp};
use crate::server::{Nic, SimServer};
use crate::world::Network;

/// The ports of the project's servers.
pub fn ports(context: &Context<'_>) -> Collection {
    let networks = context.world.networks(context.region, &context.project_id);
    let groups = security_groups::of(context.world, context.region, &context.project_id);
    let servers = context.region.servers.read();
    // The usual question, for one server's ports, is not to cost a look at all.
    let devices: Vec<&str> = context.call.query_values("device_id").collect();
    let own = servers.in_order(Some(&context.project_id), None);
    let own = own.filter(|server| devices.is_empty() || devices.contains(&server.id.to_string().as_str()));
    let ports = own.flat_map(|server| {
        let ids: Vec<Value> = groups
            .iter()
            .filter(|group| server.security_groups.iter().any(|name| **name == *group.name))
            .map(|group| json!(group.id))
            .collect();
        let port = |nic: &Nic| port_json(&networks, server, nic, &ids);
        server.nics.iter().map(port).collect::<Vec<_>>()
    });
    Collection::new(ports.collect(), "Port", "Port")
}

fn port_json(networks: &[Network], server: &SimServer, nic: &Nic, group_ids: &[Value]) -> Value {
    let network = networks.iter().find(|network| *network.name == *nic.network);
    let subnet_of = |address: &IpAddr| {
        let subnets = network.map(|network| network.subnets.as_slice()).unwrap_or_default();
        subnets.iter().find(|subnet| subnet.gateway.is_ipv6() == address.is_ipv6()).map(|subnet| subnet.id)
    };
    let fixed: Vec<Value> =
        nic.fixed.iter().map(|ip| json!({"subnet_id": subnet_of(ip), "ip_address": ip})).collect();
    let dns = |ip: &IpAddr| {
        let host = format!("host-{}", ip.to_string().replace([':', '.'], "-"));
        let fqdn = format!("{host}.openstacklocal.");
        json!({"ip_address": ip, "hostname": host, "fqdn": fqdn})
    };
    let shown = json!({
        "id": nic.port_id,
        "name": "",
        "network_id": network.map(|network| network.id),
        "project_id": server.project_id,
        "tenant_id": server.project_id,
        "mac_address": crate::nova::mac_text(nic.mac),
        "admin_state_up": true,
        "status": if server.power_state == 1 { "ACTIVE" } else { "DOWN" },
        "device_id": server.id,
        "device_owner": format!("compute:{}", server.availability_zone),
        "fixed_ips": fixed,
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "security_groups": group_ids,
        "description": "",
        "binding:vnic_type": "normal",
        "port_security_enabled": true,
        "qos_policy_id": null,
        "qos_network_policy_id": null,
        "dns_name": "",
        "dns_assignment": nic.fixed.iter().map(dns).collect::<Vec<_>>(),
        "dns_domain": "",
    });
    stamp(shown, server.created_at, 4)
}
