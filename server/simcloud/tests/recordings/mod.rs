//! Compares the simulated cloud's answers with every recorded answer of a real one that it claims to
//! give: the same status, headers, keys and types, texts of the same form, and errors in the same words.

mod cases;
mod shape;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::Answer;
use bytes::Bytes;
use cases::{NOT_IMPLEMENTED, implemented};
use serde_json::Value;
use shape::Known;
use stage::{As, Before, Stage, Substitutes};

/// Errors whose words hold what differs here: numbers of the quota, the order of a Python dict.
const OTHER_WORDS: &[&str] = &[
    "neutron/floatingip-second-on-port-409",
    "cinder/volume-create-over-quota-413",
    "nova/action-resize-over-quota-403",
    "nova/keypair-create-2.92-400",
    "nova/server-create-name-missing-400",
    "nova/server-create-no-network-400",
    "nova/server-create-over-quota-403",
    "nova/server-create-over-ram-quota-403",
    "nova/server-create-unknown-field-400",
];

/// Headers that say nothing about the service.
const UNIMPORTANT_HEADERS: &[&str] = &["date", "content-length", "connection", "transfer-encoding"];

#[tokio::test]
async fn answers_are_those_of_a_real_cloud() {
    let recordings = recordings();
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    for (name, recording) in &recordings {
        known.entry(service_of(name)).or_default().learn(&recording["response"]["body"]);
    }
    let mut stage = Stage::set().await;
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (caller, before, names) in implemented() {
        for name in *names {
            let recording = recordings.get(*name).unwrap_or_else(|| panic!("there is no recording {name}"));
            let differences =
                compare(&mut stage, *caller, *before, name, recording, &known[service_of(name)]).await;
            wrong.extend(differences.into_iter().map(|difference| format!("{name}: {difference}")));
            compared += 1;
        }
    }
    println!("{compared} recorded answers compared");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_recording_is_compared_or_listed_as_not_implemented() {
    let names: BTreeSet<String> = recordings().into_keys().collect();
    let mut listed = BTreeSet::new();
    let compared = implemented().flat_map(|(_, _, names)| names.iter());
    let left_out = NOT_IMPLEMENTED.iter().flat_map(|(_, names)| names.iter());
    for name in compared.chain(left_out) {
        assert!(listed.insert((*name).to_owned()), "{name} is listed twice");
    }
    let unlisted: Vec<_> = names.difference(&listed).collect();
    let missing: Vec<_> = listed.difference(&names).collect();
    assert!(unlisted.is_empty(), "in neither list: {unlisted:?}");
    assert!(missing.is_empty(), "listed, but not recorded: {missing:?}");
    println!("not implemented:");
    for (reason, names) in NOT_IMPLEMENTED {
        println!("  {reason}:");
        names.iter().for_each(|name| println!("    {name}"));
    }
}

/// Puts a recorded request to the simulated cloud and says how the answer differs from the recorded one.
async fn compare(
    stage: &mut Stage,
    caller: As,
    before: Before,
    name: &str,
    recording: &Value,
    known: &Known,
) -> Vec<String> {
    let substitutes = stage.prepare(caller, before).await;
    let (request, expected) = (&recording["request"], &recording["response"]);
    let url = request["url"].as_str().expect("a URL");
    let rest = url.strip_prefix("http://127.0.0.1:").expect("a local URL");
    let (port, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let base_url = stage.base_url(caller, port);
    let keystone_url = stage.base_url(caller, "15000");
    let url = format!("{base_url}{}", substitutes.apply(path));
    let headers = request_headers(&request["headers"], &substitutes);
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = request_body(&request["body"], &substitutes);
    let method = request["method"].as_str().expect("a method");
    let answer = match stage.http.try_send(method, &url, &headers, body).await {
        Ok(answer) => answer,
        Err(error) => return vec![format!("no answer: {error}")],
    };

    let mut found = Vec::new();
    let status = expected["status"].as_u64().expect("a status");
    if u64::from(answer.status) != status {
        found.push(format!("status {} instead of {status}: {}", answer.status, answer.json()));
        return found;
    }
    let place = |text: &str| {
        let text = text.replace("http://127.0.0.1:15000", &keystone_url);
        substitutes.apply(&text.replace(&format!("http://127.0.0.1:{port}"), &base_url))
    };
    found.extend(header_differences(&expected["headers"], &answer, place));
    let recorded_body = map_texts(&expected["body"], &|text: &str| without_port(&place(&expand(text))));
    let own_body = map_texts(&answer.json(), &|text: &str| without_port(text));
    let is_error = status >= 400 && recorded_body.get("receipt").is_none();
    if is_error && !OTHER_WORDS.contains(&name) {
        if recorded_body != own_body {
            found.push(format!("{own_body} instead of {recorded_body}"));
        }
    } else {
        found.extend(known.differences(&recorded_body, &own_body, recording.get("cut").is_some()));
    }
    found
}

fn header_differences(expected: &Value, answer: &Answer, place: impl Fn(&str) -> String) -> Vec<String> {
    let expected = expected.as_object().expect("headers");
    let important = |name: &&str| !UNIMPORTANT_HEADERS.contains(name);
    let recorded: BTreeSet<&str> = expected.keys().map(String::as_str).filter(important).collect();
    let own: BTreeSet<&str> = answer.headers.keys().map(|name| name.as_str()).filter(important).collect();
    let mut found: Vec<String> = Vec::new();
    found.extend(recorded.difference(&own).map(|name| format!("header {name} is missing")));
    found.extend(own.difference(&recorded).map(|name| format!("header {name} is not in the recording")));
    let compared =
        ["content-type", "vary", "www-authenticate", "openstack-api-version", "x-openstack-nova-api-version"];
    for name in compared {
        let (recorded, own) = (expected.get(name).and_then(Value::as_str).map(&place), answer.header(name));
        if recorded.as_deref() != own {
            found.push(format!("header {name}: {own:?} instead of {recorded:?}"));
        }
    }
    found
}

fn request_headers(recorded: &Value, substitutes: &Substitutes) -> Vec<(String, String)> {
    let recorded = recorded.as_object().expect("headers");
    let header = |(name, value): (&String, &Value)| {
        let value = match name.as_str() {
            "X-Auth-Token" => substitutes.token.clone(),
            "X-Subject-Token" => substitutes.subject.clone(),
            "Openstack-Auth-Receipt" => substitutes.receipt.clone(),
            _ => value.as_str().map(str::to_owned),
        };
        (name.clone(), value.unwrap_or_else(|| panic!("the case gives no {name}")))
    };
    recorded.iter().map(header).collect()
}

/// The recorded body with our people and ids in it.
fn request_body(recorded: &Value, substitutes: &Substitutes) -> Bytes {
    const USER: &str = "/auth/identity/password/user/name";
    let mut recorded = recorded.clone();
    if let Some(name) = recorded.pointer_mut(USER).filter(|name| **name == "admin") {
        // In their lab the administrator is called admin, as the project is.
        *name = "operator".into();
    }
    let text = match recorded {
        Value::Null => return Bytes::new(),
        Value::String(text) => text,
        json => json.to_string(),
    };
    const PEOPLE: &[(&str, &str)] = &[
        // Theirs has one project where ours has two, and the other way round.
        (r#""name":"alice""#, r#""name":"<their alice>""#),
        (r#""name":"bob""#, r#""name":"alice""#),
        (r#""name":"<their alice>""#, r#""name":"bob""#),
        (r#""name":"dave""#, r#""name":"nobody""#),
        (r#""name":"erin""#, r#""name":"pat""#),
        (r#""name":"frank""#, r#""name":"disabled""#),
        (r#""domain":{"name":"demo"}"#, r#""domain":{"name":"partners"}"#),
        ("lab-user-pw", simcloud::TEST_PASSWORD),
        ("lab-admin-pw", simcloud::TEST_PASSWORD),
    ];
    let is_sign_in = text.contains(r#""auth""#);
    let mut text = text;
    if is_sign_in {
        // The unknown user of the recordings has the name of one of ours.
        text = text.replace(r#""name":"nobody""#, r#""name":"nonesuch""#);
        text = PEOPLE.iter().fold(text, |text, (theirs, ours)| text.replace(theirs, ours));
    }
    expand(&substitutes.apply(&text)).into()
}

/// `<x repeated 3 times>` as `xxx`.
fn expand(text: &str) -> String {
    let Some(at) = text.find(" repeated ") else { return text.to_owned() };
    let what = text[..at].chars().last().expect("a character");
    let start = at - what.len_utf8() - 1;
    let end = at + text[at..].find(" times>").expect("an end");
    let times: usize = text[at + " repeated ".len()..end].parse().expect("a number");
    let rest = &text[end + " times>".len()..];
    format!("{}{}{}", &text[..start], what.to_string().repeat(times), expand(rest))
}

/// Applies a change to every text in a value.
fn map_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, change)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), map_texts(value, change))).collect()
        }
        other => other.clone(),
    }
}

/// Links to other services differ by their port, which is any.
fn without_port(text: &str) -> String {
    let Some(rest) = text.strip_prefix("http://127.0.0.1:") else { return text.to_owned() };
    let path = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("http://127.0.0.1:1{path}")
}

fn recordings() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let mut found = BTreeMap::new();
    for service in entries(&folder).into_iter().filter(|path| path.is_dir()) {
        for file in entries(&service) {
            let text = std::fs::read_to_string(&file).expect("a recording");
            let recording = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file:?}: {error}"));
            let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
            found.insert(format!("{}/{}", name(&service), name(&file)), recording);
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn service_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}
