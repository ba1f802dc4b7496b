//! The further fields of a line: JSON from the start, since every output wants it.

use std::fmt::{self, Write};

use serde_json::{Map, Value};

use super::text::{LONGEST_NAME, LONGEST_VALUE, mask, mask_pair, might_hold_secret};
use crate::decimal::{write_float, write_integer};

/// Members of a JSON object in the order they came, bounded. What does not fit is left out and `truncated` says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// `"status":200,"method":"GET"`: an object without its braces.
    members: String,
    is_truncated: bool,
}

/// All fields of a line together.
const MOST_BYTES: usize = 16 * 1024;
const TRUNCATED: &str = r#""truncated":true"#;

impl Fields {
    /// None yet, with room for so many bytes of them.
    pub fn with_room(bytes: usize) -> Self {
        Self { members: String::with_capacity(bytes), is_truncated: false }
    }

    pub fn push_str(&mut self, key: impl Key, value: &str) {
        self.push(key, |members| write_text(members, value, LONGEST_VALUE));
    }

    /// A value by its `Display`.
    pub fn push_display(&mut self, key: impl Key, value: &dyn fmt::Display) {
        self.push(key, |members| write_quoted(members, |text| write!(text, "{value}")));
    }

    /// A value by its `Debug`.
    pub fn push_debug(&mut self, key: impl Key, value: &dyn fmt::Debug) {
        self.push(key, |members| write_quoted(members, |text| write!(text, "{value:?}")));
    }

    pub fn push_u64(&mut self, key: impl Key, value: u64) {
        self.push(key, |members| write_integer(members, value));
    }

    pub fn push_i64(&mut self, key: impl Key, value: i64) {
        self.push(key, |members| {
            let _ = write!(members, "{value}");
        });
    }

    pub fn push_f64(&mut self, key: impl Key, value: f64) {
        // JSON knows neither infinity nor "not a number".
        self.push(key, |members| {
            if value.is_finite() { write_float(members, value) } else { members.push_str("null") }
        });
    }

    pub fn push_bool(&mut self, key: impl Key, value: bool) {
        self.push(key, |members| members.push_str(if value { "true" } else { "false" }));
    }

    /// Any JSON value; its depth is the caller's to bound.
    pub fn push_json(&mut self, key: impl Key, value: &Value) {
        self.push(key, |members| write_json(members, value));
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && !self.is_truncated
    }

    /// Bytes they take.
    pub fn size(&self) -> usize {
        self.members.capacity()
    }

    /// An object without its braces.
    pub fn as_members(&self) -> &str {
        &self.members
    }

    /// A whole object.
    pub fn to_json_text(&self) -> String {
        format!("{{{}}}", self.members)
    }

    pub fn to_map(&self) -> Map<String, Value> {
        serde_json::from_str(&self.to_json_text()).unwrap_or_default()
    }

    /// Replaces what looks like a secret. Fields without a sign of one, which is nearly all, are only read.
    pub fn mask(&mut self) {
        if !might_hold_secret(&self.members) {
            return;
        }
        let masked: Map<String, Value> =
            self.to_map().into_iter().map(|(key, value)| masked_member(key, value)).collect();
        let mut members = Self { is_truncated: self.is_truncated, ..Self::default() };
        for (key, value) in &masked {
            members.push_json(key.as_str(), value);
        }
        *self = members;
    }

    fn push(&mut self, key: impl Key, write: impl FnOnce(&mut String)) {
        if self.is_truncated {
            return;
        }
        let before = self.members.len();
        if before > 0 {
            self.members.push(',');
        }
        key.write(&mut self.members);
        write(&mut self.members);
        if self.members.len() > MOST_BYTES {
            self.members.truncate(before);
            if before > 0 {
                self.members.push(',');
            }
            self.members.push_str(TRUNCATED);
            self.is_truncated = true;
        }
    }
}

/// What names a field.
pub trait Key {
    /// Writes the name and the colon after it.
    fn write(&self, members: &mut String);
}

impl Key for &str {
    fn write(&self, members: &mut String) {
        write_text(members, self, LONGEST_NAME);
        members.push(':');
    }
}

/// A name that is written often: as it is in JSON, with its colon.
#[derive(Debug)]
pub struct ReadyKey(Box<str>);

impl ReadyKey {
    pub fn new(name: &str) -> Self {
        let mut text = String::new();
        name.write(&mut text);
        Self(text.into())
    }
}

impl Key for &ReadyKey {
    fn write(&self, members: &mut String) {
        members.push_str(&self.0);
    }
}

/// Writes a JSON string of at most so many bytes of text. Control characters are left out, but for line breaks and
/// tabs, which JSON escapes: a stack is read line by line.
pub fn write_text(out: &mut String, text: &str, longest: usize) {
    out.push('"');
    let mut inside = JsonText { out, left: longest, is_cut: false };
    let _ = inside.write_str(text);
    inside.end();
}

