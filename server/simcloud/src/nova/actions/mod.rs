//! `POST /servers/{id}/action`: what people do to a server, when it is allowed, and how it begins.

mod allowed;
mod begin;
mod rebuild;
mod snapshot;
mod table;

use serde_json::{Map, Value, json};

use super::{Context, console_log, history, lifecycle, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::latency::Cost;
use crate::script::Step;
use crate::server::SimServer;

pub use allowed::{must_be_in, must_be_in_state, must_be_ready, must_be_unlocked};
pub use begin::{begin, failure_of, random_password};

use allowed::{check_argument, check_state, is_hard};
use table::{ACTIONS, Action};

/// What leaves a server in ERROR when it fails; the others leave it as it was.
const ENDS_IN_ERROR: &[&str] = &["resize", "migrate", "revertResize", "rescue"];

/// `POST /servers/{id}/action`: 202 for most; the change itself follows over time.
pub fn act(context: &Context<'_>, id: &str) -> Handled {
    let body = validate::body(context)?;
    let mut entries = body.iter();
    let (Some((key, argument)), None) = (entries.next(), entries.next()) else {
        return Err(errors::bad_request("Malformed request body"));
    };
    let known = ACTIONS.iter().find(|action| action.key == key);
    let action = known.ok_or_else(|| errors::bad_request(&format!("There is no such action: {key}")))?;
    let nothing = Map::new();
    let argument = argument.as_object().unwrap_or(&nothing);
    check_argument(action, argument)?;
    let server = context.with_server(id, SimServer::clone)?;
    if action.is_for_administrators {
        context.must_administer(action.rule)?;
    }
    context.must_write(action.rule)?;
    check_state(context, action, argument, &server)?;
    perform(context, action, argument, &server).map(|answer| answer.cost(Cost::OneServer))
}

fn perform(
    context: &Context<'_>,
    action: &Action,
    argument: &Map<String, Value>,
    server: &SimServer,
) -> Handled {
    let accepted = || Ok(Answer::empty(202));
    let was_running = server.power_state != 4;
    let begin = |task: &'static str, steps: Vec<Step>| {
        history::record(context, &server.id, action.name);
        let steps = match failure_of(server, action.name) {
            Some(why) => lifecycle::fail(ENDS_IN_ERROR.contains(&action.key), why),
            None => steps,
        };
        begin(context, &server.id, Some(task), steps);
    };
    match action.key {
        "os-start" => begin("powering-on", lifecycle::become_after(3.0, "active", 1)),
        "os-stop" => begin("powering-off", lifecycle::become_after(5.0, "stopped", 4)),
        "reboot" if is_hard(argument) => begin("rebooting_hard", lifecycle::hard_reboot()),
        "reboot" => begin("rebooting", lifecycle::reboot()),
        "pause" => begin("pausing", lifecycle::become_after(1.0, "paused", 3)),
        "unpause" => begin("unpausing", lifecycle::become_after(1.0, "active", 1)),
        "suspend" => begin("suspending", lifecycle::become_after(4.0, "suspended", 4)),
        "resume" => begin("resuming", lifecycle::become_after(3.0, "active", 1)),
        "unrescue" => begin("unrescuing", lifecycle::become_after(3.0, "active", 1)),
        "revertResize" => begin("resize_reverting", lifecycle::revert_resize(was_running)),
        "shelve" => begin("shelving", lifecycle::shelve()),
        "shelveOffload" => begin("shelving_offloading", lifecycle::shelve_offload()),
        "unshelve" => begin("unshelving", lifecycle::unshelve()),
        "changePassword" => {
            let password = validate::text(argument, "adminPass")?.map(str::to_owned);
            let mut servers = context.region.servers.write();
            servers.edit(&server.id, |server| server.rare_mut().admin_password = password);
            drop(servers);
            begin("updating_password", lifecycle::task_over_after(2.0));
        }
        "migrate" => begin("resize_prep", lifecycle::resize(server.flavor.clone(), was_running)),
        "os-migrateLive" => begin("migrating", lifecycle::live_migrate()),
        "confirmResize" => {
            history::record(context, &server.id, action.name);
            let steps = match failure_of(server, action.name) {
                Some(why) => lifecycle::fail(false, why),
                None => lifecycle::confirm_resize(was_running),
            };
            context.world.start_script(context.region, server.id, steps);
            return Ok(Answer::empty(204));
        }
        "rescue" => {
            must_be_rescuable(context, argument, server)?;
            begin("rescuing", lifecycle::become_after(4.0, "rescued", 1));
            let password = validate::text(argument, "adminPass")?.map_or_else(random_password, str::to_owned);
            return Ok(Answer::json(200, &json!({"adminPass": password})));
        }
        "resize" => {
            let flavor = new_flavor(context, argument, server)?;
            let steps = if flavor.name == crate::seed::offers::TOO_BIG {
                lifecycle::fail(false, "No valid host was found. No valid host found for resize".into())
            } else {
                lifecycle::resize(flavor, was_running)
            };
            begin("resize_prep", steps);
        }
        "rebuild" => return rebuild::rebuild(context, argument, server),
        "createImage" | "createBackup" => return snapshot::snapshot(context, action.key, argument, server),
        "lock" | "unlock" => {
            let reason = validate::text(argument, "locked_reason")?.map(str::to_owned);
            let locks = action.key == "lock";
            context.region.servers.write().touch(&server.id, context.call.now, |server| {
                server.is_locked = locks;
                if locks || server.rare.is_some() {
                    server.rare_mut().locked_reason = reason.filter(|_| locks);
                }
            });
            history::record_done(context, &server.id, action.name);
        }
        "addSecurityGroup" | "removeSecurityGroup" => {
            change_security_group(context, action, argument, server)?
        }
        "os-resetState" => reset_state(context, argument, server)?,
        "os-getConsoleOutput" => return Ok(console_log::output(server, argument, context.call.now)),
        // Only the history tells that it happened.
        _ => history::record_done(context, &server.id, action.name),
    }
    accepted()
}

