//! What else Nova tells: availability zones, consoles, and the hosts for administrators.

use serde_json::{Value, json};

use super::{Context, actions, validate};
use crate::clock::micros;
use crate::consoles;
use crate::consoles::registry::{Kind, Ticket};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::server::SimServer;

/// `GET /os-availability-zone`
pub fn list_availability_zones(context: &Context<'_>) -> Handled {
    let mut names: Vec<&str> =
        context.region.compute_hosts.iter().map(|host| &*host.availability_zone).collect();
    names.sort_unstable();
    names.dedup();
    let zone = |name| json!({"zoneName": name, "zoneState": {"available": true}, "hosts": null});
    let zones: Vec<Value> = names.into_iter().map(zone).collect();
    Ok(Answer::json(200, &json!({"availabilityZoneInfo": zones})))
}

/// `POST /servers/{id}/remote-consoles`: the address of the screen (`vnc`, `novnc`) or of the serial line
/// (`serial`, `serial`), with a token that is good once and for ten minutes.
///
/// Errors: 400 for another kind, and where there is no such console; 409 on no host and while it is deleted
/// or moved.
pub fn create_remote_console(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body_object(context, "remote_console")?;
    let kind = validate::text(&body, "type")?.unwrap_or_default();
    let protocol = validate::text(&body, "protocol")?.unwrap_or_default();
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("os-remote-consoles")?;
    let console = match (protocol, kind) {
        ("vnc", "novnc") => Kind::Screen,
        ("serial", "serial") => Kind::Serial,
        _ => return Err(unavailable(kind)),
    };
    actions::must_be_ready(&server)?;
    if let Some(task) = server.task_state.as_deref().filter(|task| matches!(*task, "deleting" | "migrating"))
    {
        let message =
            format!("Cannot 'get_{protocol}_console' instance {id} while it is in task_state {task}");
        return Err(errors::conflict(&message));
    }
    // A server that does not run has no screen, and one may be told to have none.
    let is_refused = actions::failure_of(&server, &format!("{protocol}_console")).is_some();
    if is_refused || !consoles::has_console(server.power_state) {
        return Err(unavailable(kind));
    }
    let ticket = Ticket { region_number: context.region_number, server_id: server.id, kind: console };
    let token = context.shared.consoles.issue(ticket, context.call.now);
    let address = &context.shared.console_address;
    let url = match console {
        Kind::Screen => format!("http://{address}/vnc_auto.html?path=%3Ftoken%3D{token}"),
        Kind::Serial => format!("ws://{address}/?token={token}"),
    };
    Ok(Answer::json(200, &json!({"remote_console": {"protocol": protocol, "type": kind, "url": url}})))
}

fn unavailable(kind: &str) -> Answer {
    errors::bad_request(&format!("Unavailable console type {kind}."))
}

/// `GET /servers/{id}/topology`
pub fn show_topology(context: &Context<'_>, id: &str) -> Handled {
    context.with_server(id, |_| ())?;
    Ok(Answer::json(200, &json!({"nodes": [], "pagesize_kb": null})))
}

/// `GET /servers/{id}/diagnostics`, for administrators.
pub fn show_diagnostics(context: &Context<'_>, id: &str) -> Handled {
    let (vcpus, ram_mib, nics) = context.with_server(id, |server| {
        let nics = server.nics.iter().map(|nic| super::view::mac_text(nic.mac)).collect::<Vec<_>>();
        (server.flavor.vcpus, server.flavor.ram_mib, nics)
    })?;
    context.must_administer("os-server-diagnostics")?;
    let cpu = |number: u32| json!({"id": number, "time": 17_300_000_000_u64, "utilisation": 15});
    let nic = |mac: &String| {
        json!({
            "mac_address": mac, "rx_octets": 2_070_139, "rx_errors": 0, "rx_drop": 0, "rx_packets": 26_701,
            "rx_rate": 300, "tx_octets": 140_208, "tx_errors": 0, "tx_drop": 0, "tx_packets": 662, "tx_rate": 600,
        })
    };
    let disk = json!({
        "read_bytes": 262_144, "read_requests": 112, "write_bytes": 5_778_432, "write_requests": 488,
        "errors_count": 0,
    });
    let body = json!({
        "state": "running", "driver": "libvirt", "hypervisor": "kvm", "hypervisor_os": "linux",
        "uptime": 46_664, "config_drive": false, "num_cpus": vcpus, "num_nics": nics.len(), "num_disks": 1,
        "disk_details": [disk],
        "cpu_details": (0..vcpus).map(cpu).collect::<Vec<_>>(),
        "nic_details": nics.iter().map(nic).collect::<Vec<_>>(),
        "memory_details": {"maximum": ram_mib * 1024, "used": 0},
    });
    Ok(Answer::json(200, &body))
}

