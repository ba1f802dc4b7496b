//! Creating, renaming and deleting servers.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::view::{Lens, ServerDetail};
use super::{Context, actions, history, lifecycle, quotas, validate};
use crate::clock::whole_seconds;
use crate::errors::nova as errors;
use crate::http::{Answer, Handled, python_repr};
use crate::ids;
use crate::latency::Cost;
use crate::server::{Flavor, Nic, Rare, SimServer, VolumeAttachment};

/// A request that has passed every check.
struct Order {
    name: String,
    flavor: Arc<Flavor>,
    image_id: Option<Arc<str>>,
    /// The names of networks, a card each.
    networks: Vec<String>,
    security_groups: Vec<Arc<str>>,
    tags: Vec<Arc<str>>,
    metadata: Vec<(Arc<str>, Arc<str>)>,
    key_name: Option<Arc<str>>,
    availability_zone: Arc<str>,
    rare: Rare,
    count: usize,
}

/// `POST /servers`: 202 with the id and a password; the server is in BUILD.
pub fn create_server(context: &Context<'_>) -> Handled {
    let body = validate::body_object(context, "server")?;
    check_schema(context, &body)?;
    context.must_write("servers:create")?;
    let project_id: Arc<str> = context.project_id("servers:create")?.into();
    let order = order(context, &project_id, &body)?;
    let mut created: Vec<Uuid> = Vec::new();
    for number in 1..=order.count {
        created.push(place(context, &project_id, &order, number));
    }
    if body.get("return_reservation_id").and_then(Value::as_bool) == Some(true) {
        let reservation = format!("r-{}", &ids::fresh_uuid().simple().to_string()[..8]);
        return Ok(Answer::json(202, &json!({"reservation_id": reservation})).cost(Cost::OneServer));
    }
    let Some(id) = created.first() else { return Err(errors::bad_request("min_count must be > 0")) };
    let base_url = &context.call.base_url;
    let location = format!("{base_url}/v2.1/servers/{id}");
    let groups: Vec<Value> = order.security_groups.iter().map(|name| json!({"name": name})).collect();
    let body = json!({"server": {
        "id": id,
        "links": [
            {"rel": "self", "href": location},
            {"rel": "bookmark", "href": format!("{base_url}/servers/{id}")},
        ],
        "OS-DCF:diskConfig": "MANUAL",
        "security_groups": groups,
        "adminPass": actions::random_password(),
    }});
    Ok(Answer::json(202, &body).header("location", location).cost(Cost::OneServer))
}

