//! Users, projects and domains: what a caller may choose, and what administrators see.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{admin_token, caller_token, links, self_link};
use crate::errors::keystone as errors;
use crate::http::{Answer, Call, Handled};
use crate::identity::{Project, Role, User};
use crate::latency::Cost;
use crate::runtime::Shared;

/// `GET /v3/auth/projects`: the projects the caller may choose.
pub fn list_own_projects(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    let projects = identity.projects_of(&token.user_id);
    Ok(projects_answer(call, projects.into_iter()))
}

/// `GET /v3/auth/domains`: the domains the caller has a role on.
pub fn list_own_domains(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    let user = identity.users.get(&token.user_id).filter(|user| user.domain_role.is_some());
    let domains: Vec<Value> =
        user.map(|user| domain_json(call, &user.domain_id, &identity)).into_iter().collect();
    Ok(Answer::json(200, &json!({"domains": domains, "links": links(call)})))
}

/// `GET /v3/auth/system`: whether the caller has a role on the system.
pub fn show_own_system(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    let has_role = identity.users.get(&token.user_id).is_some_and(|user| user.system_role.is_some());
    let system = if has_role { vec![json!({"all": true})] } else { Vec::new() };
    Ok(Answer::json(200, &json!({"system": system, "links": {"self": self_link(call)}})))
}

/// `GET /v3/projects`, for administrators; with `name`, `name__icontains` and `limit`.
pub fn list_projects(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    admin_token(shared, &identity, call, "identity:list_projects")?;
    let projects = identity.projects.values().filter(|project| has_asked_name(call, &project.name));
    let limit = call.query_value("limit").and_then(|limit| limit.parse::<usize>().ok());
    Ok(projects_answer(call, projects.take(limit.unwrap_or(usize::MAX))))
}

/// `GET /v3/projects/{id}`, for administrators and those with a role on it.
pub fn show_project(shared: &Shared, call: &Call, id: &str) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    let project = identity.projects.get(id);
    let project = project.ok_or_else(|| errors::could_not_find("project", id))?;
    let may_see = token.role == Some(Role::Admin) || identity.role_on(&token.user_id, &project.id).is_some();
    if !may_see {
        return Err(errors::forbidden("identity:get_project"));
    }
    Ok(Answer::json(200, &json!({"project": project_json(call, project)})))
}

/// `GET /v3/users/{id}/projects`, for administrators and the user.
pub fn list_projects_of_user(shared: &Shared, call: &Call, id: &str) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    if *token.user_id != *id {
        admin_token(shared, &identity, call, "identity:list_user_projects")?;
    }
    let user = identity.users.get(id).ok_or_else(|| errors::could_not_find("user", id))?;
    let projects = identity.projects_of(&user.id);
    Ok(projects_answer(call, projects.into_iter()))
}

/// `GET /v3/domains`, for administrators.
pub fn list_domains(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    admin_token(shared, &identity, call, "identity:list_domains")?;
    let domains: Vec<Value> =
        identity.domains.iter().map(|domain| domain_json(call, &domain.id, &identity)).collect();
    Ok(Answer::json(200, &json!({"domains": domains, "links": links(call)})))
}

/// `GET /v3/users`, for administrators; with `name`, `name__icontains`, `limit` and `marker`.
pub fn list_users(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    admin_token(shared, &identity, call, "identity:list_users")?;
    let mut users: Vec<&User> =
        identity.users.values().filter(|user| has_asked_name(call, &user.name)).collect();
    users.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(marker) = call.query_value("marker") {
        users.retain(|user| &*user.id > marker);
    }
    let limit = call.query_value("limit").and_then(|limit| limit.parse::<usize>().ok());
    let is_cut = limit.is_some_and(|limit| users.len() > limit);
    users.truncate(limit.unwrap_or(usize::MAX));
    let mut body = json!({
        "users": users.iter().map(|user| user_json(call, user)).collect::<Vec<_>>(),
        "links": links(call),
    });
    if is_cut && let (Some(limit), Some(last)) = (limit, users.last()) {
        let next = format!("{}/v3/users?limit={limit}&marker={}", call.base_url, last.id);
        body["links"]["next"] = json!(next);
        body["truncated"] = json!(true);
    }
    Ok(Answer::json(200, &body))
}

/// `GET /v3/users/{id}`, for administrators and the user.
pub fn show_user(shared: &Shared, call: &Call, id: &str) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    if *token.user_id != *id {
        admin_token(shared, &identity, call, "identity:get_user")?;
    }
    let user = identity.users.get(id).ok_or_else(|| errors::could_not_find("user", id))?;
    Ok(Answer::json(200, &json!({"user": user_json(call, user)})))
}

