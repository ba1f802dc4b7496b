//! With curl.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Called,
    masks::{pretty, without_secrets},
    shell,
};

/// A call.
pub fn one(call: &Called<'_>) -> String {
    let data = call.body.map(|body| data(body, None));
    with_data(call, data)
}

/// The making of servers that differ in their name.
pub fn many(call: &Called<'_>, names: &[String]) -> String {
    // As JSON writes them: so each stands where it stands in the body.
    let names: Vec<String> =
        names.iter().map(|name| shell(&Value::from(name.as_str()).to_string())).collect();
    let data = call.body.map(|body| data(body, Some(r#"'"$name"'"#)));
    let call = with_data(call, data);
    format!("for name in {}; do\n{call}\ndone", names.join(" "))
}

/// Calls one after the other, with what they take for granted before them: a token, and where each service is.
pub fn script(calls: &[Called<'_>]) -> String {
    let mut text = TOKEN.to_owned();
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for call in calls {
        if known.insert(call.service, call.region) != Some(call.region) {
            text += &endpoint(call);
            text.push('\n');
        }
        text += "\n";
        text += &one(call);
        text.push('\n');
    }
    text
}

/// What a call takes for granted: a token, and where its service is.
pub fn preamble(call: &Called<'_>) -> String {
    format!("{TOKEN}{}\n", endpoint(call))
}

const TOKEN: &str = "# From your own credentials (clouds.yaml, or OS_\u{2026} variables); needs jq.\n\
                     TOKEN=$(openstack token issue -f value -c id)\n";

/// Where a service of a region is, put into a variable.
fn endpoint(call: &Called<'_>) -> String {
    let (kind, version) = match call.service {
        "image" => ("image", Some("/v2")),
        "network" => ("network", Some("/v2.0")),
        "block-storage" => ("volumev3", None),
        other => (other, None),
    };
    // Catalogs list these two with their version or without.
    let version =
        version.map_or(String::new(), |version| format!(" | rtrimstr(\"{version}\") + \"{version}\""));
    format!(
        "{}=$(openstack catalog show {} -f json | jq -r --arg region {} '.endpoints[] | \
         select(.region == $region and .interface == \"public\") | .url | rtrimstr(\"/\"){version}')",
        variable(call.service),
        shell(kind),
        shell(call.region),
    )
}

fn with_data(call: &Called<'_>, data: Option<String>) -> String {
    let path = shell(&format!("/{}", call.path.trim_start_matches('/')));
    let mut text = format!("curl -sS -X {} \"${}\"{path}", call.method, variable(call.service));
    let mut line = |option: String| {
        text += " \\\n  ";
        text += &option;
    };
    line("-H \"X-Auth-Token: $TOKEN\"".to_owned());
    if let Some(version) = call.microversion {
        line(format!("-H {}", shell(&format!("OpenStack-API-Version: {version}"))));
    }
    let kind = call.content_type.or(data.is_some().then_some("application/json"));
    if let Some(kind) = kind {
        line(format!("-H {}", shell(&format!("Content-Type: {kind}"))));
    }
    if let Some(data) = data {
        line(format!("--data-raw {data}"));
    }
    if let Some(file) = call.file {
        line(format!("--upload-file {}", shell(file)));
    }
    text
}

/// The body as one word. User data comes from a file, and the name from `name` where that is given: both are put
/// in between quotes, where nothing of the body can end them.
fn data(body: &str, name: Option<&str>) -> String {
    let Ok(mut body) = serde_json::from_str::<Value>(body) else { return shell(super::masks::MASK) };
    let server = body.get_mut("server").and_then(Value::as_object_mut);
    let mut spliced = Vec::new();
    if let Some(server) = server {
        if let Some(name) = name.filter(|_| server.remove("name").is_some()) {
            spliced.push(("name", name.to_owned()));
        }
        if server.get("user_data").is_some_and(Value::is_string) {
            server.remove("user_data");
            let read = r#""'"$(base64 < user-data | tr -d '\n')"'""#;
            spliced.push(("user_data", read.to_owned()));
        }
    }
    let text = pretty(&without_secrets(body));
    if spliced.is_empty() {
        return shell(&text);
    }
    // `{ "server": { …` ends in two brackets, each on its line.
    let Some(open) = text.strip_suffix("\n  }\n}") else { return shell(&text) };
    let mut word = format!("'{}", open.replace('\'', r"'\''"));
    for (key, value) in spliced {
        let comma = if word.ends_with('{') { "" } else { "," };
        word += &format!("{comma}\n    \"{key}\": {value}");
    }
    word + "\n  }\n}'"
}

fn variable(service: &str) -> String {
    service.replace('-', "_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn create(body: &str) -> Called<'_> {
        Called {
            method: "POST",
            region: "RegionOne",
            service: "compute",
            path: "servers",
            microversion: Some("compute 2.79"),
            body: Some(body),
            ..Called::default()
        }
    }

    /// What the command sends, with curl replaced by a function that prints its last argument.
    fn sent(command: &str, folder: &std::path::Path) -> String {
        let script = format!("curl() {{ printf '%s\\n' \"${{@: -1}}\"; }}\n{command}");
        let output = Command::new("bash")
            .current_dir(folder)
            .args(["--norc", "-c", &script])
            .output()
            .expect("bash runs");
        assert!(output.status.success(), "{command}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn folder() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("meridian-curl-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("user-data"), "#!/bin/sh\necho 'hi'\n").expect("written");
        folder
    }

    #[test]
    fn a_call_names_its_version_and_never_the_token() {
        let call = Called {
            method: "GET",
            region: "RegionOne",
            service: "compute",
            path: "/servers/detail?limit=5&name=a b",
            microversion: Some("compute 2.79"),
            ..Called::default()
        };
        assert_eq!(
            one(&call),
            "curl -sS -X GET \"$COMPUTE\"'/servers/detail?limit=5&name=a b' \\\n  -H \"X-Auth-Token: $TOKEN\" \
             \\\n  -H 'OpenStack-API-Version: compute 2.79'"
        );
    }

    #[test]
    fn the_body_arrives_whole_with_user_data_from_its_file() {
        let body = r#"{"server": {"name": "it's \"$HOME\" `x`", "user_data": "c2VjcmV0", "adminPass": "p"}}"#;
        let sent: Value = serde_json::from_str(&sent(&one(&create(body)), &folder())).expect("JSON");
        assert_eq!(sent["server"]["name"], "it's \"$HOME\" `x`");
        assert_eq!(sent["server"]["adminPass"], "***");
        assert_eq!(sent["server"]["user_data"], "IyEvYmluL3NoCmVjaG8gJ2hpJwo=");
    }

    #[test]
    fn many_servers_are_made_in_a_loop_over_their_names() {
        let names = ["a'b".to_owned(), "\"$c\"".to_owned(), "ü\u{7}".to_owned()];
        let written = many(&create(r#"{"server": {"name": "a", "flavorRef": "1"}}"#), &names);
        let sent = sent(&written, &folder());
        let bodies: Vec<Value> = serde_json::Deserializer::from_str(&sent)
            .into_iter::<Value>()
            .collect::<Result<_, _>>()
            .expect("JSON");
        let sent: Vec<_> =
            bodies.iter().map(|body| body["server"]["name"].as_str().expect("a name")).collect();
        assert_eq!(sent, names);
    }

    #[test]
    fn a_script_finds_each_endpoint_once_and_anew_in_another_region() {
        let image =
            |region| Called { method: "GET", service: "image", region, path: "images", ..Called::default() };
        let text = script(&[image("Region Two's"), image("Region Two's"), image("RegionOne")]);
        assert_eq!(text.matches("catalog show").count(), 2, "{text}");
        assert!(text.contains(r"--arg region 'Region Two'\''s'"), "{text}");
        assert!(text.contains("IMAGE=$(") && text.contains(r#"rtrimstr("/v2") + "/v2""#), "{text}");
    }
}
