//! What a browser sent: read, checked against the limits, and made into lines of the log.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use api_types::{
    ProjectId,
    client_log::{
        Batch, Beacon, DEEPEST, HIGHEST_NUMBER, Kind, LARGEST_BATCH, LARGEST_FIELDS, LONGEST_DESCRIPTION,
        LONGEST_KEY, LONGEST_RELEASE, LONGEST_TEXT, Level, MOST_BATCHES, MOST_FIELDS, MOST_MESSAGES, Message,
        REQUEST_ID, frames,
    },
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::log::{self, Facility, Fields, Line, Place, Who};

/// Who sends, as the server knows it.
#[derive(Clone, Debug, Default)]
pub struct Author {
    /// Nobody before sign-in.
    pub who: Who,
    pub address: Option<IpAddr>,
    /// "Firefox on Linux".
    pub browser: String,
}

/// A batch within all limits.
#[derive(Debug)]
pub struct Checked {
    pub stream: Uuid,
    pub batch: Batch,
    /// As it was sent.
    pub bytes: usize,
}

/// Why a batch is none. No browser of ours sends such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    TooLarge,
    Malformed(&'static str),
}

/// What the metrics want to know of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    pub kind: Kind,
    pub slow_frames: u64,
    pub long_tasks: u64,
    pub longest_ms: f64,
}

/// Reads the text of one message of the socket.
pub fn read_batch(text: &str) -> Result<Checked, Fault> {
    if text.len() > LARGEST_BATCH {
        return Err(Fault::TooLarge);
    }
    check(serde_json::from_str(text).map_err(|_| Fault::Malformed("it is no batch"))?, text.len())
}

/// Reads a beacon: its token and its batches.
pub fn read_beacon(body: &[u8]) -> Result<(String, Vec<Checked>), Fault> {
    if body.len() > LARGEST_BATCH {
        return Err(Fault::TooLarge);
    }
    let beacon: Beacon = serde_json::from_slice(body).map_err(|_| Fault::Malformed("it is no beacon"))?;
    if beacon.batches.len() > MOST_BATCHES {
        return Err(Fault::Malformed("it has too many batches"));
    }
    let bytes = body.len() / beacon.batches.len().max(1);
    let batches = beacon.batches.into_iter().map(|batch| check(batch, bytes)).collect::<Result<_, _>>()?;
    Ok((beacon.token, batches))
}

fn check(batch: Batch, bytes: usize) -> Result<Checked, Fault> {
    let stream = Uuid::try_parse(&batch.stream).map_err(|_| Fault::Malformed("its stream is no UUID"))?;
    let count = batch.messages.len();
    if count == 0 || count > MOST_MESSAGES {
        return Err(Fault::Malformed("it has no messages, or too many"));
    }
    if batch.first == 0 || batch.first > HIGHEST_NUMBER - count as u64 {
        return Err(Fault::Malformed("its numbers are none of a browser's"));
    }
    if batch.release.len() > LONGEST_RELEASE {
        return Err(Fault::Malformed("its release is too long"));
    }
    batch.messages.iter().try_for_each(check_message)?;
    Ok(Checked { stream, batch, bytes })
}

fn check_message(message: &Message) -> Result<(), Fault> {
    if message.description.len() > LONGEST_DESCRIPTION {
        return Err(Fault::Malformed("a description is too long"));
    }
    let mut size = Size::default();
    for (key, value) in &message.fields {
        size.add_member(key, value, 1)?;
    }
    Ok(())
}

/// How much is in a message's fields, so far.
#[derive(Default)]
struct Size {
    fields: usize,
    bytes: usize,
}

impl Size {
    fn add_member(&mut self, key: &str, value: &Value, depth: usize) -> Result<(), Fault> {
        if key.len() > LONGEST_KEY {
            return Err(Fault::Malformed("the name of a field is too long"));
        }
        self.bytes += key.len();
        self.add(value, depth)
    }

