//! What an action is refused for: what it asks, the server's state, a running task, a lock.

use serde_json::{Map, Value, json};

use super::table::Action;
use crate::errors::nova as errors;
use crate::http::Answer;
use crate::nova::{Context, validate};
use crate::server::SimServer;

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

/// Refuses an argument that cannot be, before anything is looked up.
pub fn check_argument(action: &Action, argument: &Map<String, Value>) -> Result<(), Answer> {
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
pub fn check_state(
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

/// 409 on a locked server, unless an administrator asks.
pub fn must_be_unlocked(context: &Context<'_>, server: &SimServer) -> Result<(), Answer> {
    if server.is_locked && !context.caller.is_admin() {
        return Err(errors::conflict(&format!("Instance {} is locked", server.id)));
    }
    Ok(())
}

pub fn is_hard(argument: &Map<String, Value>) -> bool {
    let kind = argument.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("hard"))
}