/// `GET /os-services`, for administrators.
pub fn list_services(context: &Context<'_>) -> Handled {
    context.must_administer("os-services:list")?;
    let service = |binary: &str, host: &str, zone: &str| {
        let mut shown = json!({
            "binary": binary, "host": host, "zone": zone, "status": "enabled", "state": "up",
            "id": context.world.ids.uuid(&["service", &context.region.name, binary, host]),
            "updated_at": micros(context.call.now), "disabled_reason": null,
        });
        if context.at_least(11) {
            shown["forced_down"] = json!(false);
        }
        shown
    };
    let control = format!("r{}-control", context.region.number + 1);
    let mut services: Vec<Value> =
        ["nova-conductor", "nova-scheduler"].map(|binary| service(binary, &control, "internal")).into();
    let hosts = context.region.compute_hosts.iter();
    services.extend(hosts.map(|host| service("nova-compute", &host.name, &host.availability_zone)));
    Ok(Answer::json(200, &json!({"services": services})))
}

/// `GET /os-hypervisors/detail`, for administrators: the hosts with what runs on them.
pub fn list_hypervisors(context: &Context<'_>) -> Handled {
    context.must_administer("os-hypervisors:list-detail")?;
    let servers = context.region.servers.read();
    let hypervisor = |host: &crate::world::ComputeHost| {
        let on_host = servers.in_order(None, None).filter(|server| server.host.as_ref() == Some(&host.name));
        let (mut vcpus, mut ram_mib, mut disk_gib, mut running) = (0, 0, 0, 0);
        for server in on_host {
            vcpus += server.flavor.vcpus;
            ram_mib += server.flavor.ram_mib;
            disk_gib += server.flavor.disk_gib;
            running += 1;
        }
        let id = |kind: &str| context.world.ids.uuid(&[kind, &context.region.name, &host.name]);
        json!({
            "id": id("hypervisor"),
            "hypervisor_hostname": host.name,
            "state": "up",
            "status": "enabled",
            "hypervisor_type": "fake",
            "hypervisor_version": 1000,
            "host_ip": "127.0.0.1",
            "service": {"id": id("compute-service"), "host": host.name, "disabled_reason": null},
            "vcpus": HOST_VCPUS,
            "memory_mb": HOST_RAM_MIB,
            "local_gb": HOST_DISK_GIB,
            "vcpus_used": vcpus,
            "memory_mb_used": ram_mib,
            "local_gb_used": disk_gib,
            "free_ram_mb": HOST_RAM_MIB.saturating_sub(ram_mib),
            "free_disk_gb": HOST_DISK_GIB.saturating_sub(disk_gib),
            "current_workload": 0,
            "running_vms": running,
            "disk_available_least": 0,
            "cpu_info": {
                "arch": "x86_64", "model": "Nehalem", "vendor": "Intel", "features": ["pge", "clflush"],
                "topology": {"cores": 1, "threads": 1, "sockets": 4},
            },
        })
    };
    let hypervisors: Vec<Value> = context.region.compute_hosts.iter().map(hypervisor).collect();
    Ok(Answer::json(200, &json!({"hypervisors": hypervisors})))
}

/// The hosts of the recordings: large enough for anything.
const HOST_VCPUS: u32 = 200_000;
const HOST_RAM_MIB: u64 = 400_000_000;
const HOST_DISK_GIB: u32 = 20_000_000;
