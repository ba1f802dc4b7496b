//! What volumes are made of: their types, and for administrators the services and pools behind them.

use serde_json::{Value, json};

use super::Context;
use super::view::type_id;
use crate::clock::micros;
use crate::errors::cinder;
use crate::http::{Answer, Handled};
use crate::volume::{TYPES, VolumeType};

/// `GET /types`
pub fn list_types(context: &Context<'_>) -> Handled {
    let types: Vec<Value> = TYPES.iter().map(|kind| type_json(context, kind)).collect();
    Ok(Answer::json(200, &json!({"volume_types": types})))
}

/// `GET /types/{id}`; `default` is one too.
pub fn show_type(context: &Context<'_>, id: &str) -> Handled {
    let kind = if id == "default" {
        Some(&TYPES[0])
    } else {
        TYPES.iter().find(|kind| type_id(context, kind.name).to_string() == id)
    };
    let missing = || cinder::not_found(&format!("Volume type {id} could not be found."));
    Ok(Answer::json(200, &json!({"volume_type": type_json(context, kind.ok_or_else(missing)?)})))
}

/// A type by id or name.
pub fn find(context: &Context<'_>, asked: &str) -> Result<&'static VolumeType, Answer> {
    let mut types = TYPES.iter();
    let found = types.find(|kind| kind.name == asked || type_id(context, kind.name).to_string() == asked);
    found.ok_or_else(|| cinder::not_found(&format!("Volume type with name {asked} could not be found.")))
}

/// `GET /os-availability-zone`
pub fn list_availability_zones() -> Handled {
    let zone = json!({"zoneName": "nova", "zoneState": {"available": true}});
    Ok(Answer::json(200, &json!({"availabilityZoneInfo": [zone]})))
}

/// `GET /os-services`, for administrators.
pub fn list_services(context: &Context<'_>) -> Handled {
    context.must_administer("volume_extension:services:index")?;
    let service = |binary: &str, host: &str| {
        json!({
            "binary": binary, "host": host, "zone": "nova", "status": "enabled", "state": "up",
            "updated_at": micros(context.call.now), "disabled_reason": null,
        })
    };
    let mut services = vec![service("cinder-scheduler", &host(context))];
    for backend in BACKENDS {
        let mut volumes = service("cinder-volume", &format!("{}@{backend}", host(context)));
        volumes["replication_status"] = json!("disabled");
        volumes["active_backend_id"] = Value::Null;
        volumes["frozen"] = json!(false);
        services.push(volumes);
    }
    Ok(Answer::json(200, &json!({"services": services})))
}

/// `GET /scheduler-stats/get_pools`, for administrators.
pub fn list_pools(context: &Context<'_>) -> Handled {
    context.must_administer("scheduler_extension:scheduler_stats:get_pools")?;
    let timestamp = context.call.now.format("%Y-%m-%dT%H:%M:%S.%6f").to_string();
    let pool = |backend: &&str| {
        json!({
            "name": format!("{}@{backend}#{backend}", host(context)),
            "capabilities": {
                "volume_backend_name": backend, "vendor_name": "simcloud", "driver_version": "1.0",
                "storage_protocol": "iSCSI", "total_capacity_gb": "infinite", "free_capacity_gb": "infinite",
                "reserved_percentage": 0, "thin_provisioning_support": true, "max_over_subscription_ratio": 20,
                "provisioned_capacity_gb": 0, "multiattach": true, "online_extend_support": true,
                "allocated_capacity_gb": 0, "cacheable": true, "filter_function": null,
                "goodness_function": null, "timestamp": timestamp,
            },
        })
    };
    Ok(Answer::json(200, &json!({"pools": BACKENDS.iter().map(pool).collect::<Vec<_>>()})))
}

const BACKENDS: &[&str] = &["lab1", "lab2"];

fn host(context: &Context<'_>) -> String {
    format!("r{}-control", context.region.number + 1)
}

fn type_json(context: &Context<'_>, kind: &VolumeType) -> Value {
    json!({
        "id": type_id(context, kind.name),
        "name": kind.name,
        "is_public": true,
        "description": kind.description,
        "extra_specs": if kind.is_multiattach { json!({"multiattach": "<is> True"}) } else { json!({}) },
        "os-volume-type-access:is_public": true,
    })
}
