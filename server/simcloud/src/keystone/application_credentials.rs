//! Application credentials: a name and a secret that stand for a user in one project.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::sign_in::random_text;
use super::{admin_token, caller_token, links};
use crate::clock::micros_z;
use crate::errors::keystone as errors;
use crate::http::{Answer, Call, Handled};
use crate::identity::{ApplicationCredential, Identity, Role};
use crate::runtime::Shared;

/// `GET /v3/users/{id}/application_credentials`
pub fn list(shared: &Shared, call: &Call, user_id: &str) -> Handled {
    let identity = shared.world.identity.read();
    own(shared, &identity, call, user_id)?;
    let all = identity.application_credentials.values().filter(|credential| *credential.user_id == *user_id);
    let listed: Vec<Value> = all.map(|credential| described(call, &identity, credential, false)).collect();
    Ok(Answer::json(200, &json!({"application_credentials": listed, "links": links(call)})))
}

/// `POST /v3/users/{id}/application_credentials`: the secret is shown only in this answer.
pub fn create(shared: &Shared, call: &Call, user_id: &str) -> Handled {
    let mut identity = shared.world.identity.write();
    own(shared, &identity, call, user_id)?;
    let token = caller_token(shared, &identity, call)?;
    if token.application_credential_id.is_some() {
        return Err(errors::forbidden(
            "Using method 'application_credential' is not allowed for managing additional application \
             credentials.",
        ));
    }
    let project_id = token.project_id().cloned();
    let project_id = project_id.ok_or_else(|| errors::forbidden("identity:create_application_credential"))?;
    let (user_id, held) = (token.user_id.clone(), token.roles.clone());
    let body: Value = call.json().ok_or_else(|| errors::expecting("valid JSON in request body"))?;
    let asked = body.get("application_credential").and_then(Value::as_object);
    let asked = asked.ok_or_else(|| errors::expecting("application_credential in request body"))?;
    let text = |key: &str| asked.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").ok_or_else(|| errors::expecting("name in application_credential"))?;
    let taken = identity.application_credentials.values();
    if taken.into_iter().any(|credential| credential.user_id == user_id && credential.name == name) {
        let message =
            format!("Conflict occurred attempting to store application_credential - Duplicate entry {name}.");
        return Err(errors::error(409, &message));
    }
    let expires_at = text("expires_at").and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let credential = ApplicationCredential {
        id: crate::ids::fresh_uuid().simple().to_string(),
        name,
        description: text("description"),
        user_id,
        project_id,
        secret: text("secret").unwrap_or_else(|| random_text("", 86)),
        roles: asked_roles(&identity, asked, &held),
        expires_at: expires_at.map(|end| end.to_utc()),
    };
    let answer = json!({"application_credential": described(call, &identity, &credential, true)});
    identity.application_credentials.insert(credential.id.clone(), credential);
    Ok(Answer::json(201, &answer))
}

/// `DELETE /v3/users/{user}/application_credentials/{id}`: ends its tokens as well.
pub fn delete(shared: &Shared, call: &Call, user_id: &str, id: &str) -> Handled {
    let mut identity = shared.world.identity.write();
    own(shared, &identity, call, user_id)?;
    let removed = identity.application_credentials.remove(id);
    removed.ok_or_else(|| errors::could_not_find("application credential", id))?;
    identity.revoke_where(|token| token.application_credential_id.as_deref() == Some(id));
    Ok(Answer::empty(204))
}

/// Lets the user through to their own, and administrators to everybody's.
fn own(shared: &Shared, identity: &Identity, call: &Call, user_id: &str) -> Result<(), Answer> {
    let token = caller_token(shared, identity, call)?;
    if *token.user_id != *user_id {
        admin_token(shared, identity, call, "identity:list_application_credentials")?;
    }
    Ok(())
}

/// The roles asked for with those they imply, of those the caller has; all of them when none are named.
fn asked_roles(identity: &Identity, asked: &Map<String, Value>, held: &[Role]) -> Vec<Role> {
    let Some(named) = asked.get("roles").and_then(Value::as_array) else { return held.to_vec() };
    let by_name_or_id = |role: &Value| {
        let name = role.get("name").and_then(Value::as_str);
        let id = role.get("id").and_then(Value::as_str);
        Role::ALL.into_iter().find(|known| Some(known.name()) == name || Some(identity.role_id(*known)) == id)
    };
    let most = named.iter().filter_map(by_name_or_id).max();
    held.iter().copied().filter(|role| Some(*role) <= most).collect()
}

fn described(
    call: &Call,
    identity: &Identity,
    credential: &ApplicationCredential,
    with_secret: bool,
) -> Value {
    let role = |role: &Role| {
        json!({
            "id": identity.role_id(*role),
            "name": role.name(),
            "domain_id": null,
            "description": null,
            "options": {"immutable": true},
        })
    };
    let mut body = json!({
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": null,
        "expires_at": credential.expires_at.map(micros_z),
        "unrestricted": null,
        "roles": credential.roles.iter().map(role).collect::<Vec<_>>(),
        "links": {"self": format!("{}/v3/application_credentials/{}", call.base_url, credential.id)},
    });
    if with_secret {
        body["secret"] = json!(credential.secret);
    }
    body
}
