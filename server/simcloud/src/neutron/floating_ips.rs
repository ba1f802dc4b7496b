//! Floating IPs: the public addresses of servers.

use serde_json::{Value, json};

use super::pages::Collection;
use super::{Context, networks, stamp};
use crate::server::{Nic, SimServer};

/// The floating IPs of the project's servers.
pub fn floating_ips(context: &Context<'_>) -> Collection {
    let known = context.world.networks(context.region, &context.project_id);
    let public = known.iter().find(|network| network.is_external).map(|network| network.id);
    let private = |name: &str| known.iter().find(|network| network.name == name).map(|network| network.id);
    let servers = context.region.servers.read();
    let own = servers.in_order(Some(&context.project_id), None);
    let shown = own.flat_map(|server| {
        let of_nic =
            |nic: &Nic| floating_ip_json(context, server, nic, json!(public), json!(private(&nic.network)));
        server.nics.iter().filter_map(of_nic).collect::<Vec<_>>()
    });
    Collection::new(shown.collect(), "FloatingIP", "Floating IP")
}

fn floating_ip_json(
    context: &Context<'_>,
    server: &SimServer,
    nic: &Nic,
    public: Value,
    private: Value,
) -> Option<Value> {
    let address = nic.floating?;
    let shown = json!({
        "id": context.world.ids.uuid(&["floatingip", &context.region.name, &address.to_string()]),
        "tenant_id": server.project_id,
        "project_id": server.project_id,
        "floating_ip_address": address,
        "floating_network_id": public,
        "router_id": networks::router_id(context),
        "port_id": nic.port_id,
        "fixed_ip_address": nic.fixed.first(),
        "status": "ACTIVE",
        "description": "",
        "qos_policy_id": null,
        "port_details": {
            "name": "",
            "network_id": private,
            "mac_address": crate::nova::mac_text(nic.mac),
            "admin_state_up": true,
            "status": "ACTIVE",
            "device_id": server.id,
            "device_owner": format!("compute:{}", server.availability_zone),
        },
        "dns_domain": "",
        "dns_name": "",
        "port_forwardings": [],
    });
    Some(stamp(shown, server.created_at, 2))
}
