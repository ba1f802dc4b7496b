//! What was done to a server: `os-instance-actions` and their events.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, query};
use crate::clock::{micros, whole_seconds};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled, query_string};
use crate::server::{ActionRecord, SimServer};

/// Writes an action down in the server's history. What follows says when it is over.
pub fn record(context: &Context<'_>, id: &Uuid, action: &'static str) {
    write(context, id, action, None, None);
}

/// Writes an action down that is over with its answer.
pub fn record_done(context: &Context<'_>, id: &Uuid, action: &'static str) {
    write(context, id, action, Some(whole_seconds(context.call.now)), None);
}

/// Writes an action down that failed at once, and why.
pub fn record_failed(context: &Context<'_>, id: &Uuid, action: &'static str, why: Cow<'static, str>) {
    write(context, id, action, Some(whole_seconds(context.call.now)), Some(why));
}

fn write(
    context: &Context<'_>,
    id: &Uuid,
    action: &'static str,
    finished_at: Option<DateTime<Utc>>,
    failure: Option<Cow<'static, str>>,
) {
    let now = whole_seconds(context.call.now);
    let record = ActionRecord {
        action: Cow::Borrowed(action),
        request_id: context.call.request_id.clone(),
        user_id: context.caller.user_id.clone(),
        started_at: now,
        updated_at: now,
        finished_at,
        failure,
    };
    context.region.servers.write().edit(id, |server| server.rare_mut().actions.push(record));
}

/// `GET /servers/{id}/os-instance-actions`, newest first; from 2.58 on with `limit` and `marker`.
pub fn list_actions(context: &Context<'_>, id: &str) -> Handled {
    let call = context.call;
    let (server_id, actions) = with_history(context, id, |server| (server.id, actions_of(server)))?;
    let limit = match call.query_value("limit") {
        Some(limit) if context.at_least(58) => limit.parse().unwrap_or(query::MAX_LIMIT),
        _ => query::MAX_LIMIT,
    };
    let start = match call.query_value("marker").filter(|_| context.at_least(58)) {
        Some(marker) => {
            let found = actions.iter().position(|action| action.request_id == marker);
            found.ok_or_else(|| errors::bad_request(&format!("marker [{marker}] not found")))? + 1
        }
        None => 0,
    };
    let rest = &actions[start.min(actions.len())..];
    let page = &rest[..limit.min(rest.len())];
    let shown: Vec<Value> = page.iter().map(|action| action_json(context, &server_id, action)).collect();
    let mut body = json!({"instanceActions": shown});
    if let Some(last) = page.last().filter(|_| page.len() == limit && context.at_least(58)) {
        let parameters =
            [("limit", call.query_value("limit").unwrap_or_default()), ("marker", &last.request_id)];
        let query = query_string(parameters);
        let href = format!("{}/v2.1/servers/{id}/os-instance-actions?{query}", call.base_url);
        body["links"] = json!([{"rel": "next", "href": href}]);
    }
    Ok(Answer::json(200, &body))
}

/// `GET /servers/{id}/os-instance-actions/{request id}`: one action with its events.
pub fn show_action(context: &Context<'_>, id: &str, request_id: &str) -> Handled {
    let server = with_history(context, id, SimServer::clone)?;
    let actions = actions_of(&server);
    let action = actions.iter().find(|action| action.request_id == request_id);
    let action = action.ok_or_else(|| errors::not_found(&format!("Action {request_id} not found")))?;
    let mut shown = action_json(context, &server.id, action);
    if context.at_least(51) || context.caller.is_admin() {
        shown["events"] = json!(events_json(context, &server, action));
    }
    Ok(Answer::json(200, &json!({"instanceAction": shown})))
}

/// Reads a server; from 2.21 on also one that was deleted, whose history Nova keeps.
fn with_history<T>(context: &Context<'_>, id: &str, read: impl Fn(&SimServer) -> T) -> Result<T, Answer> {
    let found = context.with_server(id, &read);
    if found.is_ok() || !context.at_least(21) {
        return found;
    }
    let servers = context.region.servers.read();
    let deleted = Uuid::parse_str(id).ok().and_then(|id| servers.any(&id));
    deleted.filter(|server| context.may_see(server)).map(read).ok_or_else(|| errors::server_not_found(id))
}

