//! `POST /servers/{id}/action`: what people do to a server, when it is allowed, and how it begins.

use std::borrow::Cow;

use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::view::{Lens, ServerDetail};
use super::{Context, console_log, history, images, lifecycle, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::latency::Cost;
use crate::script::Step;
use crate::server::SimServer;

/// An action and when it is allowed.
struct Action {
    /// The key of the request's body.
    key: &'static str,
    /// The name in messages and in the history.
    name: &'static str,
    /// The policy's name.
    rule: &'static str,
    is_for_administrators: bool,
    /// The states it is allowed in; empty for any.
    states: &'static [&'static str],
    /// Not while a task is running.
    is_exclusive: bool,
    /// Not on a locked server.
    needs_key: bool,
    /// Only on a server that is on a host.
    needs_host: bool,
}

const fn action(
    key: &'static str,
    name: &'static str,
    rule: &'static str,
    states: &'static [&'static str],
) -> Action {
    Action {
        key,
        name,
        rule,
        is_for_administrators: false,
        states,
        is_exclusive: true,
        needs_key: true,
        needs_host: false,
    }
}

const fn harmless(key: &'static str, name: &'static str, rule: &'static str) -> Action {
    Action {
        key,
        name,
        rule,
        is_for_administrators: false,
        states: &[],
        is_exclusive: false,
        needs_key: false,
        needs_host: false,
    }
}

/// Nova asks the host; one that is on none is not ready.
const fn on_host(action: Action) -> Action {
    Action { needs_host: true, ..action }
}

/// A lock is there to prevent changes, and this makes none.
const fn even_if_locked(action: Action) -> Action {
    Action { needs_key: false, ..action }
}

const RUNNING: &[&str] = &["active"];
const SNAPSHOT: &[&str] = &["active", "stopped", "paused", "suspended"];
const HARD_REBOOT: &[&str] = &["active", "stopped", "paused", "suspended", "error"];
/// The tasks that a hard reboot may end (`ALLOW_REBOOT` in nova/compute/task_states.py).
const REBOOT_TASKS: &[&str] = &[
    "rebooting",
    "reboot_pending",
    "reboot_started",
    "resuming",
    "rebooting_hard",
    "unpausing",
    "pausing",
    "suspending",
];

const ACTIONS: &[Action] = &[
    on_host(action("os-start", "start", "servers:start", &["stopped"])),
    on_host(action("os-stop", "stop", "servers:stop", &["active", "error"])),
    action("reboot", "reboot", "servers:reboot", RUNNING),
    action("pause", "pause", "os-pause-server:pause", RUNNING),
    action("unpause", "unpause", "os-pause-server:unpause", &["paused"]),
    action("suspend", "suspend", "os-suspend-server:suspend", RUNNING),
    action("resume", "resume", "os-suspend-server:resume", &["suspended"]),
    action("resize", "resize", "servers:resize", &["active", "stopped"]),
    action("confirmResize", "confirmResize", "servers:confirm_resize", &["resized"]),
    action("revertResize", "revertResize", "servers:revert_resize", &["resized"]),
    action("rebuild", "rebuild", "servers:rebuild", &["active", "stopped", "error"]),
    action("rescue", "rescue", "os-rescue", &["active", "stopped", "error"]),
    action("unrescue", "unrescue", "os-unrescue", &["rescued"]),
    action("shelve", "shelve", "os-shelve:shelve", SNAPSHOT),
    action("shelveOffload", "shelveOffload", "os-shelve:shelve_offload", &["shelved"]),
    action("unshelve", "unshelve", "os-shelve:unshelve", &["shelved", "shelved_offloaded"]),
    even_if_locked(action("createImage", "createImage", "servers:create_image", SNAPSHOT)),
    even_if_locked(action("createBackup", "createBackup", "os-create-backup", SNAPSHOT)),
    action("changePassword", "changePassword", "os-admin-password", RUNNING),
    on_host(action(
        "trigger_crash_dump",
        "trigger_crash_dump",
        "servers:trigger_crash_dump",
        &["active", "paused", "rescued", "resized", "error"],
    )),
    // Nova leaves no trace of these in the history.
    harmless("addSecurityGroup", "", "os-security-groups:add"),
    harmless("removeSecurityGroup", "", "os-security-groups:remove"),
    harmless("lock", "lock", "os-lock-server:lock"),
    harmless("unlock", "unlock", "os-lock-server:unlock"),
    on_host(harmless("os-getConsoleOutput", "", "os-console-output")),
    Action {
        is_for_administrators: true,
        ..action("migrate", "migrate", "os-migrate-server:migrate", &["active", "stopped"])
    },
    Action {
        is_for_administrators: true,
        ..action("os-migrateLive", "live-migration", "os-migrate-server:migrate_live", &["active", "paused"])
    },
    Action { is_for_administrators: true, ..harmless("os-resetState", "", "os-admin-actions:reset_state") },
];

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

