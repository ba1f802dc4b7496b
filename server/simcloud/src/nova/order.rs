//! The checks of a request for servers, and what passes them: everything it names, looked up.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::block_devices::{self, Disk};
use super::{Context, groups, quotas, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, python_repr};
use crate::server::{Flavor, Rare};

/// A request that has passed every check.
pub struct Order {
    pub name: String,
    pub flavor: Arc<Flavor>,
    pub image_id: Option<Arc<str>>,
    pub cards: Vec<Card>,
    pub security_groups: Vec<Arc<str>>,
    pub tags: Vec<Arc<str>>,
    pub metadata: Vec<(Arc<str>, Arc<str>)>,
    pub key_name: Option<Arc<str>>,
    pub availability_zone: Arc<str>,
    pub disks: Vec<Disk>,
    pub rare: Rare,
    pub count: usize,
}

/// A network card that was asked for.
#[derive(Clone, Debug)]
pub enum Card {
    /// In a network, by its name.
    In { network: String, fixed: Option<IpAddr> },
    /// A port that waits for a server.
    Port(String),
}

/// What Nova's JSON schema refuses, before anything is looked up.
pub fn check_schema(context: &Context<'_>, body: &Map<String, Value>) -> Result<(), Answer> {
    validate::only("server", body, |key| is_known(context, key))?;
    validate::required("server", body, "name")?;
    validate::name(&body["name"])?;
    validate::required("server", body, "flavorRef")?;
    if context.at_least(37) {
        validate::required("server", body, "networks")?;
    }
    if let Some(user_data) = validate::text(body, "user_data")?
        && user_data.len() > 65_535
    {
        let value = &body["user_data"];
        return Err(validate::invalid("user_data", value, &format!("{} is too long", python_repr(value))));
    }
    check_base64(body)?;
    Ok(())
}

/// User data is base64, with line breaks or without.
fn check_base64(body: &Map<String, Value>) -> Result<(), Answer> {
    let Some(user_data) = validate::text(body, "user_data")? else { return Ok(()) };
    let text: String = user_data.chars().filter(|c| !c.is_whitespace()).collect();
    if STANDARD.decode(&text).is_ok() {
        return Ok(());
    }
    let value = &body["user_data"];
    Err(validate::invalid("user_data", value, &format!("{} is not a 'base64'", python_repr(value))))
}

fn is_known(context: &Context<'_>, key: &str) -> bool {
    match key {
        "name"
        | "flavorRef"
        | "imageRef"
        | "networks"
        | "key_name"
        | "metadata"
        | "security_groups"
        | "user_data"
        | "min_count"
        | "max_count"
        | "return_reservation_id"
        | "availability_zone"
        | "adminPass"
        | "config_drive"
        | "block_device_mapping"
        | "block_device_mapping_v2"
        | "OS-DCF:diskConfig"
        | "accessIPv4"
        | "accessIPv6" => true,
        "personality" => !context.at_least(57),
        "description" => context.at_least(19),
        "tags" => context.at_least(52),
        "trusted_image_certificates" => context.at_least(63),
        "host" | "hypervisor_hostname" => context.at_least(74),
        "hostname" => context.at_least(90),
        _ => false,
    }
}

