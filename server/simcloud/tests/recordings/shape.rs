//! Whether an answer has the shape of a recorded one: the same keys, the same types, and texts of the
//! same form where they have one (ids, times, links).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// What the recordings of one service say about every key, wherever it stands.
#[derive(Default)]
pub struct Known {
    /// The types seen at a key: a `key_name` is a text in one answer and null in another.
    types: BTreeMap<String, BTreeSet<&'static str>>,
    /// The keys every image has; the others are properties, which anybody may add.
    image_keys: Option<BTreeSet<String>>,
}

/// Keys that only hold null in the recordings, where the API's reference says that they may hold more.
const NULLABLE: &[&str] = &["finish_time", "result", "message", "device", "locked_reason", "hosts"];

/// Keys that some things of a kind have: only one network is the default.
const OPTIONAL: &[&str] = &["is_default"];

/// Objects whose keys are data.
const MAPS: &[&str] =
    &["metadata", "addresses", "extra_specs", "properties", "meta", "options", "rules", "scheduler_hints"];

impl Known {
    pub fn learn(&mut self, body: &Value) {
        self.learn_at("", body);
    }

    fn learn_at(&mut self, key: &str, value: &Value) {
        self.types.entry(key.to_owned()).or_default().insert(kind(value));
        match value {
            Value::Object(map) => {
                if is_image(map) {
                    let keys: BTreeSet<String> = map.keys().cloned().collect();
                    let known = self.image_keys.get_or_insert_with(|| keys.clone());
                    known.retain(|key| keys.contains(key));
                }
                map.iter().for_each(|(key, value)| self.learn_at(key, value));
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_at(key, item)),
            _ => {}
        }
    }

    /// What differs, each with its path. Empty when the shapes agree. Of lists that were cut for the
    /// recording, only as many elements are compared as it shows.
    pub fn differences(&self, recorded: &Value, ours: &Value, is_cut: bool) -> Vec<String> {
        let mut found = Vec::new();
        Comparison { known: self, is_cut }.compare("", "$", recorded, ours, &mut found);
        found
    }
}

struct Comparison<'a> {
    known: &'a Known,
    is_cut: bool,
}

impl Comparison<'_> {
    fn compare(&self, key: &str, path: &str, recorded: &Value, ours: &Value, found: &mut Vec<String>) {
        match (recorded, ours) {
            (Value::Object(recorded), Value::Object(ours)) => {
                self.compare_objects(key, path, recorded, ours, found);
            }
            (Value::Array(recorded), Value::Array(ours)) => {
                self.compare_arrays(key, path, recorded, ours, found);
            }
            (Value::String(recorded), Value::String(ours)) => {
                // The catalog has endpoints of every service, in any order.
                let is_endpoint = path.contains(".endpoints[") && key == "url";
                if let Some(form) = form(recorded).filter(|_| !is_endpoint)
                    && self::form(ours) != Some(form.clone())
                {
                    found.push(format!("{path}: {ours:?} has not the form of {recorded:?} ({form})"));
                }
            }
            _ => {
                let (expected, actual) = (kind(recorded), kind(ours));
                let elsewhere = self.known.types.get(key);
                let is_known = elsewhere.is_some_and(|types| types.contains(actual));
                if expected != actual && !is_known && !NULLABLE.contains(&key) {
                    found.push(format!("{path}: {actual} instead of {expected}"));
                }
            }
        }
    }

    fn compare_objects(
        &self,
        key: &str,
        path: &str,
        recorded: &Map<String, Value>,
        ours: &Map<String, Value>,
        found: &mut Vec<String>,
    ) {
        let is_element = path.ends_with(']');
        if MAPS.contains(&key) && !is_element {
            // Any value stands for all of them.
            if let Some(example) = recorded.values().next() {
                for (name, value) in ours {
                    self.compare(name, &format!("{path}.{name}"), example, value, found);
                }
            }
            return;
        }
        let core = self.known.image_keys.as_ref().filter(|_| is_image(recorded));
        let is_optional = |name: &String| {
            OPTIONAL.contains(&name.as_str()) || core.is_some_and(|core| !core.contains(name))
        };
        for (name, value) in recorded {
            match ours.get(name) {
                Some(own) => self.compare(name, &format!("{path}.{name}"), value, own, found),
                None if is_optional(name) => {}
                None => found.push(format!("{path}.{name} is missing")),
            }
        }
        for name in ours.keys().filter(|name| !recorded.contains_key(*name) && !is_optional(name)) {
            found.push(format!("{path}.{name} is not in the recording"));
        }
    }

    /// Every element of ours must look like one of the recorded ones.
    fn compare_arrays(
        &self,
        key: &str,
        path: &str,
        recorded: &[Value],
        ours: &[Value],
        found: &mut Vec<String>,
    ) {
        let ours = if self.is_cut { &ours[..ours.len().min(recorded.len())] } else { ours };
        if recorded.is_empty() {
            return;
        }
        if ours.is_empty() {
            found.push(format!("{path}: empty, where the recording is not"));
        }
        for (index, own) in ours.iter().enumerate() {
            let attempts = recorded.iter().map(|example| {
                let mut differences = Vec::new();
                self.compare(key, &format!("{path}[{index}]"), example, own, &mut differences);
                differences
            });
            let fewest = attempts.min_by_key(Vec::len).unwrap_or_default();
            found.extend(fewest);
        }
    }
}

