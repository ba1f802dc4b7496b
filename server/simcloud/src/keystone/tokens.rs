//! Tokens: how they look in answers, asking about one, ending one, and how the other services check
//! the one they are given.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::{caller_token, catalog};
use crate::clock::micros_z;
use crate::errors::{self, keystone};
use crate::faults::Service;
use crate::http::{Answer, Call, Handled};
use crate::identity::{Identity, Role, Scope, Token};
use crate::latency::Cost;
use crate::runtime::Shared;

/// Who asks a service, from the token it was given.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: Arc<str>,
    pub user_name: String,
    /// `None` for a token that is scoped to no project.
    pub project_id: Option<Arc<str>>,
    pub project_name: String,
    pub role: Option<Role>,
}

impl Caller {
    pub fn is_admin(&self) -> bool {
        self.role == Some(Role::Admin)
    }

    pub fn may_write(&self) -> bool {
        self.role >= Some(Role::Member)
    }
}

/// Checks the token of a request to Nova, Glance or Neutron, as Keystone's middleware does: what it
/// has once found good stays good for `CloudConfig::token_cache`, even when it is revoked meanwhile.
/// The error is the service's 401.
pub fn validate(shared: &Shared, service: Service, call: &Call) -> Result<Caller, Answer> {
    let refuse = || errors::bad_token(service, &shared.keystone_root());
    let world = &shared.world;
    let id = call.header("x-auth-token").ok_or_else(refuse)?;
    let identity = world.identity.read();
    let token = match identity.good_token(id, call.now) {
        Some(token) => token,
        None => {
            let is_cached = world.validated.lock().get(id).is_some_and(|until| call.now < *until);
            let token = identity.tokens.get(id).filter(|token| is_cached && call.now < token.expires_at);
            token.ok_or_else(refuse)?
        }
    };
    if !world.config.token_cache.is_zero() && !token.is_revoked {
        let mut validated = world.validated.lock();
        let until = call.now + TimeDelta::from_std(world.config.token_cache).unwrap_or_default();
        validated.entry(id.to_owned()).or_insert(until);
        if validated.len() > 10_000 {
            validated.retain(|_, until| call.now < *until);
        }
    }
    let project = token.project_id().and_then(|id| identity.projects.get(id));
    let user_name = identity.users.get(&token.user_id).map(|user| user.name.clone());
    Ok(Caller {
        user_id: token.user_id.clone(),
        user_name: user_name.unwrap_or_default(),
        project_id: project.map(|project| project.id.clone()),
        project_name: project.map(|project| project.name.clone()).unwrap_or_default(),
        role: token.role,
    })
}

/// `GET` and `HEAD /v3/auth/tokens`: what the token in `X-Subject-Token` is good for.
pub fn show_token(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    caller_token(shared, &identity, call)?;
    let subject = call.header("x-subject-token").unwrap_or_default();
    let token = identity.good_token(subject, call.now).ok_or_else(|| ended(&identity, subject))?;
    let mut answer = Answer::json(200, &token_json(shared, &identity, token, has_catalog(call)));
    if call.method == "HEAD" {
        answer.body = Default::default();
    }
    Ok(answer.header("x-subject-token", token.id.clone()).cost(Cost::Token))
}

/// 404 for a token that is none, or none any more; where its application credential is gone, it says so.
fn ended(identity: &Identity, subject: &str) -> Answer {
    let credential_id =
        identity.tokens.get(subject).and_then(|token| token.application_credential_id.as_ref());
    match credential_id.filter(|id| !identity.application_credentials.contains_key(*id)) {
        Some(id) => keystone::could_not_find("Application Credential", id),
        None => keystone::error(404, "Failed to validate token"),
    }
}

/// `DELETE /v3/auth/tokens`: ends the token in `X-Subject-Token`.
pub fn revoke_token(shared: &Shared, call: &Call) -> Handled {
    let mut identity = shared.world.identity.write();
    caller_token(shared, &identity, call)?;
    let subject = call.header("x-subject-token").unwrap_or_default();
    let is_good = identity.good_token(subject, call.now).is_some();
    match identity.tokens.get_mut(subject) {
        Some(token) if is_good => token.is_revoked = true,
        _ => return Err(keystone::error(404, "Failed to validate token")),
    }
    Ok(Answer::empty(204))
}

pub fn has_catalog(call: &Call) -> bool {
    call.query_value("nocatalog").is_none()
}

/// A token as Keystone describes it.
pub fn token_json(shared: &Shared, identity: &Identity, token: &Token, with_catalog: bool) -> Value {
    let mut body = Map::new();
    let user = identity.users.get(&token.user_id);
    let domain = |id: &str| {
        let name = identity.domain(id).map(|domain| domain.name.as_str());
        json!({"id": id, "name": name})
    };
    body.insert("methods".into(), json!(token.methods));
    body.insert(
        "user".into(),
        json!({
            "domain": domain(user.map_or("", |user| &user.domain_id)),
            "id": token.user_id,
            "name": user.map(|user| user.name.as_str()),
            "password_expires_at": null,
        }),
    );
    body.insert("audit_ids".into(), json!(token.audit_ids));
    body.insert("expires_at".into(), json!(micros_z(token.expires_at)));
    body.insert("issued_at".into(), json!(micros_z(token.issued_at)));
    match &token.scope {
        Scope::Unscoped => return json!({"token": body}),
        Scope::Project(id) => {
            if let Some(project) = identity.projects.get(id) {
                let domain = domain(&project.domain_id);
                body.insert("project".into(), json!({"domain": domain, "id": id, "name": project.name}));
                body.insert("is_domain".into(), json!(false));
            }
        }
        Scope::Domain(id) => {
            body.insert("domain".into(), domain(id));
        }
        Scope::System => {
            body.insert("system".into(), json!({"all": true}));
        }
    }
    let role = |role: &Role| json!({"id": identity.role_id(*role), "name": role.name()});
    body.insert("roles".into(), token.roles.iter().map(role).collect());
    if let Some(id) = &token.application_credential_id {
        let credential = identity.application_credentials.get(id);
        let name = credential.map(|credential| credential.name.as_str());
        body.insert("application_credential".into(), json!({"id": id, "name": name, "restricted": true}));
    }
    if with_catalog {
        body.insert("catalog".into(), catalog::catalog(shared, token.project_id().map(|id| &**id)));
    }
    json!({"token": body})
}
