//! What is attached to a server: addresses, network cards, volumes and security groups.

use serde_json::{Value, json};
use uuid::Uuid;

use super::view::{Addresses, mac_text};
use super::{Context, history, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::ids;
use crate::neutron::security_groups;
use crate::server::{Nic, SimServer, VolumeAttachment};

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
    history::record(context, &server.id, "attach_interface");
    Ok(Answer::json(200, &json!({"interfaceAttachment": shown})))
}

/// `DELETE /servers/{id}/os-interface/{port}`
pub fn detach_interface(context: &Context<'_>, id: &str, port_id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-attach-interfaces:delete")?;
    if !server.nics.iter().any(|nic| nic.port_id.to_string() == port_id) {
        return Err(errors::not_found(&format!("Port id {port_id} could not be found.")));
    }
    context.region.servers.write().touch(&server.id, context.call.now, |server| {
        server.nics.retain(|nic| nic.port_id.to_string() != port_id);
    });
    history::record(context, &server.id, "detach_interface");
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

/// `GET /servers/{id}/os-volume_attachments`
pub fn list_volumes(context: &Context<'_>, id: &str) -> Handled {
    context.with_server(id, |server| {
        let volumes = server.volumes.iter().map(|volume| volume_json(context, server, volume));
        Answer::json(200, &json!({"volumeAttachments": volumes.collect::<Vec<_>>()}))
    })
}

/// `GET /servers/{id}/os-volume_attachments/{volume}`
pub fn show_volume(context: &Context<'_>, id: &str, volume_id: &str) -> Handled {
    let shown = context.with_server(id, |server| {
        let volume = server.volumes.iter().find(|volume| volume.volume_id.to_string() == volume_id);
        volume.map(|volume| volume_json(context, server, volume))
    })?;
    let shown = shown.ok_or_else(|| no_volume(id, volume_id))?;
    Ok(Answer::json(200, &json!({"volumeAttachment": shown})))
}

/// `POST /servers/{id}/os-volume_attachments`. There is no block storage service here: any id is that
/// of a volume.
pub fn attach_volume(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body_object(context, "volumeAttachment")?;
    validate::required("volumeAttachment", &body, "volumeId")?;
    let asked = validate::text(&body, "volumeId")?.unwrap_or_default();
    let not_an_id = || validate::invalid("volumeId", &json!(asked), &format!("'{asked}' is not a 'uuid'"));
    let volume_id = Uuid::parse_str(asked).map_err(|_| not_an_id())?;
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-volumes-attachments:create")?;
    if server.volumes.iter().any(|volume| volume.volume_id == volume_id) {
        let message = format!("Invalid volume: volume {volume_id} is already attached to instances: {id}");
        return Err(errors::bad_request(&message));
    }
    let last = server.volumes.iter().filter_map(|volume| volume.device.chars().last()).max().unwrap_or('a');
    let volume = VolumeAttachment {
        volume_id,
        attachment_id: ids::fresh_uuid(),
        device: format!("/dev/vd{}", char::from_u32(u32::from(last) + 1).unwrap_or('z')),
        delete_on_termination: body.get("delete_on_termination").and_then(Value::as_bool) == Some(true),
    };
    let shown = volume_json(context, &server, &volume);
    context.region.servers.write().touch(&server.id, context.call.now, |server| server.volumes.push(volume));
    history::record(context, &server.id, "attach_volume");
    Ok(Answer::json(200, &json!({"volumeAttachment": shown})))
}

/// `DELETE /servers/{id}/os-volume_attachments/{volume}`
pub fn detach_volume(context: &Context<'_>, id: &str, volume_id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-volumes-attachments:delete")?;
    if !server.volumes.iter().any(|volume| volume.volume_id.to_string() == volume_id) {
        return Err(no_volume(id, volume_id));
    }
    context.region.servers.write().touch(&server.id, context.call.now, |server| {
        server.volumes.retain(|volume| volume.volume_id.to_string() != volume_id);
    });
    history::record(context, &server.id, "detach_volume");
    Ok(Answer::empty(202))
}

fn volume_json(context: &Context<'_>, server: &SimServer, volume: &VolumeAttachment) -> Value {
    let mut shown = json!({
        "volumeId": volume.volume_id,
        "serverId": server.id,
        "device": volume.device,
    });
    if context.at_least(89) {
        shown["attachment_id"] = json!(volume.attachment_id);
        shown["bdm_uuid"] = json!(Uuid::from_u128(volume.attachment_id.as_u128().rotate_left(32)));
    } else {
        shown["id"] = json!(volume.volume_id);
    }
    if context.at_least(70) {
        shown["tag"] = Value::Null;
    }
    if context.at_least(79) {
        shown["delete_on_termination"] = json!(volume.delete_on_termination);
    }
    shown
}

fn no_volume(id: &str, volume_id: &str) -> Answer {
    errors::not_found(&format!("Instance {id} is not attached to volume {volume_id}"))
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
