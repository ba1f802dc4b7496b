//! Ports: the network cards of servers, and those that wait for one.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::pages::Collection;
use super::store::FreePort;
use super::{Context, bad_request, security_groups, stamp};
use crate::clock::whole_seconds;
use crate::errors::neutron;
use crate::http::{Answer, Handled};
use crate::server::{Nic, SimServer};
use crate::world::Network;

/// A port, at a server or not.
#[derive(Clone, Debug)]
pub struct Port {
    pub nic: Nic,
    pub name: String,
    description: String,
    device: Option<Uuid>,
    pub device_owner: String,
    is_up: bool,
    groups: Groups,
    created_at: DateTime<Utc>,
}

/// A server's ports have its groups, which Nova names; a free one has its own.
#[derive(Clone, Debug)]
enum Groups {
    Names(Vec<std::sync::Arc<str>>),
    Ids(Vec<Uuid>),
}

const FIELDS: &[&str] = &[
    "network_id",
    "name",
    "description",
    "fixed_ips",
    "security_groups",
    "admin_state_up",
    "mac_address",
    "device_id",
    "device_owner",
    "project_id",
    "tenant_id",
    "allowed_address_pairs",
    "port_security_enabled",
    "binding:vnic_type",
    "dns_name",
];

/// The ports of the project's servers, and its free ones.
pub fn ports(context: &Context<'_>) -> Collection {
    let networks = context.world.networks(context.region, &context.project_id);
    let groups = security_groups::of(context.world, context.region, &context.project_id);
    let mut all = of_project(context);
    // The usual question, for one server's ports, is not to cost a look at all.
    let devices: Vec<&str> = context.call.query_values("device_id").collect();
    all.retain(|port| devices.is_empty() || devices.contains(&port.device_id().as_str()));
    let shown = all.iter().map(|port| port_json(context, &networks, &groups, port));
    Collection::new(shown.collect(), "Port", "Port")
}

/// Every port of the project.
pub fn of_project(context: &Context<'_>) -> Vec<Port> {
    let servers = context.region.servers.read();
    let own = servers.in_order(Some(&context.project_id), None);
    let mut ports: Vec<Port> =
        own.flat_map(|server| server.nics.iter().map(|nic| Port::of_server(server, nic))).collect();
    let store = context.region.network.read();
    let free = store.ports.values().filter(|port| port.project_id == context.project_id);
    ports.extend(free.map(Port::of_nobody));
    ports
}

/// `POST /v2.0/ports`: 201 with a port that waits for a server.
pub fn create_port(context: &Context<'_>) -> Handled {
    let body = context.body("port", FIELDS, "create_port")?;
    let Some(asked) = body.get("network_id").and_then(Value::as_str) else {
        let message = "Failed to parse request. Required attribute 'network_id' not specified";
        return Err(bad_request("HTTPBadRequest", message));
    };
    let networks = context.world.networks(context.region, &context.project_id);
    let network = networks.iter().find(|network| network.id.to_string() == asked && !network.is_external);
    let network = network.ok_or_else(|| neutron::not_found("Network", "Network", asked))?;
    let nic = context.world.fresh_nic(context.region, &context.project_id, network.name);
    let mut nic = nic.ok_or_else(|| neutron::not_found("Network", "Network", asked))?;
    if let Some(address) = wanted_address(&body)? {
        nic.fixed = vec![free_address(context, network, address)?];
    }
    let groups = security_groups::of(context.world, context.region, &context.project_id);
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let port = FreePort {
        nic,
        project_id: context.project_id.clone(),
        name: text("name"),
        description: text("description"),
        security_groups: asked_groups(&body, &groups)?,
        created_at: whole_seconds(context.call.now),
    };
    let mut shown = port_json(context, &networks, &groups, &Port::of_nobody(&port));
    shown["revision_number"] = json!(1);
    context.region.network.write().ports.insert(port.nic.port_id, port);
    Ok(Answer::json(201, &json!({"port": shown})))
}

/// `PUT /v2.0/ports/{id}` of a free port: its name, description and security groups.
pub fn update_port(context: &Context<'_>, id: &str) -> Handled {
    let body = context.body("port", FIELDS, "update_port")?;
    let groups = security_groups::of(context.world, context.region, &context.project_id);
    let mut store = context.region.network.write();
    let port = Uuid::parse_str(id).ok().and_then(|id| store.ports.get_mut(&id));
    let port = port.filter(|port| context.sees(&port.project_id));
    let port = port.ok_or_else(|| neutron::not_found("Port", "Port", id))?;
    for (key, field) in [("name", &mut port.name), ("description", &mut port.description)] {
        if let Some(text) = body.get(key).and_then(Value::as_str) {
            text.clone_into(field);
        }
    }
    if body.contains_key("security_groups") {
        port.security_groups = asked_groups(&body, &groups)?;
    }
    let port = Port::of_nobody(port);
    drop(store);
    let networks = context.world.networks(context.region, &context.project_id);
    Ok(Answer::json(200, &json!({"port": port_json(context, &networks, &groups, &port)})))
}

