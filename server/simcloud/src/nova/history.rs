//! What was done to a server: `os-instance-actions` and their events.

use std::borrow::Cow;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, query};
use crate::clock::{micros, whole_seconds};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled, query_string};
use crate::server::{ActionRecord, SimServer};

/// Writes an action down in the server's history.
pub fn record(context: &Context<'_>, id: &Uuid, action: &'static str) {
    let now = whole_seconds(context.call.now);
    let record = ActionRecord {
        action: Cow::Borrowed(action),
        request_id: context.call.request_id.clone(),
        user_id: context.caller.user_id.clone(),
        started_at: now,
        updated_at: now,
        message: None,
    };
    context.region.servers.write().edit(id, |server| server.rare_mut().actions.push(record));
}

/// `GET /servers/{id}/os-instance-actions`, newest first; from 2.58 on with `limit` and `marker`.
pub fn list_actions(context: &Context<'_>, id: &str) -> Handled {
    let call = context.call;
    let (server_id, actions) = context.with_server(id, |server| (server.id, actions_of(server)))?;
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
    let server = context.with_server(id, SimServer::clone)?;
    let actions = actions_of(&server);
    let action = actions.iter().find(|action| action.request_id == request_id);
    let action = action.ok_or_else(|| errors::not_found(&format!("Action {request_id} not found")))?;
    let mut shown = action_json(context, &server.id, action);
    if context.at_least(51) || context.caller.is_admin() {
        shown["events"] = json!([event_json(context, &server, action)]);
    }
    Ok(Answer::json(200, &json!({"instanceAction": shown})))
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
            message: server.fault().map(|_| Cow::Borrowed("Error")),
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
        "message": action.message,
    });
    if context.at_least(58) {
        shown["updated_at"] = json!(micros(action.updated_at));
    }
    shown
}

fn event_json(context: &Context<'_>, server: &SimServer, action: &ActionRecord) -> Value {
    let is_over = server.task_state.is_none() || action.updated_at > action.started_at;
    let result = if action.message.is_some() { "Error" } else { "Success" };
    let mut event = json!({
        "event": format!("compute_{}_instance", action.action),
        "start_time": micros(action.started_at),
        "finish_time": is_over.then(|| micros(action.updated_at)),
        "result": is_over.then_some(result),
    });
    if context.at_least(62) {
        event["hostId"] = json!(super::view::host_id(server));
    }
    if context.caller.is_admin() {
        event["traceback"] = Value::Null;
        event["host"] = json!(server.host);
    }
    event
}