/// Looks everything up that the request names, in Nova's order.
/// `hints` is the whole request, where the scheduler hints stand beside the server.
pub fn order(
    context: &Context<'_>,
    project_id: &Arc<str>,
    body: &Map<String, Value>,
    hints: &Map<String, Value>,
) -> Result<Order, Answer> {
    let region = context.region;
    let name = validate::name(&body["name"])?.to_owned();
    let flavor_id = crate::http::python_str(&body["flavorRef"]);
    let flavor = region.flavor(&flavor_id).cloned();
    let flavor =
        flavor.ok_or_else(|| errors::bad_request(&format!("Flavor {flavor_id} could not be found.")))?;
    let availability_zone = zone(context, body)?;
    let image_id = image(context, body, &flavor)?;
    let key_name = validate::text(body, "key_name")?;
    if let Some(key) = key_name {
        let keypairs = context.world.keypairs.read();
        let own = keypairs.get(&context.caller.user_id);
        if !own.is_some_and(|own| own.iter().any(|pair| pair.name == key)) {
            return Err(errors::bad_request("Invalid key_name provided."));
        }
    }
    let disks = block_devices::disks(context, body)?;
    let cards = cards(context, project_id, body)?;
    let security_groups = security_groups(context, project_id, body)?;
    let (least, most) = counts(body)?;
    let has_own = cards.iter().any(|card| matches!(card, Card::Port(_) | Card::In { fixed: Some(_), .. }));
    if most > 1 && has_own {
        return Err(errors::bad_request(
            "Unable to launch multiple instances with a single configured port ID. \
             Please launch your instance one by one with different ports.",
        ));
    }
    let count = quotas::fitting(context, project_id, least, most, &flavor)?;
    refuse_by_name(&name, &flavor)?;
    let group = groups::of_hints(context, hints, count)?;
    let metadata = validate::metadata(body.get("metadata"))?;
    let tags = validate::tags(validate::list(body, "tags")?)?;
    let has_drive = config_drive(body)?;
    Ok(Order {
        name,
        flavor,
        image_id,
        cards,
        security_groups,
        tags: tags.into_iter().map(Into::into).collect(),
        metadata: metadata.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        key_name: key_name.map(Into::into),
        availability_zone,
        disks,
        rare: Rare {
            description: validate::text(body, "description")?.map(str::to_owned),
            user_data: validate::text(body, "user_data")?.map(str::to_owned),
            config_drive: has_drive,
            server_group_id: group.map(|group| group.id),
            ..Rare::default()
        },
        count,
    })
}

/// These names are refused for the quota they name, whatever it is, so that it can be seen by hand.
fn refuse_by_name(name: &str, flavor: &Flavor) -> Result<(), Answer> {
    match name {
        "quota-exceeded" | "quota-exceeded-instances" => Err(quotas::exceeded("instances", 1, 10, 10)),
        "quota-exceeded-cores" => Err(quotas::exceeded("cores", flavor.vcpus.into(), 20, 20)),
        "quota-exceeded-ram" => {
            let ram_mib = i64::try_from(flavor.ram_mib).unwrap_or(i64::MAX);
            Err(quotas::exceeded("ram", ram_mib, 51_200, 51_200))
        }
        _ => Ok(()),
    }
}

fn config_drive(body: &Map<String, Value>) -> Result<bool, Answer> {
    match body.get("config_drive") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(fact)) => Ok(*fact),
        Some(Value::String(text)) => match text.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
            "" | "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
            _ => Err(errors::bad_request("Invalid config_drive provided.")),
        },
        Some(_) => Err(errors::bad_request("Invalid config_drive provided.")),
    }
}

fn zone(context: &Context<'_>, body: &Map<String, Value>) -> Result<Arc<str>, Answer> {
    let Some(zone) = validate::text(body, "availability_zone")? else { return Ok("".into()) };
    let known = context.region.compute_hosts.iter().any(|host| *host.availability_zone == *zone);
    if known {
        Ok(zone.into())
    } else {
        Err(errors::bad_request("The requested availability zone is not available"))
    }
}

/// The image's id; `None` for one that boots from a volume.
fn image(
    context: &Context<'_>,
    body: &Map<String, Value>,
    flavor: &Flavor,
) -> Result<Option<Arc<str>>, Answer> {
    let Some(asked) = validate::text(body, "imageRef")?.filter(|asked| !asked.is_empty()) else {
        if validate::list(body, "block_device_mapping_v2")?.is_empty() {
            return Err(errors::bad_request(
                "Block Device Mapping is Invalid: You specified no image and no boot device.",
            ));
        }
        return Ok(None);
    };
    let images = context.region.images.read();
    let image = images.iter().find(|image| *image.id == *asked);
    let image = image.ok_or_else(|| errors::bad_request("Can not find requested image"))?;
    if image.status != "active" {
        return Err(errors::bad_request(&format!("Image {asked} is not active.")));
    }
    if image.min_ram_mib > flavor.ram_mib {
        return Err(errors::bad_request("Flavor's memory is too small for requested image."));
    }
    if image.min_disk_gib > flavor.disk_gib {
        return Err(errors::bad_request(
            "The created instance's disk would be too small. Flavor's disk is smaller than the minimum size \
             specified in image metadata.",
        ));
    }
    Ok(Some(image.id.clone()))
}

