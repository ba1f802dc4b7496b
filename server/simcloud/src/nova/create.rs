//! Creating, renaming and deleting servers.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::lifecycle::Outcome;
use super::order::{self, Card, Order};
use super::view::{Lens, ServerDetail};
use super::{Context, actions, block_devices, history, lifecycle, validate};
use crate::clock::whole_seconds;
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::ids;
use crate::latency::Cost;
use crate::server::{Nic, SimServer};

/// `POST /servers`: 202 with the id and a password; the server is in BUILD.
pub fn create_server(context: &Context<'_>) -> Handled {
    let body = validate::body_object(context, "server")?;
    order::check_schema(context, &body)?;
    context.must_write("servers:create")?;
    let project_id: Arc<str> = context.project_id("servers:create")?.into();
    let order = order::order(context, &project_id, &body, &validate::body(context)?)?;
    let mut created: Vec<Uuid> = Vec::new();
    for number in 1..=order.count {
        created.push(place(context, &project_id, &order, number)?);
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
    let steps = match actions::failure_of(&server, "delete") {
        Some(why) => lifecycle::fail(true, why),
        None => lifecycle::delete(server.host.is_some()),
    };
    actions::begin(context, &server.id, Some("deleting"), steps);
    Ok(Answer::empty(204).cost(Cost::OneServer))
}

/// Puts a server into the region, in BUILD, and lets it go on.
fn place(context: &Context<'_>, project_id: &Arc<str>, order: &Order, number: usize) -> Result<Uuid, Answer> {
    let id = ids::fresh_uuid();
    let now = whole_seconds(context.call.now);
    let name = if order.count > 1 { format!("{}-{number}", order.name) } else { order.name.clone() };
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
        volumes: Vec::new(),
        is_locked: false,
        rare: Some(Box::new(order.rare.clone())),
        script: 0,
    };
    block_devices::provide(context, &order.disks, &mut server)?;
    let outcome = outcome(context, order, &server)?;
    context.region.servers.write().insert(server);
    history::record(context, &id, "create");
    context.world.start_script(context.region, id, lifecycle::build(outcome));
    Ok(id)
}

/// Whether the server will run, and how it will not.
fn outcome(context: &Context<'_>, order: &Order, server: &SimServer) -> Result<Outcome, Answer> {
    // With Neutron's DNS extension a port is refused whose name is no host name.
    let is_host_name = server.host_name().is_ascii();
    let fails = |what: &str| actions::failure_of(server, what).is_some();
    if order.flavor.name == crate::seed::offers::TOO_BIG || fails("no_valid_host") {
        return Ok(Outcome::NoHost);
    }
    if fails("spawn") || fails("create") || !is_host_name && !order.cards.is_empty() {
        return Ok(Outcome::NoRetriesLeft { id: server.id });
    }
    if fails("volume") {
        let volume = server.volumes.first().map(|volume| volume.volume_id).unwrap_or_default();
        return Ok(Outcome::Aborted(format!(
            "Build of instance {} aborted: Volume {volume} did not finish being created even after we waited 187 \
             seconds or 61 attempts. And its status is error.",
            server.id
        )));
    }
    if fails("network") {
        return Ok(Outcome::Aborted(format!(
            "Build of instance {} aborted: Failed to allocate the network(s), not rescheduling.",
            server.id
        )));
    }
    let nics = nics(context, order, server)?;
    if fails("port_binding") {
        let port = nics.first().map(|nic| nic.port_id).unwrap_or_default();
        return Ok(Outcome::Aborted(format!(
            "Binding failed for port {port}, please check neutron logs for more information."
        )));
    }
    Ok(Outcome::Runs(nics))
}

fn nics(context: &Context<'_>, order: &Order, server: &SimServer) -> Result<Vec<Nic>, Answer> {
    let mut nics = Vec::new();
    for card in &order.cards {
        match card {
            Card::Port(port) => {
                let nic = super::attachments::take_port(context, server, port)?;
                context.region.network.write().ports.remove(&nic.port_id);
                nics.push(nic);
            }
            Card::In { network, fixed } => {
                let Some(mut nic) = context.world.fresh_nic(context.region, &server.project_id, network)
                else {
                    continue;
                };
                if let Some(fixed) = fixed {
                    nic.fixed = vec![*fixed];
                }
                nics.push(nic);
            }
        }
    }
    Ok(nics)
}