/// `PUT /servers/{id}`: another name or description.
pub fn update_server(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body_object(context, "server")?;
    let known = ["name", "description", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig", "hostname"];
    validate::only("server", &body, |key| known.contains(&key))?;
    let name = body.get("name").map(validate::name).transpose()?;
    let description = validate::text(&body, "description")?;
    let server_id = context.with_server(id, |server| server.id)?;
    context.must_write("servers:update")?;
    context.region.servers.write().touch(&server_id, context.call.now, |server| {
        if let Some(name) = name {
            server.name = name.to_owned();
        }
        if body.contains_key("description") && context.at_least(19) {
            server.rare_mut().description = description.map(str::to_owned);
        }
    });
    let images = context.region.images.read();
    let lens = Lens::of(context, &images, true);
    context.with_server(id, |server| {
        Answer::json(200, &json!({"server": ServerDetail { server, lens }})).cost(Cost::OneServer)
    })
}

/// `DELETE /servers/{id}`: 204; the server stays with the task `deleting` until it is gone.
pub fn delete_server(context: &Context<'_>, id: &str) -> Handled {
    let server = context.with_server(id, SimServer::clone)?;
    context.must_write("servers:delete")?;
    actions::must_be_unlocked(context, &server)?;
    history::record(context, &server.id, "delete");
    actions::begin(context, &server.id, Some("deleting"), lifecycle::delete(server.host.is_some()));
    Ok(Answer::empty(204).cost(Cost::OneServer))
}

/// What Nova's JSON schema refuses, before anything is looked up.
fn check_schema(context: &Context<'_>, body: &Map<String, Value>) -> Result<(), Answer> {
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
    Ok(())
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
fn order(context: &Context<'_>, project_id: &Arc<str>, body: &Map<String, Value>) -> Result<Order, Answer> {
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
    let networks = networks(context, project_id, body)?;
    let security_groups = security_groups(context, project_id, body)?;
    let count = count(body)?;
    quotas::must_fit(context, project_id, count, &flavor, None)?;
    if name == "quota-exceeded" {
        // So that this refusal can be seen by hand, whatever the quota is.
        return Err(quotas::exceeded("instances", 1, 10, 10));
    }
    let metadata = validate::metadata(body.get("metadata"))?;
    let tags = validate::tags(validate::list(body, "tags")?)?;
    let has_drive =
        body.get("config_drive").is_some_and(|drive| drive == true || drive == "true" || drive == "True");
    Ok(Order {
        name,
        flavor,
        image_id,
        networks,
        security_groups,
        tags: tags.into_iter().map(Into::into).collect(),
        metadata: metadata.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        key_name: key_name.map(Into::into),
        availability_zone,
        rare: Rare {
            description: validate::text(body, "description")?.map(str::to_owned),
            user_data: validate::text(body, "user_data")?.map(str::to_owned),
            config_drive: has_drive,
            ..Rare::default()
        },
        count,
    })
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

fn networks(
    context: &Context<'_>,
    project_id: &Arc<str>,
    body: &Map<String, Value>,
) -> Result<Vec<String>, Answer> {
    let known = context.world.networks(context.region, project_id);
    let ambiguous =
        || errors::conflict("Multiple possible networks found, use a Network ID to be more specific.");
    match body.get("networks") {
        Some(Value::String(none)) if none == "none" => Ok(Vec::new()),
        None | Some(Value::String(_)) => Err(ambiguous()),
        Some(Value::Array(asked)) if asked.is_empty() => Err(ambiguous()),
        Some(Value::Array(asked)) => {
            let named = |asked: &Value| {
                let id = asked.get("uuid").and_then(Value::as_str).unwrap_or_default();
                let found = known.iter().find(|network| network.id.to_string() == id);
                let found =
                    found.ok_or_else(|| errors::bad_request(&format!("Network {id} could not be found.")));
                found.map(|network| network.name.to_owned())
            };
            asked.iter().map(named).collect()
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

fn count(body: &Map<String, Value>) -> Result<usize, Answer> {
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
    Ok(most)
}

/// Puts a server into the region, in BUILD, and lets it go on.
fn place(context: &Context<'_>, project_id: &Arc<str>, order: &Order, number: usize) -> Uuid {
    let id = ids::fresh_uuid();
    let now = whole_seconds(context.call.now);
    let name = if order.count > 1 { format!("{}-{number}", order.name) } else { order.name.clone() };
    let root = VolumeAttachment {
        volume_id: ids::fresh_uuid(),
        attachment_id: ids::fresh_uuid(),
        device: "/dev/vda".to_owned(),
        delete_on_termination: true,
    };
    let mut server = SimServer {
        id,
        name,
        project_id: project_id.clone(),
        user_id: context.caller.user_id.clone(),
        status: "BUILD".into(),
        vm_state: "building".into(),
        task_state: Some("scheduling".into()),
        power_state: 0,
        created_at: now,
        updated_at: now,
        launched_at: None,
        terminated_at: None,
        flavor: order.flavor.clone(),
        image_id: order.image_id.clone(),
        nics: Vec::new(),
        tags: order.tags.clone(),
        metadata: order.metadata.clone(),
        availability_zone: order.availability_zone.clone(),
        host: None,
        key_name: order.key_name.clone(),
        security_groups: order.security_groups.clone(),
        volumes: if order.image_id.is_none() { vec![root] } else { Vec::new() },
        is_locked: false,
        rare: Some(Box::new(order.rare.clone())),
        script: 0,
    };
    let outcome = outcome(context, project_id, order, &mut server);
    context.region.volumes.write().adopt(&server);
    context.region.servers.write().insert(server);
    history::record(context, &id, "create");
    context.world.start_script(context.region, id, lifecycle::build(outcome));
    id
}

/// Whether the server will run, and how it will not.
fn outcome(
    context: &Context<'_>,
    project_id: &Arc<str>,
    order: &Order,
    server: &mut SimServer,
) -> lifecycle::Outcome {
    let asked_to_fail =
        order.metadata.iter().any(|(key, value)| &**key == "oslab_fail" && &**value == "spawn");
    // With Neutron's DNS extension a port is refused whose name is no host name.
    let is_host_name = server.host_name().is_ascii();
    if order.flavor.name == "t1.toobig" {
        return lifecycle::Outcome::NoHost;
    }
    if asked_to_fail || !is_host_name && !order.networks.is_empty() {
        return lifecycle::Outcome::NoRetriesLeft { id: server.id };
    }
    let cards = order.networks.iter();
    let nics: Vec<Nic> =
        cards.filter_map(|network| context.world.fresh_nic(context.region, project_id, network)).collect();
    lifecycle::Outcome::Runs(nics)
}