/// The actions, newest first; the last is its creation, which is not kept but follows from the server.
fn actions_of(server: &SimServer) -> Vec<ActionRecord> {
    let kept = server.rare.iter().flat_map(|rare| rare.actions.iter().rev()).cloned();
    let mut actions: Vec<ActionRecord> = kept.collect();
    if actions.last().is_none_or(|oldest| oldest.action != "create") {
        let id = server.id.as_u128();
        actions.push(ActionRecord {
            action: Cow::Borrowed("create"),
            request_id: format!("req-{}", Uuid::from_u128(id.rotate_left(64) ^ 0x5a5a)),
            user_id: server.user_id.clone(),
            started_at: server.created_at,
            updated_at: server.launched_at.unwrap_or(server.created_at),
            finished_at: server.launched_at.or(server.fault().map(|fault| fault.created_at)),
            failure: server.fault().map(|fault| Cow::Owned(fault.message.clone())),
        });
    }
    actions
}

fn action_json(context: &Context<'_>, server_id: &Uuid, action: &ActionRecord) -> Value {
    let mut shown = json!({
        "action": action.action,
        "instance_uuid": server_id,
        "request_id": action.request_id,
        "user_id": action.user_id,
        "project_id": context.caller.project_id,
        "start_time": micros(action.started_at),
        "message": action.failure.as_ref().map(|_| "Error"),
    });
    if context.at_least(58) {
        shown["updated_at"] = json!(micros(action.updated_at));
    }
    shown
}

/// What Nova's services did for an action, one after the other; only the first while it goes on or where
/// it failed.
fn events_json(context: &Context<'_>, server: &SimServer, action: &ActionRecord) -> Vec<Value> {
    let names = events_of(&action.action);
    let count = if action.finished_at.is_some() && action.failure.is_none() { names.len() } else { 1 };
    let duration = action.updated_at - action.started_at;
    let share = duration / i32::try_from(count).unwrap_or(1);
    let mut start = action.started_at;
    let mut events = Vec::new();
    for (number, name) in names.iter().take(count).enumerate() {
        let finish = if number + 1 == count { action.updated_at } else { whole_seconds(start + share) };
        let result = if action.failure.is_some() { "Error" } else { "Success" };
        let mut event = json!({
            "event": name,
            "start_time": micros(start),
            "finish_time": action.finished_at.map(|_| micros(finish)),
            "result": action.finished_at.map(|_| result),
        });
        if context.at_least(62) {
            event["hostId"] = json!(super::view::host_id(server));
        }
        if let Some(failure) = action.failure.as_ref().filter(|_| context.at_least(84)) {
            event["details"] = json!(failure);
        }
        if context.caller.is_admin() {
            let traceback = |failure: &Cow<'_, str>| {
                format!("Traceback (most recent call last):\n  File \"nova/compute/manager.py\"\n{failure}\n")
            };
            event["traceback"] = json!(action.failure.as_ref().map(traceback));
            event["host"] = json!(server.host);
        }
        events.push(event);
        start = finish;
    }
    // The newest first, as Nova lists them.
    events.reverse();
    events
}

/// The names of the methods that Nova wraps into events (`wrap_instance_event` in nova/compute/manager.py
/// and nova/compute/api.py).
fn events_of(action: &str) -> &'static [&'static str] {
    match action {
        "create" => &["compute__do_build_and_run_instance"],
        "delete" => &["compute_terminate_instance"],
        "start" => &["compute_start_instance"],
        "stop" => &["compute_stop_instance"],
        "reboot" => &["compute_reboot_instance"],
        "pause" => &["compute_pause_instance"],
        "unpause" => &["compute_unpause_instance"],
        "suspend" => &["compute_suspend_instance"],
        "resume" => &["compute_resume_instance"],
        "resize" | "migrate" => &[
            "conductor_migrate_server",
            "compute_prep_resize",
            "compute_resize_instance",
            "compute_finish_resize",
        ],
        "confirmResize" => &["compute_confirm_resize"],
        "revertResize" => &["compute_revert_resize", "compute_finish_revert_resize"],
        "rebuild" => &["compute_rebuild_instance"],
        "rescue" => &["compute_rescue_instance"],
        "unrescue" => &["compute_unrescue_instance"],
        "shelve" => &["compute_shelve_instance", "compute_shelve_offload_instance"],
        "shelveOffload" => &["compute_shelve_offload_instance"],
        "unshelve" => &["compute_unshelve_instance"],
        "createImage" => &["compute_snapshot_instance"],
        "createBackup" => &["compute_backup_instance"],
        "changePassword" => &["compute_set_admin_password"],
        "trigger_crash_dump" => &["compute_trigger_crash_dump"],
        "attach_volume" => &["compute_attach_volume"],
        "detach_volume" => &["compute_detach_volume"],
        "attach_interface" => &["compute_attach_interface"],
        "detach_interface" => &["compute_detach_interface"],
        "live-migration" => &["compute_live_migration"],
        "lock" => &["api_lock"],
        "unlock" => &["api_unlock"],
        _ => &["compute_unknown"],
    }
}
