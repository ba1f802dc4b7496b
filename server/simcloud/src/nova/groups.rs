//! Server groups: servers that are to be kept apart or together.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Context, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::ids;

/// A group of servers that are to be kept apart or together.
#[derive(Clone, Debug)]
pub struct ServerGroup {
    pub id: Uuid,
    pub name: String,
    pub policy: String,
    pub project_id: Arc<str>,
    pub user_id: Arc<str>,
}

/// How many groups a project may have, and servers a group.
pub const MOST_GROUPS: usize = 10;
pub const MOST_MEMBERS: usize = 10;

/// `GET /os-server-groups`
pub fn list_server_groups(context: &Context<'_>) -> Handled {
    let project_id = context.project_id("os-server-groups:index")?;
    let groups = context.region.server_groups.read();
    let own = groups.iter().filter(|group| *group.project_id == *project_id);
    let shown: Vec<Value> = own.map(|group| group_json(context, group)).collect();
    Ok(Answer::json(200, &json!({"server_groups": shown})))
}

/// `GET /os-server-groups/{id}`
pub fn show_server_group(context: &Context<'_>, id: &str) -> Handled {
    let groups = context.region.server_groups.read();
    let group = groups.iter().find(|group| owns(context, group, id)).ok_or_else(|| no_group(id))?;
    Ok(Answer::json(200, &json!({"server_group": group_json(context, group)})))
}

/// `POST /os-server-groups`
pub fn create_server_group(context: &Context<'_>) -> Handled {
    let body = validate::body_object(context, "server_group")?;
    validate::required("server_group", &body, "name")?;
    context.must_write("os-server-groups:create")?;
    let policies = validate::list(&body, "policies")?;
    let policy = validate::text(&body, "policy")?.or_else(|| policies.first().and_then(Value::as_str));
    let known = ["anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity"];
    let Some(policy) = policy.filter(|policy| known.contains(policy)) else {
        let asked = json!(policy);
        let why = format!("{} is not one of ['{}']", crate::http::python_repr(&asked), known.join("', '"));
        return Err(validate::invalid("policy", &asked, &why));
    };
    let project_id: Arc<str> = context.project_id("os-server-groups:create")?.into();
    let group = ServerGroup {
        id: ids::fresh_uuid(),
        name: validate::text(&body, "name")?.unwrap_or_default().to_owned(),
        policy: policy.to_owned(),
        project_id: project_id.clone(),
        user_id: context.caller.user_id.clone(),
    };
    let shown = group_json(context, &group);
    let mut groups = context.region.server_groups.write();
    if groups.iter().filter(|group| group.project_id == project_id).count() >= MOST_GROUPS {
        return Err(errors::forbidden("Quota exceeded, too many server groups."));
    }
    groups.push(group);
    Ok(Answer::json(200, &json!({"server_group": shown})))
}

/// `DELETE /os-server-groups/{id}`
pub fn delete_server_group(context: &Context<'_>, id: &str) -> Handled {
    context.must_write("os-server-groups:delete")?;
    let mut groups = context.region.server_groups.write();
    let own = groups.iter().position(|group| owns(context, group, id));
    groups.remove(own.ok_or_else(|| no_group(id))?);
    Ok(Answer::empty(204))
}

/// The group that a request's scheduler hints name, with room for so many servers more.
///
/// Errors: 400 for an unknown one, 403 for a full one.
pub fn of_hints(
    context: &Context<'_>,
    body: &Map<String, Value>,
    count: usize,
) -> Result<Option<ServerGroup>, Answer> {
    let hints = body.get("os:scheduler_hints").or_else(|| body.get("OS-SCH-HNT:scheduler_hints"));
    let Some(id) = hints.and_then(|hints| hints.get("group")).and_then(Value::as_str) else {
        return Ok(None);
    };
    let groups = context.region.server_groups.read();
    let group = groups.iter().find(|group| owns(context, group, id)).cloned();
    let missing = || errors::bad_request(&format!("Instance group {id} could not be found."));
    let group = group.ok_or_else(missing)?;
    if members(context, &group).len() + count > MOST_MEMBERS {
        return Err(errors::forbidden("Quota exceeded, too many servers in group"));
    }
    Ok(Some(group))
}

/// How many groups a project has.
pub fn count(context: &Context<'_>, project_id: &str) -> usize {
    let groups = context.region.server_groups.read();
    groups.iter().filter(|group| *group.project_id == *project_id).count()
}

/// The servers in a group.
pub fn members(context: &Context<'_>, group: &ServerGroup) -> Vec<Uuid> {
    let servers = context.region.servers.read();
    let own = servers.in_order(Some(&group.project_id), None);
    let is_member = |server: &&crate::server::SimServer| {
        server.rare.as_ref().and_then(|rare| rare.server_group_id) == Some(group.id)
    };
    own.filter(is_member).map(|server| server.id).collect()
}

fn owns(context: &Context<'_>, group: &ServerGroup, id: &str) -> bool {
    group.id.to_string() == id && context.caller.project_id.as_ref() == Some(&group.project_id)
}

fn group_json(context: &Context<'_>, group: &ServerGroup) -> Value {
    let mut shown = json!({
        "id": group.id,
        "name": group.name,
        "members": members(context, group),
        "project_id": group.project_id,
        "user_id": group.user_id,
    });
    if context.at_least(64) {
        shown["policy"] = json!(group.policy);
        shown["rules"] = json!({});
    } else {
        shown["policies"] = json!([group.policy]);
        shown["metadata"] = json!({});
    }
    shown
}

fn no_group(id: &str) -> Answer {
    errors::not_found(&format!("Instance group {id} could not be found."))
}
