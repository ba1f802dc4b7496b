//! Calls to a cloud as a person would make them without the panel: with curl, with the `openstack` program, with
//! Terraform. Plain Rust; what is written can be pasted as it stands, whatever bytes are in it.
//!
//! Secrets stay out of it: passwords and the like are read from variables that are the person's to set, user data from
//! a file.

mod cli;
mod curl;
pub mod masks;
mod quote;
mod terraform;

use serde_json::Value;

pub use curl::{preamble, script};
pub use quote::{hcl, shell};

/// The fields of an object by name: in what order they are kept depends on how the JSON library was built. Of what is no
/// object, none.
fn by_name(object: &Value) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = object.as_object().into_iter().flatten().collect();
    fields.sort_by_key(|(name, _)| *name);
    fields
}

/// One call to a service of a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Called<'a> {
    pub method: &'a str,
    pub region: &'a str,
    /// As in the proxy's path: `compute`, `image`, `network`, `block-storage`.
    pub service: &'a str,
    /// Below the versioned endpoint, with its query: `servers/detail?limit=50`.
    pub path: &'a str,
    /// The value of `OpenStack-API-Version`: `compute 2.79`.
    pub microversion: Option<&'a str>,
    pub content_type: Option<&'a str>,
    /// The JSON it sends; `None` where it sends nothing or a file.
    pub body: Option<&'a str>,
    /// The name of the file it sends.
    pub file: Option<&'a str>,
}

/// The same call as a command or a piece of configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Curl,
    Cli,
    Terraform,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Curl, Self::Cli, Self::Terraform];

    pub fn name(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Cli => "openstack",
            Self::Terraform => "Terraform",
        }
    }
}

/// Writes a call in a form; `None` where that form has no equivalent.
pub fn written(call: &Called<'_>, form: Form) -> Option<String> {
    match form {
        Form::Curl => Some(curl::one(call)),
        Form::Cli => cli::one(call),
        Form::Terraform => terraform::one(call),
    }
}

/// Writes the making of servers that differ in their name only. `call` is the making of any of them.
pub fn written_for_many(call: &Called<'_>, names: &[String], form: Form) -> Option<String> {
    match (names, form) {
        ([] | [_], _) => written(call, form),
        (_, Form::Curl) => Some(curl::many(call, names)),
        (_, Form::Cli) => cli::many(call, names),
        (_, Form::Terraform) => terraform::many(call, names),
    }
}

/// The path's parts, without its query.
fn parts(path: &str) -> Vec<&str> {
    let path = path.split('?').next().unwrap_or_default();
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// `%20` as the blank it stands for; what is not UTF-8 becomes the mark for it.
fn decoded(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|code| *byte == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        match code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()) {
            Some(code) => {
                plain.push(code);
                rest = &after[2..];
            }
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