/// `DELETE /v2.0/ports/{id}`: 204. That of a server leaves it.
pub fn delete_port(context: &Context<'_>, id: &str) -> Handled {
    context.must_write("delete_port")?;
    let port = of_project(context).into_iter().find(|port| port.nic.port_id.to_string() == id);
    let port = port.ok_or_else(|| neutron::not_found("Port", "Port", id))?;
    if let Some(server_id) = port.device {
        context.region.servers.write().touch(&server_id, context.call.now, |server| {
            server.nics.retain(|nic| nic.port_id != port.nic.port_id);
        });
    }
    context.region.network.write().release(&port.nic.port_id, context.call.now);
    Ok(Answer::empty(204))
}

impl Port {
    fn of_server(server: &SimServer, nic: &Nic) -> Self {
        Port {
            nic: nic.clone(),
            name: String::new(),
            description: String::new(),
            device: Some(server.id),
            device_owner: format!("compute:{}", server.availability_zone),
            is_up: server.power_state == 1,
            groups: Groups::Names(server.security_groups.clone()),
            created_at: server.created_at,
        }
    }

    fn of_nobody(port: &FreePort) -> Self {
        Port {
            nic: port.nic.clone(),
            name: port.name.clone(),
            description: port.description.clone(),
            device: None,
            device_owner: String::new(),
            is_up: false,
            groups: Groups::Ids(port.security_groups.clone()),
            created_at: port.created_at,
        }
    }

    pub fn status(&self) -> &'static str {
        if self.is_up { "ACTIVE" } else { "DOWN" }
    }

    /// Empty for a free one.
    pub fn device_id(&self) -> String {
        self.device.map_or_else(String::new, |id| id.to_string())
    }
}

fn wanted_address(body: &Map<String, Value>) -> Result<Option<IpAddr>, Answer> {
    let asked =
        body.get("fixed_ips").and_then(|fixed| fixed.pointer("/0/ip_address")).and_then(Value::as_str);
    let parsed = asked.map(|asked| {
        asked.parse().map_err(|_| {
            let message = format!("Invalid input for operation: '{asked}' is not a valid IP address.");
            bad_request("InvalidInput", &message)
        })
    });
    parsed.transpose()
}

/// An address of the network that nobody has.
fn free_address(context: &Context<'_>, network: &Network, address: IpAddr) -> Result<IpAddr, Answer> {
    let subnet = network.subnets.iter().find(|subnet| subnet.gateway.is_ipv6() == address.is_ipv6());
    let subnet = subnet.map(|subnet| subnet.id).unwrap_or_default();
    let is_taken = of_project(context).iter().any(|port| port.nic.fixed.contains(&address));
    if is_taken {
        let message = format!("IP address {address} already allocated in subnet {subnet}");
        return Err(neutron::error(409, "IpAddressAlreadyAllocated", &message));
    }
    Ok(address)
}

/// The security groups asked for; `default` without any.
fn asked_groups(
    body: &Map<String, Value>,
    known: &[security_groups::SecurityGroup],
) -> Result<Vec<Uuid>, Answer> {
    let Some(asked) = body.get("security_groups").and_then(Value::as_array) else {
        return Ok(known.iter().filter(|group| group.name == "default").map(|group| group.id).collect());
    };
    let find = |asked: &Value| {
        let id = asked.as_str().unwrap_or_default();
        let found = known.iter().find(|group| group.id.to_string() == id).map(|group| group.id);
        found.ok_or_else(|| neutron::not_found("SecurityGroup", "Security group", id))
    };
    asked.iter().map(find).collect()
}

fn port_json(
    context: &Context<'_>,
    networks: &[Network],
    groups: &[security_groups::SecurityGroup],
    port: &Port,
) -> Value {
    let nic = &port.nic;
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
    let group_ids: Vec<Uuid> = match &port.groups {
        Groups::Ids(ids) => ids.clone(),
        Groups::Names(names) => {
            let own = groups.iter().filter(|group| names.iter().any(|name| **name == *group.name));
            own.map(|group| group.id).collect()
        }
    };
    let shown = json!({
        "id": nic.port_id,
        "name": port.name,
        "network_id": network.map(|network| network.id),
        "project_id": context.project_id,
        "tenant_id": context.project_id,
        "mac_address": crate::nova::mac_text(nic.mac),
        "admin_state_up": true,
        "status": port.status(),
        "device_id": port.device_id(),
        "device_owner": port.device_owner,
        "fixed_ips": fixed,
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "security_groups": group_ids,
        "description": port.description,
        "binding:vnic_type": "normal",
        "port_security_enabled": true,
        "qos_policy_id": null,
        "qos_network_policy_id": null,
        "dns_name": "",
        "dns_assignment": nic.fixed.iter().map(dns).collect::<Vec<_>>(),
        "dns_domain": "",
    });
    stamp(shown, port.created_at, 4)
}