    fn add(&mut self, value: &Value, depth: usize) -> Result<(), Fault> {
        if depth >= DEEPEST && matches!(value, Value::Array(_) | Value::Object(_)) {
            return Err(Fault::Malformed("fields are too deep inside each other"));
        }
        self.fields += 1;
        match value {
            Value::String(text) if text.len() > LONGEST_TEXT => {
                return Err(Fault::Malformed("a text is too long"));
            }
            Value::String(text) => self.bytes += text.len(),
            Value::Array(values) => values.iter().try_for_each(|value| self.add(value, depth + 1))?,
            Value::Object(members) => {
                members.iter().try_for_each(|(key, value)| self.add_member(key, value, depth + 1))?;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if self.fields > MOST_FIELDS || self.bytes > LARGEST_FIELDS {
            return Err(Fault::Malformed("there are too many fields"));
        }
        Ok(())
    }
}

/// Makes lines of a batch. What the server knows itself is never taken from the browser; what a browser says under such
/// a name gets another one. `is_in` says whether the author is known to be in a project.
pub fn lines_of(
    checked: &Checked,
    author: &Author,
    place: &Arc<Place>,
    now: DateTime<Utc>,
    is_in: impl Fn(&ProjectId) -> bool,
) -> (Vec<Line>, Vec<Note>) {
    let batch = &checked.batch;
    let claimed = batch.project.as_deref();
    let verified = claimed.and_then(|text| text.parse::<ProjectId>().ok()).filter(is_in);
    let project: Option<Arc<str>> = verified.map(|project| project.to_string().into());
    let address = author.address.map(|address| address.to_string());
    let lines = batch.messages.iter().zip(batch.first..).map(|(message, number)| {
        let mut line = Line::new(place.clone(), level(message.level), Facility::Client, &message.description);
        line.at = now;
        line.who = author.who.clone();
        line.project = project.clone();
        line.request_id = request_id(message).map(Into::into);
        let fields = &mut line.fields;
        fields.push_str("kind", message.kind.name());
        push_time(fields, message.at);
        fields.push_str("browser", &author.browser);
        if let Some(address) = &address {
            fields.push_str("address", address);
        }
        fields.push_str("browser_release", &batch.release);
        if let Some(claimed) = claimed.filter(|_| project.is_none()) {
            fields.push_str("claimed_project", start_of(claimed));
        }
        fields.push_display("stream", &checked.stream);
        fields.push_u64("number", number);
        for (name, value) in &message.fields {
            if name == REQUEST_ID && line.request_id.is_some() {
                continue;
            }
            let name = plain(name);
            match OURS.contains(&&*name) {
                true => fields.push_json(format!("client_{name}").as_str(), value),
                false => fields.push_json(&*name, value),
            }
        }
        line.tidy();
        line
    });
    (lines.collect(), batch.messages.iter().map(Note::of).collect())
}

/// What only the server says.
const OURS: &[&str] = &[
    "id",
    "at",
    "time",
    "level",
    "facility",
    "description",
    "user",
    "user_name",
    "user_id",
    "project",
    "session",
    "request_id",
    "node",
    "region",
    "zone",
    "environment",
    "release",
    "fields",
    "kind",
    "client_at",
    "browser",
    "address",
    "browser_release",
    "claimed_project",
    "stream",
    "number",
    "target",
    "truncated",
];

pub fn level(level: Level) -> log::Level {
    match level {
        Level::Error => log::Level::Error,
        Level::Warn => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug => log::Level::Debug,
    }
}

/// A name that stays as it is on every output. One that became another there could become one of [`OURS`].
fn plain(name: &str) -> Cow<'_, str> {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.');
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.into();
    }
    if name.is_empty() {
        return "_".into();
    }
    name.chars().map(|character| if is_plain(character) { character } else { '_' }).collect()
}

/// A request's id, if it is one of ours, of a request or of a job's item: whatever else a browser puts there stays a
/// field.
fn request_id(message: &Message) -> Option<&str> {
    let id = message.fields.get(REQUEST_ID)?.as_str()?;
    let digits = id.strip_prefix("req-")?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_of_request = digits.len() == 24 && digits.bytes().all(is_hex);
    let is_of_item =
        || digits.len() == 36 && digits == digits.to_ascii_lowercase() && Uuid::try_parse(digits).is_ok();
    (is_of_request || is_of_item()).then_some(id)
}

/// What cannot be a project's id needs no more room than one.
fn start_of(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_KEY.min(text.len()))]
}

