//! Networks, their subnets, and the router between the project's and the public one.

use serde_json::{Value, json};

use super::pages::Collection;
use super::{Context, stamp};
use crate::world::{Network, Subnet};

/// The project's networks and the public one.
pub fn networks(context: &Context<'_>) -> Collection {
    let networks = context.world.networks(context.region, &context.project_id);
    let shown = networks.iter().map(|network| network_json(context, network)).collect();
    Collection::new(shown, "Network", "Network")
}

/// The subnets of the project's networks and, for administrators, of the public one.
pub fn subnets(context: &Context<'_>) -> Collection {
    let networks = context.world.networks(context.region, &context.project_id);
    let seen = networks.iter().filter(|network| context.sees(&network.project_id));
    let shown =
        seen.flat_map(|network| network.subnets.iter().map(|subnet| subnet_json(context, network, subnet)));
    Collection::new(shown.collect(), "Subnet", "Subnet")
}

/// The project's one router.
pub fn routers(context: &Context<'_>) -> Collection {
    let networks = context.world.networks(context.region, &context.project_id);
    let public = networks.iter().find(|network| network.is_external);
    let shown = public.map(|public| router_json(context, public));
    Collection::new(shown.into_iter().collect(), "Router", "Router")
}

fn network_json(context: &Context<'_>, network: &Network) -> Value {
    let subnets: Vec<Value> = network.subnets.iter().map(|subnet| json!(subnet.id)).collect();
    let mut shown = json!({
        "id": network.id,
        "name": network.name,
        "tenant_id": network.project_id,
        "project_id": network.project_id,
        "admin_state_up": true,
        "mtu": network.mtu,
        "status": "ACTIVE",
        "subnets": subnets,
        "shared": false,
        "availability_zone_hints": [],
        "availability_zones": [],
        "ipv4_address_scope": null,
        "ipv6_address_scope": null,
        "router:external": network.is_external,
        "qinq": false,
        "vlan_transparent": false,
        "description": "",
        "port_security_enabled": true,
        "qos_policy_id": null,
        "dns_domain": "",
    });
    if network.is_external {
        shown["is_default"] = json!(true);
    }
    stamp(shown, context.region.since, 3)
}

fn subnet_json(context: &Context<'_>, network: &Network, subnet: &Subnet) -> Value {
    let slaac = subnet.has_slaac.then_some("slaac");
    let servers: &[&str] = if network.is_external { &[] } else { &["9.9.9.9"] };
    let shown = json!({
        "id": subnet.id,
        "name": subnet.name,
        "project_id": network.project_id,
        "network_id": network.id,
        "ip_version": if subnet.gateway.is_ipv6() { 6 } else { 4 },
        "subnetpool_id": null,
        "enable_dhcp": true,
        "ipv6_ra_mode": slaac,
        "ipv6_address_mode": slaac,
        "gateway_ip": subnet.gateway,
        "cidr": subnet.cidr,
        "allocation_pools": [{"start": subnet.pool.0, "end": subnet.pool.1}],
        "host_routes": [],
        "dns_nameservers": servers,
        "description": "",
        "router:external": network.is_external,
        "service_types": [],
        "tenant_id": network.project_id,
    });
    stamp(shown, context.region.since, 0)
}

fn router_json(context: &Context<'_>, public: &Network) -> Value {
    let addresses: Vec<Value> = public
        .subnets
        .iter()
        .map(|subnet| json!({"subnet_id": subnet.id, "ip_address": subnet.pool.0}))
        .collect();
    let shown = json!({
        "id": router_id(context),
        "name": "router",
        "project_id": context.project_id,
        "tenant_id": context.project_id,
        "admin_state_up": true,
        "status": "ACTIVE",
        "external_gateway_info": {
            "network_id": public.id,
            "external_fixed_ips": addresses,
            "enable_snat": true,
        },
        "description": "",
        "availability_zones": [],
        "availability_zone_hints": [],
        "routes": [],
        "flavor_id": null,
    });
    stamp(shown, context.region.since, 4)
}

/// The router between a project's networks and the public one.
pub fn router_id(context: &Context<'_>) -> uuid::Uuid {
    context.world.ids.uuid(&["router", &context.region.name, &context.project_id])
}
