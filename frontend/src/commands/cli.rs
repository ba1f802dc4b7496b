//! With the `openstack` program (python-openstackclient).

mod compute;
mod others;

use serde_json::Value;

use super::{
    Called, by_name, decoded,
    masks::{Variables, from_shell, is_secret},
    parts, shell,
};

/// The command for a call, where the program has one; two, a line each, where it takes two.
pub fn one(call: &Called<'_>) -> Option<String> {
    let body = body_of(call);
    if is_create_server(call) {
        let name = body.get("server")?.get("name")?.as_str()?;
        return Some(create_server(call, &body, &positional(name)));
    }
    let path = parts(call.path);
    let commands = match call.service {
        "compute" => vec![compute::compute(call.method, &path, &body)?],
        "image" => others::image(call.method, &path, &body)?,
        "network" => vec![others::network(call.method, &path, &body)?],
        "block-storage" => vec![others::block_storage(call.method, &path)?],
        _ => return None,
    };
    let lines = commands.into_iter().map(|words| format!("{} {words}", program(call)));
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// The making of servers that differ in their name.
pub fn many(call: &Called<'_>, names: &[String]) -> Option<String> {
    let body = body_of(call);
    let create = create_server(call, &body, "-- \"$name\"");
    let names: Vec<String> = names.iter().map(|name| shell(name)).collect();
    Some(format!("for name in {}; do\n{create}\ndone", names.join(" ")))
}

fn is_create_server(call: &Called<'_>) -> bool {
    call.method == "POST" && call.service == "compute" && call.path.trim_matches('/') == "servers"
}

fn body_of(call: &Called<'_>) -> Value {
    call.body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

fn program(call: &Called<'_>) -> String {
    let mut text = format!("openstack --os-region-name {}", shell(call.region));
    let version = call.microversion.and_then(|version| version.strip_prefix("compute "));
    if let Some(version) = version {
        text += &format!(" --os-compute-api-version {}", shell(version));
    }
    text
}

fn create_server(call: &Called<'_>, body: &Value, name: &str) -> String {
    let mut text = program(call) + " server create";
    let server = &body["server"];
    let mut add_words = |words: &str| {
        text += " \\\n  ";
        text += words;
    };
    let mut add = |option: &str, value: &str| add_words(&with_value(option, value));
    let text_at = |key: &str| server[key].as_str().filter(|value| !value.is_empty());
    if let Some(flavor) = text_at("flavorRef") {
        add("--flavor", flavor);
    }
    if let Some(image) = text_at("imageRef") {
        add("--image", image);
    }
    for device in items(&server["block_device_mapping_v2"]) {
        add("--block-device", &pairs(device));
    }
    match &server["networks"] {
        Value::String(kind) => add("--network", kind),
        networks => {
            for network in items(networks) {
                let of = |key: &str| network[key].as_str().unwrap_or_default();
                if of("port").is_empty() {
                    add("--network", of("uuid"));
                } else {
                    add("--port", of("port"));
                }
            }
        }
    }
    for group in items(&server["security_groups"]) {
        add("--security-group", group["name"].as_str().unwrap_or_default());
    }
    if let Some(key) = text_at("key_name") {
        add("--key-name", key);
    }
    if server["user_data"].is_string() {
        add("--user-data", "user-data");
    }
    if let Some(zone) = text_at("availability_zone") {
        add("--availability-zone", zone);
    }
    if let Some(description) = text_at("description") {
        add("--description", description);
    }
    for words in properties(&server["metadata"]).unwrap_or_default() {
        add_words(&words);
    }
    let mut add = |option: &str, value: &str| add_words(&with_value(option, value));
    for tag in items(&server["tags"]) {
        add("--tag", tag.as_str().unwrap_or_default());
    }
    let hints = body.get("os:scheduler_hints").or_else(|| body.get("OS-SCH-HNT:scheduler_hints"));
    if let Some(group) = hints.and_then(|hints| hints["group"].as_str()) {
        add("--hint", &format!("group={group}"));
    }
    text + " \\\n  " + name
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// `key=value,key=value`.
fn pairs(of: &Value) -> String {
    let pair = |(key, value): (&String, &Value)| match value {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    };
    by_name(of).into_iter().map(pair).collect::<Vec<_>>().join(",")
}

/// A part of a path as it is meant; empty where there is none.
fn piece(path: &[&str], at: usize) -> String {
    decoded(path.get(at).copied().unwrap_or_default())
}

/// Names with their values, an option each; `None` where it is no object.
fn properties(of: &Value) -> Option<Vec<String>> {
    let mut variables = Variables::default();
    let pair =
        |(key, value): (&String, &Value)| property(key, value.as_str().unwrap_or_default(), &mut variables);
    of.is_object().then(|| by_name(of).into_iter().map(pair).collect())
}

/// A name with its value; a secret comes from a variable that is the person's to set.
fn property(key: &str, value: &str, variables: &mut Variables) -> String {
    if is_secret(key) {
        with_value("--property", &format!("{key}=")) + &from_shell(&variables.name(key))
    } else {
        with_value("--property", &format!("{key}={value}"))
    }
}

/// A value that looks like an option is tied to its own.
fn with_value(option: &str, value: &str) -> String {
    if value.starts_with('-') {
        shell(&format!("{option}={value}"))
    } else {
        format!("{option} {}", shell(value))
    }
}

fn positional(value: &str) -> String {
    if value.starts_with('-') { format!("-- {}", shell(value)) } else { shell(value) }
}

#[cfg(test)]
mod tests;