fn write_quoted(out: &mut String, write: impl FnOnce(&mut JsonText<'_>) -> fmt::Result) {
    out.push('"');
    let mut inside = JsonText { out, left: LONGEST_VALUE, is_cut: false };
    let _ = write(&mut inside);
    inside.end();
}

/// The inside of a JSON string.
struct JsonText<'a> {
    out: &'a mut String,
    left: usize,
    is_cut: bool,
}

impl JsonText<'_> {
    fn end(self) {
        self.out.push_str(if self.is_cut { "…\"" } else { "\"" });
    }
}

impl Write for JsonText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fitting = super::text::cut(text, self.left);
        self.is_cut |= fitting.len() < text.len();
        self.left -= fitting.len();
        // Nearly all text; to see that takes far less than to look for what needs care.
        if is_carefree(fitting) {
            self.out.push_str(fitting);
            return if self.is_cut { Err(fmt::Error) } else { Ok(()) };
        }
        let mut from = 0;
        for (at, character) in fitting.char_indices().filter(|(_, c)| needs_care(*c)) {
            self.out.push_str(&fitting[from..at]);
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\t' => self.out.push_str("\\t"),
                _ => {}
            }
            from = at + character.len_utf8();
        }
        self.out.push_str(&fitting[from..]);
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Whether it is ASCII that needs no care. Nothing ends the loop early, so that it takes many bytes at a time.
fn is_carefree(text: &str) -> bool {
    text.bytes().fold(true, |is, byte| is & matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\'))
}

fn needs_care(character: char) -> bool {
    matches!(character, '"' | '\\') || super::text::is_control(character)
}

fn write_json(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text, LONGEST_VALUE),
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(out, value);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(out, key, LONGEST_NAME);
                out.push(':');
                write_json(out, value);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

fn masked_member(key: String, value: Value) -> (String, Value) {
    let value = match value {
        Value::String(text) => Value::String(mask_pair(&key, &text).into_owned()),
        value => masked(value),
    };
    (mask(&key).into_owned(), value)
}

fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask(&text).into_owned()),
        Value::Array(values) => values.into_iter().map(masked).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| masked_member(key, value)).collect::<Map<_, _>>().into()
        }
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_the_same_in_json(text in "[ -~]{0,30}(\\PC|\\pC){0,5}[ -~]{0,30}[\"\\\\\n\t]?") {
            let mut fields = Fields::default();
            fields.push_str("text", &text);
            let kept: String =
                text.chars().filter(|c| matches!(c, '\n' | '\t') || !super::super::text::is_control(*c)).collect();
            prop_assert_eq!(&fields.to_map()["text"], &json!(kept));
        }
    }

    #[test]
    fn fields_are_json_in_their_order() {
        let mut fields = Fields::default();
        fields.push_str("b", "a \"word\"\\\n\u{1b}[0m\u{0}");
        fields.push_u64("a", 1);
        fields.push_f64("share", 0.5);
        fields.push_f64("none", f64::NAN);
        fields.push_bool("is", true);
        fields.push_display("url", &"http://one/");
        fields.push_json("deep", &json!({"list": [1, "two\u{0}", null]}));
        assert_eq!(
            fields.as_members(),
            r#""b":"a \"word\"\\\n[0m","a":1,"share":0.5,"none":null,"is":true,"url":"http://one/","deep":{"list":[1,"two",null]}"#
        );
        assert_eq!(fields.to_map()["deep"], json!({"list": [1, "two", null]}));
    }

    #[test]
    fn a_value_that_is_too_long_is_cut_and_fields_that_are_too_many_say_so() {
        let mut fields = Fields::default();
        fields.push_str("long", &"ä".repeat(LONGEST_VALUE));
        let map = fields.to_map();
        let long = map["long"].as_str().expect("text");
        assert!(long.len() <= LONGEST_VALUE + 3 && long.ends_with("ä…"));
        for number in 0..100 {
            fields.push_str(format!("field{number}").as_str(), &"x".repeat(1000));
        }
        assert!(fields.as_members().len() <= MOST_BYTES + 20);
        assert_eq!(fields.to_map()["truncated"], json!(true));
    }

    #[test]
    fn secrets_are_masked_by_their_name_and_by_their_look_and_numbers_stay_numbers() {
        let mut fields = Fields::default();
        fields.push_str("password", "hush");
        fields.push_u64("tokens", 5);
        fields.push_json("body", &json!({"auth": {"adminPass": "hush", "note": "Bearer abcdefgh12345678"}}));
        fields.mask();
        assert_eq!(
            Value::Object(fields.to_map()),
            json!({"password": "***", "tokens": 5, "body": {"auth": {"adminPass": "***", "note": "Bearer ***"}}})
        );
    }
}
