//! With curl.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Called,
    masks::{MASK, Variables, from_shell, replace_secrets},
    shell,
};

/// A call.
pub fn one(call: &Called<'_>) -> String {
    let data = call.body.map(|body| data(body, None));
    let before = data.as_ref().map(Data::note).unwrap_or_default();
    before + &with_data(call, data)
}

/// The making of servers that differ in their name.
pub fn many(call: &Called<'_>, names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| shell(&as_json(name))).collect();
    let data = call.body.map(|body| data(body, Some("\"$name\"")));
    let before = data.as_ref().map(Data::note).unwrap_or_default();
    let call = with_data(call, data);
    format!("{before}for name in {}; do\n{call}\ndone", names.join(" "))
}

/// As JSON writes it between its quotes: so it stands where it stands in the body.
fn as_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
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

fn with_data(call: &Called<'_>, data: Option<Data>) -> String {
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
        line(format!("--data-raw {}", data.word));
    }
    if let Some(file) = call.file {
        line(format!("--upload-file {}", shell(file)));
    }
    text
}

/// A body as one word of a shell.
struct Data {
    word: String,
    /// The variables it takes secrets from.
    secrets: Vec<String>,
}

impl Data {
    /// What has to be done before the word means anything.
    fn note(&self) -> String {
        if self.secrets.is_empty() {
            return String::new();
        }
        format!("# Yours to set, as JSON writes it between its quotes: {}\n", self.secrets.join(", "))
    }
}

/// User data comes from a file, secrets come from variables, and the name from `name` where that is given. All are put
/// in between quotes, where nothing of the body can end them.
fn data(body: &str, name: Option<&str>) -> Data {
    let Ok(mut value) = serde_json::from_str::<Value>(body) else {
        return Data { word: shell(MASK), secrets: Vec::new() };
    };
    let mark = mark_not_in(&value);
    // What stands at each mark, as a piece of a shell's word.
    let mut pieces: Vec<String> = Vec::new();
    let mut place = |piece: String| {
        pieces.push(piece);
        format!("{mark}{}{mark}", pieces.len() - 1)
    };
    if let Some(name) = name
        && let Some(held) = value.pointer_mut("/server/name")
    {
        *held = Value::String(place(name.to_owned()));
    }
    let mut variables = Variables::default();
    replace_secrets(&mut value, &mut |key| match key {
        "user_data" => place(r#""$(base64 < user-data | tr -d '\n')""#.to_owned()),
        key => place(from_shell(&variables.name(key))),
    });
    let text = serde_json::to_string_pretty(&value).unwrap_or_default();
    // Marks and what is between them take turns.
    let mut word = String::new();
    for (at, part) in text.split(&mark).enumerate() {
        match part.parse::<usize>().ok().filter(|_| at % 2 == 1).and_then(|number| pieces.get(number)) {
            Some(piece) => word += piece,
            None if part.is_empty() => {}
            None => word += &shell(part),
        }
    }
    Data { word, secrets: variables.names().to_vec() }
}

/// A text that the body does not have, and that JSON writes as it is.
fn mark_not_in(body: &Value) -> String {
    let text = body.to_string();
    let mut mark = "@".to_owned();
    while text.contains(&mark) {
        mark += "@";
    }
    mark
}

fn variable(service: &str) -> String {
    service.replace('-', "_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, process::Command, sync::OnceLock};

    use proptest::prelude::*;

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

    /// What the command sends, with curl replaced by a function that prints its last argument; `None` where the shell
    /// refuses to run it. `secrets` are set before.
    fn sent(command: &str, secrets: &[(&str, &str)]) -> Option<String> {
        // Written once: tests run side by side.
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| {
            let folder = std::env::temp_dir().join(format!("meridian-curl-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("user-data"), "#!/bin/sh\necho 'hi'\n").expect("written");
            folder
        });
        let script = format!("curl() {{ printf '%s\\n' \"${{@: -1}}\"; }}\n{command}");
        let output = Command::new("bash")
            .current_dir(folder)
            .args(["--norc", "-c", &script])
            .envs(secrets.iter().copied())
            .output()
            .expect("bash runs");
        output.status.success().then(|| String::from_utf8(output.stdout).expect("UTF-8"))
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
        let body = r#"{"server": {"name": "it's \"$HOME\" `x` @0@ \u0040", "user_data": "c2VjcmV0"}}"#;
        let sent = sent(&one(&create(body)), &[]).expect("the shell runs it");
        let sent: Value = serde_json::from_str(&sent).expect("JSON");
        assert_eq!(sent["server"]["name"], "it's \"$HOME\" `x` @0@ @");
        assert_eq!(sent["server"]["user_data"], "IyEvYmluL3NoCmVjaG8gJ2hpJwo=");
    }

    #[test]
    fn a_secret_is_yours_to_set_and_nothing_is_sent_before() {
        let body = r#"{"server": {"name": "a", "metadata": {"db password": "geheim", "env": "test"}}}"#;
        let written = one(&create(body));
        assert!(!written.contains("geheim") && written.contains("SECRET_DB_PASSWORD"), "{written}");
        assert_eq!(sent(&written, &[]), None);
        let sent =
            sent(&written, &[("SECRET_DB_PASSWORD", "p'$(x) \\\" \\u00fc")]).expect("the shell runs it");
        let sent: Value = serde_json::from_str(&sent).expect("JSON");
        assert_eq!(
            sent["server"]["metadata"],
            serde_json::json!({"db password": "p'$(x) \" ü", "env": "test"})
        );
        // What was kept of a call is masked by then, and is not set as it stands.
        let password =
            Called { path: "servers/1/action", ..create(r#"{"changePassword": {"adminPass": "***"}}"#) };
        assert!(!one(&password).contains("***"));
    }

    #[test]
    fn many_servers_are_made_in_a_loop_over_their_names() {
        let names =
            ["a'b".to_owned(), "\"$c\"".to_owned(), "ü\u{7}\u{202e}".to_owned(), "; exit 1 #".to_owned()];
        let written = many(&create(r#"{"server": {"name": "a", "flavorRef": "1"}}"#), &names);
        let sent = sent(&written, &[]).expect("the shell runs it");
        let bodies: Vec<Value> = serde_json::Deserializer::from_str(&sent)
            .into_iter::<Value>()
            .collect::<Result<_, _>>()
            .expect("JSON");
        let sent: Vec<_> =
            bodies.iter().map(|body| body["server"]["name"].as_str().expect("a name")).collect();
        assert_eq!(sent, names);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_texts_of_a_body_arrive_as_they_are(texts in prop::collection::vec("[@\"'$`\\\\\\n\\x01!]{0,8}|\\PC{0,8}", 3)) {
            let server = serde_json::json!({"name": texts[0], "description": texts[1], "tags": [texts[2]],
                "metadata": {"key": texts[1]}});
            let body = serde_json::json!({"server": server}).to_string();
            let sent = sent(&one(&create(&body)), &[]).expect("the shell runs it");
            prop_assert_eq!(&serde_json::from_str::<Value>(&sent).expect("JSON")["server"], &server);
        }
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