/// Refuses an argument that cannot be, before anything is looked up.
fn check_argument(action: &Action, argument: &Map<String, Value>) -> Result<(), Answer> {
    match action.key {
        "reboot" => {
            let kinds = ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"];
            let asked = argument.get("type").unwrap_or(&Value::Null);
            if asked.as_str().is_some_and(|asked| kinds.contains(&asked)) {
                return Ok(());
            }
            let repr = crate::http::python_repr(asked);
            Err(validate::invalid("type", asked, &format!("{repr} is not one of ['{}']", kinds.join("', '"))))
        }
        "rebuild" => {
            validate::required("rebuild", argument, "imageRef")?;
            let image = validate::text(argument, "imageRef")?.unwrap_or_default();
            if validate::is_uuid(image) {
                return Ok(());
            }
            Err(validate::invalid("imageRef", &json!(image), &format!("'{image}' is not a 'uuid'")))
        }
        "resize" => validate::required("resize", argument, "flavorRef"),
        "createImage" => validate::required("createImage", argument, "name"),
        "createBackup" => ["name", "backup_type", "rotation"]
            .iter()
            .try_for_each(|key| validate::required("createBackup", argument, key)),
        "changePassword" => validate::required("changePassword", argument, "adminPass"),
        "addSecurityGroup" | "removeSecurityGroup" => validate::required(action.key, argument, "name"),
        "os-resetState" => validate::required(action.key, argument, "state"),
        _ => Ok(()),
    }
}

/// Refuses what the server's state, task or lock does not allow: 409.
fn check_state(
    context: &Context<'_>,
    action: &Action,
    argument: &Map<String, Value>,
    server: &SimServer,
) -> Result<(), Answer> {
    if action.needs_key {
        must_be_unlocked(context, server)?;
    }
    if action.needs_host {
        must_be_ready(server)?;
    }
    if !action.is_exclusive {
        return Ok(());
    }
    let (id, name) = (server.id, action.name);
    let is_hard_reboot = action.key == "reboot" && is_hard(argument);
    let states = if is_hard_reboot { HARD_REBOOT } else { action.states };
    if is_hard_reboot && server.task_state.as_deref().is_some_and(|task| REBOOT_TASKS.contains(&task)) {
        must_be_in_state(server, states, name)?;
    } else {
        must_be_in(server, states, name)?;
    }
    // One that never ran has nothing that could be acted upon.
    if server.launched_at.is_none() || server.host.is_none() && server.vm_state == "error" {
        return Err(errors::conflict(&format!("Instance {id} is in an invalid state for '{name}'")));
    }
    Ok(())
}

/// 409 on a server that is on no host.
pub fn must_be_ready(server: &SimServer) -> Result<(), Answer> {
    if server.host.is_some() {
        return Ok(());
    }
    Err(errors::conflict(&format!("Instance {} is not ready", server.id)))
}

/// 409 where the server's state is none of these, or a task is running.
pub fn must_be_in(server: &SimServer, states: &[&str], name: &str) -> Result<(), Answer> {
    let id = server.id;
    must_be_in_state(server, states, name)?;
    if let Some(task) = &server.task_state {
        return Err(errors::conflict(&format!(
            "Cannot '{name}' instance {id} while it is in task_state {task}"
        )));
    }
    Ok(())
}

/// 409 where the server's state is none of these, whatever task is running.
pub fn must_be_in_state(server: &SimServer, states: &[&str], name: &str) -> Result<(), Answer> {
    if states.contains(&&*server.vm_state) {
        return Ok(());
    }
    let (id, state) = (server.id, &server.vm_state);
    Err(errors::conflict(&format!("Cannot '{name}' instance {id} while it is in vm_state {state}")))
}

