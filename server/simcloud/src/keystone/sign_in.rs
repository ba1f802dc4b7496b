//! `POST /v3/auth/tokens`: signing in with a password, a second factor, a token or an application
//! credential, and choosing a scope.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::tokens::{has_catalog, token_json};
use crate::clock::{micros_z, whole_seconds};
use crate::errors::keystone as errors;
use crate::http::{Answer, Call, Handled};
use crate::identity::{Identity, Receipt, Role, Scope, Token, User};
use crate::latency::Cost;
use crate::runtime::Shared;
use crate::totp;

/// Who has been recognized, and by what.
struct Recognized {
    user_id: Arc<str>,
    methods: Vec<String>,
    /// The token it was rescoped from: its chain of audit ids, and its end.
    parent: Option<Token>,
    application_credential: Option<String>,
}

/// `POST /v3/auth/tokens`. 201 with the token in `X-Subject-Token`; 401 with a receipt in
/// `Openstack-Auth-Receipt` when a second factor is asked for.
pub fn create_token(shared: &Shared, call: &Call) -> Handled {
    let body: Value = call
        .json()
        .filter(Value::is_object)
        .ok_or_else(|| errors::expecting("valid JSON in request body"))?;
    let auth = body.get("auth").ok_or_else(|| errors::expecting("auth in request body"))?;
    let auth_identity = auth.get("identity").ok_or_else(|| errors::expecting("identity in auth"))?;
    let methods = auth_identity.get("methods").and_then(Value::as_array);
    let methods = methods.ok_or_else(|| errors::expecting("methods in identity"))?;
    let methods: Vec<&str> = methods.iter().filter_map(Value::as_str).collect();
    for method in &methods {
        auth_identity.get(method).ok_or_else(|| errors::expecting(&format!("{method} in identity")))?;
    }
    let mut identity = shared.world.identity.write();
    let cost = if methods.contains(&"password") { Cost::Password } else { Cost::Token };
    let unauthorized = || errors::unauthorized(&format!("{}/v3", shared.keystone_root())).cost(cost);
    let recognized = recognize(&identity, call, auth_identity, &methods).ok_or_else(unauthorized)?;
    let user = identity.users.get(&recognized.user_id).ok_or_else(unauthorized)?;
    if let Some(receipt) = missing_factor(user, &recognized, call.now) {
        let answer = receipt_answer(&identity, &receipt);
        let id = random_text("gAAAAA", 113);
        identity.receipts.insert(id.clone(), receipt);
        return Err(answer.header("openstack-auth-receipt", id).cost(cost));
    }
    let (scope, role) = scope_of(&identity, user, auth.get("scope"), &recognized).ok_or_else(unauthorized)?;
    let token = make_token(shared, &identity, call, recognized, scope, role);
    let answer = Answer::json(201, &token_json(shared, &identity, &token, has_catalog(call)));
    let answer = answer.header("x-subject-token", token.id.clone()).cost(cost);
    identity.keep_token(token);
    Ok(answer)
}

/// Checks every method given. `None` when one does not hold, or when they name different users.
fn recognize(identity: &Identity, call: &Call, given: &Value, methods: &[&str]) -> Option<Recognized> {
    let mut recognized: Option<Recognized> = None;
    let receipt = call.header("openstack-auth-receipt").and_then(|id| identity.receipts.get(id));
    if let Some(receipt) = receipt.filter(|receipt| call.now < receipt.expires_at) {
        let methods = receipt.methods.clone();
        recognized = Some(Recognized { methods, ..Recognized::user(receipt.user_id.clone()) });
    }
    for method in methods {
        let one = match *method {
            "password" => {
                let password = given.get("password")?.get("user")?;
                let user = named_user(identity, password)?;
                let is_right = password.get("password").and_then(Value::as_str) == Some(&user.password);
                is_right.then(|| Recognized::user(user.id.clone()))?
            }
            "totp" => {
                let totp = given.get("totp")?.get("user")?;
                let user = named_user(identity, totp)?;
                let passcode = totp.get("passcode").and_then(Value::as_str)?;
                let secret = user.totp_secret.as_deref()?;
                totp::is_good(secret, passcode, call.now).then(|| Recognized::user(user.id.clone()))?
            }
            "token" => {
                let id = given.get("token")?.get("id")?.as_str()?;
                let token = identity.good_token(id, call.now)?;
                let methods = token.methods.clone();
                let user_id = token.user_id.clone();
                Recognized { methods, parent: Some(token.clone()), ..Recognized::user(user_id) }
            }
            "application_credential" => application_credential(identity, call, given.get(*method)?)?,
            _ => return None,
        };
        let user = identity.users.get(&one.user_id)?;
        if !user.enabled || user.is_locked && *method == "password" {
            return None;
        }
        recognized = Some(match recognized {
            None => one.by(method),
            Some(before) if before.user_id == one.user_id => {
                Recognized { methods: before.methods, ..one }.by(method)
            }
            Some(_) => return None,
        });
    }
    recognized
}

impl Recognized {
    fn user(user_id: Arc<str>) -> Self {
        Recognized { user_id, methods: Vec::new(), parent: None, application_credential: None }
    }

    fn by(mut self, method: &str) -> Self {
        if !self.methods.iter().any(|known| known == method) {
            self.methods.push(method.to_owned());
        }
        self
    }
}

/// The user that `{"id"}` or `{"name", "domain"}` names.
fn named_user<'a>(identity: &'a Identity, named: &Value) -> Option<&'a User> {
    if let Some(id) = named.get("id").and_then(Value::as_str) {
        return identity.users.get(id);
    }
    let domain = named_domain(identity, named.get("domain")?)?;
    identity.user_by_name(&domain, named.get("name")?.as_str()?)
}

