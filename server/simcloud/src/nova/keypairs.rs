//! Key pairs of a user. Nova makes pairs up to 2.91; from 2.92 on the public half has to be given.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{Context, keygen, validate};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};

/// The public half of a key pair, as Nova keeps it.
#[derive(Clone, Debug)]
pub struct KeyPair {
    pub name: String,
    pub public_key: String,
    pub fingerprint: String,
}

/// How many key pairs a user may have.
pub const MOST: usize = 100;

/// `GET /os-keypairs`
pub fn list_keypairs(context: &Context<'_>) -> Handled {
    let keypairs = context.world.keypairs.read();
    let own = keypairs.get(&context.caller.user_id).map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<Value> = own.iter().map(|pair| json!({"keypair": keypair_json(context, pair)})).collect();
    Ok(Answer::json(200, &json!({"keypairs": shown})))
}

/// `GET /os-keypairs/{name}`
pub fn show_keypair(context: &Context<'_>, name: &str) -> Handled {
    let keypairs = context.world.keypairs.read();
    let own = keypairs.get(&context.caller.user_id).map(Vec::as_slice).unwrap_or_default();
    let pair = own.iter().find(|pair| pair.name == name).ok_or_else(|| no_keypair(context, name))?;
    let mut shown = keypair_json(context, pair);
    shown["user_id"] = json!(context.caller.user_id);
    Ok(Answer::json(200, &json!({"keypair": shown})))
}

/// `POST /os-keypairs`: 201 with the pair, from 2.2 on; before, 200.
pub fn create_keypair(context: &Context<'_>) -> Handled {
    let body = validate::body_object(context, "keypair")?;
    validate::required("keypair", &body, "name")?;
    let name = validate::text(&body, "name")?.unwrap_or_default();
    let mut keypairs = context.world.keypairs.write();
    let own = keypairs.entry(context.caller.user_id.clone()).or_default();
    if own.iter().any(|pair| pair.name == name) {
        return Err(errors::conflict(&format!("Key pair '{name}' already exists.")));
    }
    if own.len() >= MOST {
        return Err(errors::forbidden("Quota exceeded, too many key pairs."));
    }
    if context.at_least(92) {
        validate::required("keypair", &body, "public_key")?;
    }
    let made = match validate::text(&body, "public_key")? {
        Some(_) => None,
        None => {
            let failed = || errors::error("computeFault", 500, "No random numbers are to be had.");
            Some(keygen::generate().ok_or_else(failed)?)
        }
    };
    let public_key = match &made {
        Some(made) => made.public_key.as_str(),
        None => validate::text(&body, "public_key")?.unwrap_or_default(),
    };
    let invalid = || errors::bad_request("Keypair data is invalid: failed to generate fingerprint");
    let fingerprint = fingerprint(public_key).ok_or_else(invalid)?;
    let pair = KeyPair { name: name.to_owned(), public_key: public_key.to_owned(), fingerprint };
    let mut shown = keypair_json(context, &pair);
    shown["user_id"] = json!(context.caller.user_id);
    if let Some(made) = &made {
        shown["private_key"] = json!(made.private_key);
    }
    own.push(pair);
    Ok(Answer::json(if context.at_least(2) { 201 } else { 200 }, &json!({"keypair": shown})))
}

/// `DELETE /os-keypairs/{name}`: 204, from 2.2 on; before, 202.
pub fn delete_keypair(context: &Context<'_>, name: &str) -> Handled {
    let mut keypairs = context.world.keypairs.write();
    let own = keypairs.entry(context.caller.user_id.clone()).or_default();
    let position = own.iter().position(|pair| pair.name == name);
    own.remove(position.ok_or_else(|| no_keypair(context, name))?);
    Ok(Answer::empty(if context.at_least(2) { 204 } else { 202 }))
}

fn keypair_json(context: &Context<'_>, pair: &KeyPair) -> Value {
    let mut shown = json!({
        "name": pair.name,
        "public_key": pair.public_key,
        "fingerprint": pair.fingerprint,
    });
    if context.at_least(2) {
        shown["type"] = json!("ssh");
    }
    shown
}

/// The MD5 of a public key's data, as pairs of hex digits. `None` where the text is no public key.
fn fingerprint(public_key: &str) -> Option<String> {
    let data = public_key.split_whitespace().nth(1)?;
    let data = STANDARD.decode(data).ok()?;
    let digest: [u8; 16] = Md5::digest(&data).into();
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(pairs.join(":"))
}

fn no_keypair(context: &Context<'_>, name: &str) -> Answer {
    errors::not_found(&format!("Keypair {name} not found for user {}", context.caller.user_id))
}
