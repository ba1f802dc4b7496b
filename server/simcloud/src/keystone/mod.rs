//! Keystone v3: who signs in, what they may choose, and where the services are.

pub mod application_credentials;
mod catalog;
mod people;
mod sign_in;
mod tokens;

use crate::errors::keystone as errors;
use crate::http::{Answer, Call, Handled, query_string};
use crate::identity::{Identity, Role, Scope, Token};
use crate::latency::Cost;
use crate::runtime::Shared;

pub use tokens::{Caller, validate};

/// Answers a request to Keystone.
pub fn handle(shared: &Shared, call: &Call) -> Answer {
    let answer = route(shared, call).unwrap_or_else(|refusal| refusal);
    let answer = if answer.cost == Cost::Free { answer.cost(Cost::Token) } else { answer };
    answer.header("vary", "X-Auth-Token").header("x-openstack-request-id", call.request_id.clone())
}

fn route(shared: &Shared, call: &Call) -> Handled {
    let parts = call.path_parts();
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", []) => Ok(catalog::versions(call)),
        ("GET", ["v3"]) => Ok(catalog::version(call)),
        ("POST", ["v3", "auth", "tokens"]) => sign_in::create_token(shared, call),
        ("GET" | "HEAD", ["v3", "auth", "tokens"]) => tokens::show_token(shared, call),
        ("DELETE", ["v3", "auth", "tokens"]) => tokens::revoke_token(shared, call),
        ("GET", ["v3", "auth", "catalog"]) => catalog::show_catalog(shared, call),
        ("GET", ["v3", "auth", "projects"]) => people::list_own_projects(shared, call),
        ("GET", ["v3", "auth", "domains"]) => people::list_own_domains(shared, call),
        ("GET", ["v3", "auth", "system"]) => people::show_own_system(shared, call),
        ("GET", ["v3", "projects"]) => people::list_projects(shared, call),
        ("GET", ["v3", "projects", id]) => people::show_project(shared, call, id),
        ("GET", ["v3", "domains"]) => people::list_domains(shared, call),
        ("GET", ["v3", "users"]) => people::list_users(shared, call),
        ("GET", ["v3", "users", id]) => people::show_user(shared, call, id),
        ("GET", ["v3", "users", id, "projects"]) => people::list_projects_of_user(shared, call, id),
        ("POST", ["v3", "users", id, "password"]) => people::change_password(shared, call, id),
        ("GET", ["v3", "role_assignments"]) => people::list_role_assignments(shared, call),
        ("GET", ["v3", "regions"]) => catalog::list_regions(shared, call),
        ("GET", ["v3", "endpoints"]) => catalog::list_endpoints(shared, call),
        ("GET", ["v3", "users", id, "application_credentials"]) => {
            application_credentials::list(shared, call, id)
        }
        ("POST", ["v3", "users", id, "application_credentials"]) => {
            application_credentials::create(shared, call, id)
        }
        ("DELETE", ["v3", "users", user, "application_credentials", id]) => {
            application_credentials::delete(shared, call, user, id)
        }
        _ => Err(errors::unknown_url()),
    }
}

/// The token a request comes with, or the 401.
fn caller_token<'a>(shared: &Shared, identity: &'a Identity, call: &Call) -> Result<&'a Token, Answer> {
    let token = call.header("x-auth-token").and_then(|id| identity.good_token(id, call.now));
    token.ok_or_else(|| errors::unauthorized(&format!("{}/v3", shared.keystone_root())))
}

/// The token, where it is an administrator's; otherwise the 403 of this rule.
fn admin_token<'a>(
    shared: &Shared,
    identity: &'a Identity,
    call: &Call,
    rule: &str,
) -> Result<&'a Token, Answer> {
    let token = caller_token(shared, identity, call)?;
    let is_admin = token.role == Some(Role::Admin) && token.scope != Scope::Unscoped;
    if is_admin { Ok(token) } else { Err(errors::forbidden(rule)) }
}

/// The `links` of a collection.
fn links(call: &Call) -> serde_json::Value {
    serde_json::json!({"next": null, "self": self_link(call), "previous": null})
}

fn self_link(call: &Call) -> String {
    let query = query_string(call.query.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{}{mark}{query}", call.base_url, call.raw_path)
}