fn is_image(map: &Map<String, Value>) -> bool {
    map.contains_key("disk_format") && map.contains_key("container_format") && map.contains_key("self")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The form of texts that have one: ids, times, MAC addresses, and links with their ids left out.
pub fn form(text: &str) -> Option<String> {
    if text.starts_with("http://") || text.starts_with("/v2") {
        return Some(without_ids(text));
    }
    if text.starts_with("req-") && is_uuid(&text[4..]) {
        return Some("req-id".to_owned());
    }
    if is_uuid(text) {
        return Some("uuid".to_owned());
    }
    if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some("32 hex digits".to_owned());
    }
    let is_time = text.len() >= 19 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T';
    let is_mac = text.len() == 17 && text.bytes().filter(|byte| *byte == b':').count() == 5;
    if is_time {
        return Some(text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect());
    }
    is_mac.then(|| "mac".to_owned())
}

/// A link with every id in it replaced by its kind.
fn without_ids(link: &str) -> String {
    let link = link.replace("%3F", "?").replace("%3D", "=");
    let is_end = |c: char| matches!(c, '/' | '?' | '&' | '=' | ':' | '%');
    let mut result = String::new();
    for piece in link.split_inclusive(is_end) {
        let (word, end) = match piece.char_indices().last() {
            Some((at, last)) if is_end(last) => piece.split_at(at),
            _ => (piece, ""),
        };
        let id = form(word).filter(|form| ["uuid", "32 hex digits", "req-id"].contains(&form.as_str()));
        result.push_str(&id.map_or_else(|| word.to_owned(), |id| format!("<{id}>")));
        result.push_str(end);
    }
    result
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

#[test]
fn a_wrong_shape_is_found() {
    use serde_json::json;

    let recorded = json!({"server": {"id": "40888098-a975-4b4a-a604-a5bd047f6310", "tags": ["a"], "n": 1}});
    let mut known = Known::default();
    known.learn(&recorded);
    let find = |ours: Value| known.differences(&recorded, &ours, false).len();
    let id = "00000000-0000-4000-8000-000000000000";
    assert_eq!(find(json!({"server": {"id": id, "tags": ["b", "c"], "n": 2}})), 0);
    assert_eq!(find(json!({"server": {"id": "x", "tags": ["b"], "n": 2}})), 1);
    assert_eq!(find(json!({"server": {"id": id, "tags": [1], "n": 2}})), 1);
    assert_eq!(find(json!({"server": {"id": id, "tags": [], "n": null, "more": 1}})), 3);
    assert_eq!(find(json!({"server": {"id": id, "n": 1.5}})), 2);
}

#[test]
fn links_differ_by_their_path_and_parameters_only() {
    let link = |id: &str| format!("http://127.0.0.1:1/v2.1/servers?limit=3&marker={id}");
    let (a, b) = ("40888098-a975-4b4a-a604-a5bd047f6310", "00000000-0000-4000-8000-000000000000");
    assert_eq!(form(&link(a)), form(&link(b)));
    assert_ne!(form(&link(a)), form("http://127.0.0.1:1/v2.1/servers?limit=3"));
}