/// `POST /v3/users/{id}/password`: a user changes their own password, giving the one they have.
pub fn change_password(shared: &Shared, call: &Call, id: &str) -> Handled {
    let mut identity = shared.world.identity.write();
    let token = caller_token(shared, &identity, call)?;
    let is_own = *token.user_id == *id;
    let body: Value = call.json().ok_or_else(|| errors::expecting("valid JSON in request body"))?;
    let text = |key: &str| body.get("user").and_then(|user| user.get(key)).and_then(Value::as_str);
    let new = text("password").ok_or_else(|| errors::expecting("password in user"))?;
    let unauthorized =
        || errors::unauthorized(&format!("{}/v3", shared.keystone_root())).cost(Cost::Password);
    let user = identity.users.get_mut(id).filter(|_| is_own).ok_or_else(unauthorized)?;
    if text("original_password") != Some(&user.password) {
        return Err(unauthorized());
    }
    user.password = new.to_owned();
    let user_id: Arc<str> = user.id.clone();
    // A new password ends every token got with the one before.
    identity.revoke_where(|token| token.user_id == user_id);
    Ok(Answer::empty(204).cost(Cost::Password))
}

/// `GET /v3/role_assignments`, for administrators; with `scope.project.id` and `user.id`.
pub fn list_role_assignments(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    admin_token(shared, &identity, call, "identity:list_role_assignments")?;
    let (asked_project, asked_user) = (call.query_value("scope.project.id"), call.query_value("user.id"));
    let has_names = call.query_value("include_names").is_some();
    let asked = identity.assignments.iter().filter(|((user, project), _)| {
        asked_project.is_none_or(|asked| asked == &**project)
            && asked_user.is_none_or(|asked| asked == &**user)
    });
    let described = |((user_id, project_id), role): (&(Arc<str>, Arc<str>), &Role)| {
        let role_id = identity.role_id(*role);
        let link = format!("{}/v3/projects/{project_id}/users/{user_id}/roles/{role_id}", call.base_url);
        let (user, project) = (identity.users.get(user_id), identity.projects.get(project_id));
        let named = |id: &str, name: Option<&str>, domain_id: Option<&str>| {
            if !has_names {
                return json!({"id": id});
            }
            let domain = domain_id.and_then(|id| identity.domain(id));
            let domain = domain.map(|domain| json!({"id": domain.id, "name": domain.name}));
            json!({"id": id, "name": name, "domain": domain})
        };
        let project_domain = project.map(|project| &*project.domain_id);
        let user_domain = user.map(|user| &*user.domain_id);
        let role_json =
            if has_names { json!({"id": role_id, "name": role.name()}) } else { json!({"id": role_id}) };
        json!({
            "links": {"assignment": link},
            "scope": {"project": named(project_id, project.map(|one| one.name.as_str()), project_domain)},
            "user": named(user_id, user.map(|one| one.name.as_str()), user_domain),
            "role": role_json,
        })
    };
    let assignments: Vec<Value> = asked.map(described).collect();
    Ok(Answer::json(200, &json!({"role_assignments": assignments, "links": links(call)})))
}

/// Whether a name is what the query asks for, if it asks for one.
fn has_asked_name(call: &Call, name: &str) -> bool {
    let is_whole = call.query_value("name").is_none_or(|asked| asked == name);
    let holds = |part: &str| name.to_lowercase().contains(&part.to_lowercase());
    is_whole && call.query_value("name__icontains").is_none_or(holds)
}

fn projects_answer<'a>(call: &Call, projects: impl Iterator<Item = &'a Project>) -> Answer {
    let projects: Vec<Value> = projects.map(|project| project_json(call, project)).collect();
    Answer::json(200, &json!({"projects": projects, "links": links(call)}))
}

fn project_json(call: &Call, project: &Project) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id,
        "description": project.description,
        "enabled": project.enabled,
        "parent_id": project.domain_id,
        "is_domain": false,
        "tags": [],
        "options": {},
        "links": {"self": format!("{}/v3/projects/{}", call.base_url, project.id)},
    })
}

fn user_json(call: &Call, user: &User) -> Value {
    json!({
        "email": format!("{}@sim.example", user.name),
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "password_expires_at": null,
        "options": {},
        "links": {"self": format!("{}/v3/users/{}", call.base_url, user.id)},
    })
}

fn domain_json(call: &Call, id: &str, identity: &crate::identity::Identity) -> Value {
    let name = identity.domain(id).map(|domain| domain.name.as_str());
    json!({
        "id": id,
        "name": name,
        "description": "",
        "enabled": true,
        "tags": [],
        "options": {},
        "links": {"self": format!("{}/v3/domains/{id}", call.base_url)},
    })
}
