//! A request as a handler sees it and an answer as a handler gives it. Handlers are plain functions
//! from one to the other; `serve.rs` moves the bytes.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::ids;
use crate::image::Part;
use crate::latency::Cost;

/// A request, read to its end.
#[derive(Debug)]
pub struct Call {
    pub method: String,
    /// Decoded, without empty parts: `["v2.1", "servers", "detail"]`.
    pub path: Vec<String>,
    /// As it was sent, without the query.
    pub raw_path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where the service is, for links: `http://127.0.0.1:8774`.
    pub base_url: String,
    pub request_id: String,
    pub now: DateTime<Utc>,
}

/// An answer, before faults and latency.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub content_type: Option<&'static str>,
    pub body: Bytes,
    /// Instead of the body: data that is made while it is sent.
    pub long: Option<Box<Part>>,
    pub cost: Cost,
}

pub const JSON: &str = "application/json";
pub const JSON_UTF8: &str = "application/json; charset=UTF-8";
pub const HTML_UTF8: &str = "text/html; charset=UTF-8";

/// What a handler gives: an answer, or an answer that says why not.
pub type Handled = Result<Answer, Answer>;

impl Call {
    pub fn new(parts: Parts, body: Bytes, base_url: &str, now: DateTime<Utc>) -> Self {
        let raw_path = parts.uri.path().to_owned();
        let pieces = raw_path.split('/').filter(|piece| !piece.is_empty());
        let path = pieces.map(percent_decoded).collect();
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let query = query.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        Call {
            method: parts.method.as_str().to_owned(),
            path,
            raw_path,
            query,
            headers: parts.headers,
            body,
            base_url: base_url.to_owned(),
            request_id: ids::request_id(),
            now,
        }
    }

    /// A header's value, where it is there and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The last value of a query parameter.
    pub fn query_value(&self, key: &str) -> Option<&str> {
        self.query.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter.
    pub fn query_values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub fn path_parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl Answer {
    pub fn empty(status: u16) -> Self {
        Answer {
            status,
            headers: Vec::new(),
            content_type: None,
            body: Bytes::new(),
            long: None,
            cost: Cost::Free,
        }
    }

    pub fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => Answer { content_type: Some(JSON), body: json.into(), ..Answer::empty(status) },
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Answer::empty(500)
            }
        }
    }

    pub fn text(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Answer { content_type: Some(content_type), body: body.into(), ..Answer::empty(status) }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn of_type(mut self, content_type: &'static str) -> Self {
        self.content_type = Some(content_type);
        self
    }

    pub fn cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }
}

/// A query string of these parameters.
pub fn query_string<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

fn percent_decoded(piece: &str) -> String {
    // These are themselves in a path; only in a query they mean something else.
    let protected = piece.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    let decoded = form_urlencoded::parse(protected.as_bytes()).next();
    decoded.map_or_else(|| piece.to_owned(), |(key, _)| key.into_owned())
}

/// A value as Python prints it, which Nova's and Glance's messages contain:
/// `{'name': 'x', 'count': None}`.
pub fn python_repr(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => python_string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entry =
                |(key, value): (&String, &Value)| format!("{}: {}", python_string(key), python_repr(value));
            let entries: Vec<String> = map.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// The same without the quotes around a text, as Python's `str`.
pub fn python_str(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => python_repr(other),
    }
}

fn python_string(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut repr = String::with_capacity(text.len() + 2);
    repr.push(quote);
    for c in text.chars() {
        match c {
            '\n' => repr.push_str("\\n"),
            '\r' => repr.push_str("\\r"),
            '\t' => repr.push_str("\\t"),
            '\\' => repr.push_str("\\\\"),
            c if c == quote => repr.extend(['\\', c]),
            c if c.is_control() => repr.push_str(&format!("\\x{:02x}", c as u32)),
            c => repr.push(c),
        }
    }
    repr.push(quote);
    repr
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn python_repr_writes_values_as_python_does() {
        let value = json!(["it's", 1, null, true, "a\nb", {"key": []}]);
        assert_eq!(python_repr(&value), r#"["it's", 1, None, True, 'a\nb', {'key': []}]"#);
    }

    #[test]
    fn path_parts_are_decoded_and_a_plus_stays() {
        assert_eq!(percent_decoded("a%20b+c%2Fd"), "a b+c/d");
        assert_eq!(percent_decoded("a=b&c"), "a=b&c");
    }
}