fn new_flavor(
    context: &Context<'_>,
    argument: &Map<String, Value>,
    server: &SimServer,
) -> Result<std::sync::Arc<crate::server::Flavor>, Answer> {
    let asked = validate::text(argument, "flavorRef")?.unwrap_or_default();
    let flavor = context.region.flavor(asked);
    let flavor = flavor.ok_or_else(|| errors::bad_request(&format!("Flavor {asked} could not be found.")))?;
    if flavor.id == server.flavor.id {
        return Err(errors::bad_request("When resizing, instances must change flavor!"));
    }
    super::quotas::must_fit(context, &server.project_id, 0, flavor, Some(&server.flavor))?;
    Ok(flavor.clone())
}

/// 400 for a server that boots from a volume, which only newer versions rescue, and for an unknown image.
fn must_be_rescuable(
    context: &Context<'_>,
    argument: &Map<String, Value>,
    server: &SimServer,
) -> Result<(), Answer> {
    if server.is_booted_from_volume() && !context.at_least(87) {
        let message =
            format!("Instance {} cannot be rescued: Cannot rescue a volume-backed instance", server.id);
        return Err(errors::bad_request(&message));
    }
    let Some(asked) = validate::text(argument, "rescue_image_ref")? else { return Ok(()) };
    let images = context.region.images.read();
    let is_known = images.iter().any(|image| *image.id == *asked && image.status == "active");
    if is_known { Ok(()) } else { Err(errors::bad_request(&format!("Image {asked} could not be found."))) }
}

fn change_security_group(
    context: &Context<'_>,
    action: &Action,
    argument: &Map<String, Value>,
    server: &SimServer,
) -> Result<(), Answer> {
    let name = validate::text(argument, "name")?.unwrap_or_default();
    let known = crate::neutron::security_groups::of(context.world, context.region, &server.project_id);
    if !known.iter().any(|group| group.name == name) {
        let message = format!("Unable to find security_group with name or id '{name}'");
        return Err(errors::not_found(&message));
    }
    context.region.servers.write().edit(&server.id, |server| {
        server.security_groups.retain(|group| **group != *name);
        if action.key == "addSecurityGroup" {
            server.security_groups.push(name.into());
        }
    });
    Ok(())
}

fn reset_state(
    context: &Context<'_>,
    argument: &Map<String, Value>,
    server: &SimServer,
) -> Result<(), Answer> {
    let state = match validate::text(argument, "state")?.unwrap_or_default() {
        "active" => "active",
        "error" => "error",
        other => {
            let why = format!("'{other}' is not one of ['active', 'error']");
            return Err(validate::invalid("state", &json!(other), &why));
        }
    };
    context.region.servers.write().touch(&server.id, context.call.now, |server| {
        server.script += 1;
        server.set_state(state, None);
    });
    Ok(())
}