fn cards(
    context: &Context<'_>,
    project_id: &Arc<str>,
    body: &Map<String, Value>,
) -> Result<Vec<Card>, Answer> {
    let known = context.world.networks(context.region, project_id);
    let ambiguous =
        || errors::conflict("Multiple possible networks found, use a Network ID to be more specific.");
    match body.get("networks") {
        Some(Value::String(none)) if none == "none" => Ok(Vec::new()),
        None | Some(Value::String(_)) => Err(ambiguous()),
        Some(Value::Array(asked)) if asked.is_empty() => Err(ambiguous()),
        Some(Value::Array(asked)) => {
            let card = |asked: &Value| {
                let text = |key: &str| asked.get(key).and_then(Value::as_str);
                if let Some(port) = text("port") {
                    let network = context.region.network.read();
                    let mut own = network.ports.values().filter(|port| port.project_id == *project_id);
                    let is_free = own.any(|own| own.nic.port_id.to_string() == port);
                    let missing = || errors::bad_request(&format!("Port id {port} could not be found."));
                    return if is_free { Ok(Card::Port(port.to_owned())) } else { Err(missing()) };
                }
                let id = text("uuid").unwrap_or_default();
                let found = known.iter().find(|network| network.id.to_string() == id);
                let missing = || errors::bad_request(&format!("Network {id} could not be found."));
                let found = found.ok_or_else(missing)?;
                if found.is_external && !context.caller.is_admin() {
                    let message =
                        format!("It is not allowed to create an interface on external network {id}");
                    return Err(errors::forbidden(&message));
                }
                let fixed = match text("fixed_ip") {
                    None => None,
                    Some(fixed) => Some(fixed.parse().map_err(|_| {
                        validate::invalid(
                            "fixed_ip",
                            &Value::from(fixed),
                            &format!("'{fixed}' is not a 'ipv4'"),
                        )
                    })?),
                };
                Ok(Card::In { network: found.name.to_owned(), fixed })
            };
            asked.iter().map(card).collect()
        }
        Some(other) => {
            Err(validate::invalid("networks", other, &format!("{} is not valid", python_repr(other))))
        }
    }
}

fn security_groups(
    context: &Context<'_>,
    project_id: &Arc<str>,
    body: &Map<String, Value>,
) -> Result<Vec<Arc<str>>, Answer> {
    let known = crate::neutron::security_groups::of(context.world, context.region, project_id);
    let mut names: Vec<Arc<str>> = Vec::new();
    for asked in validate::list(body, "security_groups")? {
        let name = asked.get("name").and_then(Value::as_str).unwrap_or_default();
        let found = known.iter().find(|group| group.name == name || group.id.to_string() == name);
        let missing =
            || errors::bad_request(&format!("Unable to find security_group with name or id '{name}'"));
        names.push(found.ok_or_else(missing)?.name.as_str().into());
    }
    if names.is_empty() {
        names.push("default".into());
    }
    Ok(names)
}

/// How few and how many servers are asked for.
fn counts(body: &Map<String, Value>) -> Result<(usize, usize), Answer> {
    let number = |key: &str| {
        let value = body.get(key)?;
        value
            .as_u64()
            .or_else(|| value.as_str()?.parse().ok())
            .and_then(|number| usize::try_from(number).ok())
    };
    let least = number("min_count").unwrap_or(1);
    let most = number("max_count").unwrap_or(least);
    if least > most {
        return Err(errors::bad_request("min_count must be <= max_count"));
    }
    if least == 0 {
        return Err(errors::bad_request("min_count must be > 0"));
    }
    Ok((least, most))
}