/// Why an action is to fail after it was accepted: the server's metadata `oslab_fail` names it, or `any`.
/// Several are separated by commas.
pub fn failure_of(server: &SimServer, name: &str) -> Option<Cow<'static, str>> {
    let (_, asked) = server.metadata.iter().find(|(key, _)| &**key == "oslab_fail")?;
    let is_meant =
        asked.split(',').map(str::trim).any(|asked| asked.eq_ignore_ascii_case(name) || asked == "any");
    is_meant.then(|| format!("The host was told to fail: {name}").into())
}

/// 409 on a locked server, unless an administrator asks.
pub fn must_be_unlocked(context: &Context<'_>, server: &SimServer) -> Result<(), Answer> {
    if server.is_locked && !context.caller.is_admin() {
        return Err(errors::conflict(&format!("Instance {} is locked", server.id)));
    }
    Ok(())
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
        "rebuild" => return rebuild(context, argument, server),
        "createImage" | "createBackup" => return images::snapshot(context, action.key, argument, server),
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

/// Sets the task at once, as Nova does before it answers, and starts what follows.
pub fn begin(context: &Context<'_>, id: &Uuid, task: Option<&'static str>, steps: Vec<Step>) {
    context.region.servers.write().touch(id, context.call.now, |server| server.set_task(task));
    context.world.start_script(context.region, *id, steps);
}

pub fn random_password() -> String {
    rand::rng().sample_iter(Alphanumeric).take(12).map(char::from).collect()
}

fn is_hard(argument: &Map<String, Value>) -> bool {
    let kind = argument.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("hard"))
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

/// The answer to a rebuild is the server itself, with a password.
fn rebuild(context: &Context<'_>, argument: &Map<String, Value>, server: &SimServer) -> Handled {
    let asked = validate::text(argument, "imageRef")?.unwrap_or_default();
    let images = context.region.images.read();
    let image = images.iter().find(|image| *image.id == *asked);
    let image = image.ok_or_else(|| errors::bad_request("Cannot find image for rebuild"))?;
    if image.status != "active" {
        return Err(errors::bad_request(&format!("Image {asked} is not active.")));
    }
    if image.min_ram_mib > server.flavor.ram_mib || image.min_disk_gib > server.flavor.disk_gib {
        return Err(errors::bad_request("Flavor's memory is too small for requested image."));
    }
    if server.is_booted_from_volume() && !context.at_least(93) {
        return Err(errors::bad_request(
            "Unable to rebuild with a different image for a volume-backed server.",
        ));
    }
    let name = argument.get("name").map(validate::name).transpose()?;
    let metadata = argument.get("metadata").map(|value| validate::metadata(Some(value))).transpose()?;
    let description = validate::text(argument, "description")?;
    let key_name = validate::text(argument, "key_name")?;
    let user_data = validate::text(argument, "user_data")?;
    context.region.servers.write().touch(&server.id, context.call.now, |server| {
        if let Some(name) = name {
            server.name = name.to_owned();
        }
        if let Some(metadata) = &metadata {
            let entry = |(key, value): &(String, String)| (key.as_str().into(), value.as_str().into());
            server.metadata = metadata.iter().map(entry).collect();
        }
        if argument.contains_key("description") && context.at_least(19) {
            server.rare_mut().description = description.map(str::to_owned);
        }
        if argument.contains_key("key_name") && context.at_least(54) {
            server.key_name = key_name.map(Into::into);
        }
        if argument.contains_key("user_data") && context.at_least(57) {
            server.rare_mut().user_data = user_data.map(str::to_owned);
        }
        if server.image_id.is_some() {
            server.image_id = Some(image.id.clone());
        }
    });
    history::record(context, &server.id, "rebuild");
    let steps = match failure_of(server, "rebuild") {
        Some(why) => lifecycle::fail(true, why),
        None => {
            let image_id = server.image_id.is_some().then(|| image.id.clone());
            lifecycle::rebuild(image_id, server.power_state != 4)
        }
    };
    begin(context, &server.id, Some("rebuilding"), steps);
    let lens = Lens::of(context, &images, true);
    let mut shown =
        context.with_server(&server.id.to_string(), |server| json!(ServerDetail { server, lens }))?;
    shown["adminPass"] = json!(match validate::text(argument, "adminPass")? {
        Some(asked) => asked.to_owned(),
        None => random_password(),
    });
    if context.at_least(57) {
        let user_data = server.rare.as_ref().and_then(|rare| rare.user_data.clone());
        shown["user_data"] = json!(user_data);
    }
    let location = format!("{}/v2.1/servers/{}", context.call.base_url, server.id);
    Ok(Answer::json(202, &json!({"server": shown})).header("location", location))
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