fn named_domain(identity: &Identity, named: &Value) -> Option<Arc<str>> {
    let id = named.get("id").and_then(Value::as_str);
    let name = named.get("name").and_then(Value::as_str);
    let found =
        identity.domains.iter().find(|domain| Some(&*domain.id) == id || Some(domain.name.as_str()) == name);
    found.map(|domain| domain.id.clone())
}

fn application_credential(identity: &Identity, call: &Call, given: &Value) -> Option<Recognized> {
    let secret = given.get("secret")?.as_str()?;
    let credential = match given.get("id").and_then(Value::as_str) {
        Some(id) => identity.application_credentials.get(id)?,
        None => {
            let user = named_user(identity, given.get("user")?)?;
            let name = given.get("name")?.as_str()?;
            let all = identity.application_credentials.values();
            all.into_iter().find(|credential| credential.user_id == user.id && credential.name == name)?
        }
    };
    let is_good = credential.secret == secret && credential.expires_at.is_none_or(|end| call.now < end);
    is_good.then(|| Recognized {
        application_credential: Some(credential.id.clone()),
        ..Recognized::user(credential.user_id.clone())
    })
}

/// The receipt to give when the user has a second factor and has not shown it yet.
fn missing_factor(user: &User, recognized: &Recognized, now: DateTime<Utc>) -> Option<Receipt> {
    let has = |method: &str| recognized.methods.iter().any(|shown| shown == method);
    let is_complete = has("password") && has("totp") || has("application_credential");
    if user.totp_secret.is_none() || is_complete {
        return None;
    }
    let issued_at = whole_seconds(now);
    Some(Receipt {
        user_id: user.id.clone(),
        methods: recognized.methods.clone(),
        issued_at,
        expires_at: issued_at + TimeDelta::minutes(5),
    })
}

fn receipt_answer(identity: &Identity, receipt: &Receipt) -> Answer {
    let user = identity.users.get(&receipt.user_id);
    let domain = user.and_then(|user| identity.domain(&user.domain_id));
    let body = json!({
        "receipt": {
            "methods": receipt.methods,
            "user": {
                "id": receipt.user_id,
                "name": user.map(|user| user.name.as_str()),
                "domain": {
                    "id": domain.map(|domain| &*domain.id),
                    "name": domain.map(|domain| domain.name.as_str()),
                },
            },
            "expires_at": micros_z(receipt.expires_at),
            "issued_at": micros_z(receipt.issued_at),
        },
        "required_auth_methods": [["password", "totp"]],
    });
    Answer::json(401, &body)
}

/// The scope asked for and the user's role in it. `None` when there is no such thing or no role.
fn scope_of(
    identity: &Identity,
    user: &User,
    asked: Option<&Value>,
    recognized: &Recognized,
) -> Option<(Scope, Option<Role>)> {
    if let Some(id) = &recognized.application_credential {
        let credential = identity.application_credentials.get(id)?;
        let role = credential.roles.iter().max().copied();
        return Some((Scope::Project(credential.project_id.clone()), role));
    }
    let Some(Value::Object(asked)) = asked else { return Some((Scope::Unscoped, None)) };
    if let Some(named) = asked.get("project") {
        let project = match named.get("id").and_then(Value::as_str) {
            Some(id) => identity.projects.get(id)?,
            None => {
                let domain = named_domain(identity, named.get("domain")?)?;
                identity.project_by_name(&domain, named.get("name")?.as_str()?)?
            }
        };
        let role = identity.role_on(&user.id, &project.id).filter(|_| project.enabled)?;
        return Some((Scope::Project(project.id.clone()), Some(role)));
    }
    if let Some(named) = asked.get("domain") {
        let domain = named_domain(identity, named)?;
        let role = user.domain_role.filter(|_| user.domain_id == domain)?;
        return Some((Scope::Domain(domain), Some(role)));
    }
    asked.get("system")?;
    Some((Scope::System, Some(user.system_role?)))
}

fn make_token(
    shared: &Shared,
    identity: &Identity,
    call: &Call,
    recognized: Recognized,
    scope: Scope,
    role: Option<Role>,
) -> Token {
    let issued_at = whole_seconds(call.now);
    let lifetime = TimeDelta::from_std(shared.world.config.token_lifetime).unwrap_or(TimeDelta::hours(1));
    let mut audit_ids = vec![random_text("", 22)];
    // A token made from a token ends with it.
    let expires_at = recognized.parent.as_ref().map_or(issued_at + lifetime, |parent| parent.expires_at);
    audit_ids.extend(recognized.parent.and_then(|parent| parent.audit_ids.into_iter().next()));
    let credential = recognized.application_credential.as_ref();
    let credential = credential.and_then(|id| identity.application_credentials.get(id));
    let roles = match credential {
        Some(credential) => credential.roles.clone(),
        None => role.map(Role::with_implied).unwrap_or_default(),
    };
    Token {
        id: random_text("gAAAAA", 177),
        user_id: recognized.user_id,
        methods: recognized.methods,
        scope,
        role,
        roles,
        issued_at,
        expires_at,
        audit_ids,
        application_credential_id: recognized.application_credential,
        is_revoked: false,
    }
}

/// A text of base64 characters that nobody can guess.
pub fn random_text(prefix: &str, length: usize) -> String {
    let bytes: Vec<u8> = (0..length).map(|_| rand::random()).collect();
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    format!("{prefix}{text}")
}