/// A clock may be years off, or no clock at all.
fn push_time(fields: &mut Fields, at: f64) {
    let seconds = DateTime::from_timestamp_millis(at as i64);
    match seconds.filter(|_| at.abs() < 1e14) {
        Some(time) => fields.push_str("client_at", &time.to_rfc3339_opts(SecondsFormat::Millis, true)),
        None => fields.push_f64("client_at", at),
    }
}

impl Note {
    fn of(message: &Message) -> Self {
        let number = |name: &str| message.fields.get(name).and_then(Value::as_f64).filter(|n| n.is_finite());
        let count = |name: &str| number(name).map_or(0, |count| count.clamp(0.0, MOST_COUNTED) as u64);
        Self {
            kind: message.kind,
            slow_frames: count(frames::SLOW),
            long_tasks: count(frames::LONG_TASKS),
            longest_ms: number(frames::LONGEST_MS).unwrap_or(0.0).clamp(0.0, LONGEST_TASK_MS),
        }
    }
}

/// A browser's word for numbers, as far as it can be true of the half minute that a message is about.
const MOST_COUNTED: f64 = 2_000.0;
const LONGEST_TASK_MS: f64 = 60_000.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STREAM: &str = "6f1c6c1e-93ce-4f0c-9a3f-3f6a37c3f6d1";

    fn batch(messages: Value) -> Value {
        json!({"stream": STREAM, "first": 1, "release": "r1", "messages": messages})
    }

    fn message(fields: Value) -> Value {
        json!({"at": 1.7e12, "level": "info", "kind": "action", "description": "Began.", "fields": fields})
    }

    fn refused(batch: Value) -> Fault {
        read_batch(&batch.to_string()).expect_err("a fault")
    }

    fn only_line(message: Value) -> Line {
        let checked = read_batch(&batch(json!([message])).to_string()).expect("a batch");
        let author = Author {
            who: Who { user: Some("alice".into()), user_id: Some("u1".into()), session: Some("s1".into()) },
            address: Some([192, 0, 2, 1].into()),
            browser: "Firefox on Linux".to_owned(),
        };
        let (mut lines, _) = lines_of(&checked, &author, &Arc::default(), Utc::now(), |_| false);
        lines.remove(0)
    }

    #[test]
    fn what_no_browser_of_ours_sends_is_told_from_what_one_does() {
        assert!(read_batch(&batch(json!([message(json!({"action": "reboot"}))])).to_string()).is_ok());
        let is_malformed = |fault| matches!(fault, Fault::Malformed(_));
        for text in ["", "[]", "nonsense", "{}", "\u{0}", "{\"stream\":1}", "null"] {
            assert!(is_malformed(read_batch(text).expect_err("a fault")), "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000 / 4), "]".repeat(100_000 / 4));
        assert!(is_malformed(read_batch(&deep).expect_err("a fault")));
        assert_eq!(read_batch(&" ".repeat(LARGEST_BATCH + 1)).expect_err("a fault"), Fault::TooLarge);
        for faulty in [
            batch(json!([])),
            batch(json!(vec![message(json!({})); MOST_MESSAGES + 1])),
            batch(json!([message(json!({"a": {"b": {"c": {"d": {}}}}}))])),
            batch(json!([message(json!({"a": [[[[]]]]}))])),
            batch(json!([message(json!({"a": vec![0; MOST_FIELDS]}))])),
            batch(json!([message(json!({"k".repeat(LONGEST_KEY + 1): 1}))])),
            batch(json!([message(json!({"a": "x".repeat(LONGEST_TEXT + 1)}))])),
            batch(json!([message(json!({"a": "x".repeat(5000), "b": "x".repeat(5000)}))])),
            batch(json!([{"at": 0, "level": "loud", "kind": "action", "description": ""}])),
            batch(json!([{"at": 0, "level": "info", "kind": "action", "description": "", "user": "root"}])),
            json!({"stream": "1", "first": 1, "release": "", "messages": [message(json!({}))]}),
            json!({"stream": STREAM, "first": 0, "release": "", "messages": [message(json!({}))]}),
            json!({"stream": STREAM, "first": -1, "release": "", "messages": [message(json!({}))]}),
            json!({"stream": STREAM, "first": u64::MAX, "release": "", "messages": [message(json!({}))]}),
            json!({"stream": STREAM, "first": 1, "release": "r".repeat(100), "messages": [message(json!({}))]}),
        ] {
            assert!(is_malformed(refused(faulty.clone())), "{faulty}");
        }
    }

    #[test]
    fn what_the_server_knows_is_never_taken_from_the_browser() {
        let line = only_line(message(json!({
            "user": "root", "project": "p", "address": "127.0.0.1", "level": "debug", "request_id": "1 OR 1=1",
            "action": "reboot",
        })));
        assert_eq!(
            (line.who.user.as_deref(), &line.project, &line.request_id),
            (Some("alice"), &None, &None)
        );
        let fields = line.fields.to_map();
        assert_eq!(fields["address"], "192.0.2.1");
        assert_eq!(fields["client_address"], "127.0.0.1");
        assert_eq!((&fields["client_user"], &fields["client_project"]), (&json!("root"), &json!("p")));
        assert_eq!((&fields["action"], &fields["client_request_id"]), (&json!("reboot"), &json!("1 OR 1=1")));
    }

    #[test]
    fn no_name_becomes_one_of_the_servers_on_any_output() {
        let line = only_line(message(json!({
            "address\u{7}": "127.0.0.1", "user id": "root", "request\nid": "req-1", "": "none", "a.b-c_1": 1,
        })));
        let fields = line.fields.to_map();
        assert_eq!(fields["address"], "192.0.2.1");
        assert_eq!((&fields["address_"], &fields["client_user_id"]), (&json!("127.0.0.1"), &json!("root")));
        assert_eq!((&fields["client_request_id"], &fields["_"]), (&json!("req-1"), &json!("none")));
        assert_eq!(fields["a.b-c_1"], 1);
    }

    #[test]
    fn a_request_of_ours_is_found_by_its_id() {
        for id in ["req-0123456789abcdef01234567", "req-6f1c6c1e-93ce-4f0c-9a3f-3f6a37c3f6d1"] {
            assert_eq!(only_line(message(json!({"request_id": id}))).request_id.as_deref(), Some(id));
        }
        for id in
            ["req-1", "req-6F1C6C1E-93ce-4f0c-9a3f-3f6a37c3f6d1", "6f1c6c1e-93ce-4f0c-9a3f-3f6a37c3f6d1"]
        {
            assert_eq!(only_line(message(json!({"request_id": id}))).request_id, None);
        }
    }

    #[test]
    fn control_characters_and_secrets_do_not_arrive() {
        let line = only_line(json!({
            "at": 0, "level": "warn", "kind": "error",
            "description": "one\r\n\u{1b}[31mtwo\u{202e} password=hush",
            "fields": {"stack": "a\nb\u{1b}]0;x\u{7}", "headers": {"x-auth-token": "gAAAAABsecretsecretsecret"}},
        }));
        assert_eq!(line.description, "one [31mtwo password=***");
        let fields = line.fields.to_map();
        assert_eq!(fields["stack"], "a\nb]0;x");
        assert!(!line.fields.as_members().contains("secretsecret"), "{}", line.fields.as_members());
    }

    #[test]
    fn a_clock_that_is_years_off_is_kept_beside_the_servers() {
        let at = |at: f64| {
            let mut message = message(json!({}));
            message["at"] = json!(at);
            let line = only_line(message);
            assert!((Utc::now() - line.at).num_seconds().abs() < 60);
            line.fields.to_map()["client_at"].clone()
        };
        assert_eq!(at(0.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(4e12), "2096-10-02T07:06:40.000Z");
        assert_eq!(at(-1e300).as_f64(), Some(-1e300));
        assert_eq!(at(1e15).as_f64(), Some(1e15));
    }

    #[test]
    fn frames_are_noted_as_far_as_they_can_be_true() {
        let checked = batch(json!([{
            "at": 0, "level": "info", "kind": "frames", "description": "",
            "fields": {"slow_frames": 12, "long_tasks": -3, "longest_ms": 1e300},
        }]));
        let checked = read_batch(&checked.to_string()).expect("a batch");
        let (_, notes) = lines_of(&checked, &Author::default(), &Arc::default(), Utc::now(), |_| false);
        assert_eq!(
            notes,
            [Note { kind: Kind::Frames, slow_frames: 12, long_tasks: 0, longest_ms: 60_000.0 }]
        );
    }
}
