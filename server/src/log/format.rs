//! A line as text: JSON for machines, words for a person at a terminal.

use std::fmt::Write;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use serde_json::Value;

use super::{
    Line,
    fields::write_text,
    text::{LONGEST_DESCRIPTION, LONGEST_NAME},
};

/// How lines look on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Text,
}

impl Format {
    /// Adds a line and its end.
    pub fn write(self, out: &mut String, line: &Line) {
        match self {
            Self::Json => write_json(out, line),
            Self::Text => write_words(out, line),
        }
        out.push('\n');
    }
}

/// One flat object: what every line has, then its own fields.
fn write_json(out: &mut String, line: &Line) {
    out.push_str(r#"{"time":""#);
    write_time(out, &line.at);
    for part in [
        r#"","level":""#,
        line.level.as_str(),
        r#"","facility":""#,
        line.facility.as_str(),
        r#"","description":"#,
    ] {
        out.push_str(part);
    }
    write_text(out, &line.description, LONGEST_DESCRIPTION);
    for (name, value) in named(line) {
        if let Some(value) = value {
            [r#",""#, name, r#"":"#].into_iter().for_each(|part| out.push_str(part));
            write_text(out, value, LONGEST_NAME);
        }
    }
    if !line.fields.is_empty() {
        out.push(',');
        out.push_str(line.fields.as_members());
    }
    out.push('}');
}

/// Time, level, facility, description, then the fields; where it was written, the person at the terminal knows.
fn write_words(out: &mut String, line: &Line) {
    write_time(out, &line.at);
    let level = line.level.as_str().to_ascii_uppercase();
    let _ = write!(out, " {level:>5} {}: {}", line.facility.as_str(), line.description);
    for (name, value) in &named(line)[..5] {
        if let Some(value) = value {
            let _ = write!(out, " {name}={value}");
        }
    }
    for (name, value) in line.fields.to_map() {
        let _ = match value {
            Value::String(text) if is_word(&text) => write!(out, " {name}={text}"),
            value => write!(out, " {name}={value}"),
        };
    }
}

/// Who and where, by the names they have everywhere; first those that are about somebody.
pub fn named(line: &Line) -> [(&'static str, Option<&str>); 10] {
    let place = &line.place;
    [
        ("user", line.who.user.as_deref()),
        ("user_id", line.who.user_id.as_deref()),
        ("project", line.project.as_deref()),
        ("session", line.who.session.as_deref()),
        ("request_id", line.request_id.as_deref()),
        ("node", Some(&*place.node)),
        ("region", place.region.as_deref()),
        ("zone", place.zone.as_deref()),
        ("environment", place.environment.as_deref()),
        ("release", Some(&*place.release)),
    ]
}

/// As RFC 3339 has it, with microseconds.
fn write_time(out: &mut String, at: &DateTime<Utc>) {
    let micros = at.nanosecond() / 1_000;
    let year = u32::try_from(at.year()).unwrap_or(u32::MAX);
    if year > 9_999 || micros > 999_999 {
        // Another age, or a leap second.
        let _ = write!(out, "{}", at.to_rfc3339_opts(SecondsFormat::Micros, true));
        return;
    }
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (end, mut number) in [
        (4, year),
        (7, at.month()),
        (10, at.day()),
        (13, at.hour()),
        (16, at.minute()),
        (19, at.second()),
        (26, micros),
    ] {
        let mut place = end;
        while number > 0 {
            place -= 1;
            text[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
    out.push_str(str::from_utf8(&text).unwrap_or_default());
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::log::{Facility, Level, Place};

    fn line() -> Line {
        let place = Place {
            node: "panel-1".to_owned(),
            region: Some("eu-1".to_owned()),
            release: "0.1.0".to_owned(),
            ..Place::default()
        };
        let mut line = Line::new(Arc::new(place), Level::Warn, Facility::Proxy, "a \"word\"");
        line.at = "2026-11-22T01:02:03.000004Z".parse().expect("a time");
        line.who.user = Some("alice".into());
        line.request_id = Some("req-1".into());
        line.fields.push_u64("status", 404);
        line.fields.push_str("cause", "two words");
        line.fields.push_str("method", "GET");
        line
    }

    #[test]
    fn a_line_of_json_is_flat() {
        let mut text = String::new();
        Format::Json.write(&mut text, &line());
        assert_eq!(
            text,
            concat!(
                r#"{"time":"2026-11-22T01:02:03.000004Z","level":"warn","facility":"proxy","description":"a \"word\"","#,
                r#""user":"alice","request_id":"req-1","node":"panel-1","region":"eu-1","release":"0.1.0","#,
                r#""status":404,"cause":"two words","method":"GET"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_time_is_written_as_everywhere_else() {
        for time in [
            "2026-11-22T01:02:03.000004Z",
            "2024-02-29T23:59:59.999999999Z",
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.5Z",
            "2016-12-31T23:59:60.25Z",
            "+12026-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
        ] {
            let at: DateTime<Utc> = time.parse().expect("a time");
            let mut text = String::new();
            write_time(&mut text, &at);
            assert_eq!(text, at.to_rfc3339_opts(SecondsFormat::Micros, true), "{time}");
        }
    }

    #[test]
    fn a_line_of_text_is_read_by_a_person() {
        let mut text = String::new();
        Format::Text.write(&mut text, &line());
        let (head, fields) = text.split_once(" user=").expect("a user");
        assert_eq!(head, "2026-11-22T01:02:03.000004Z  WARN proxy: a \"word\"");
        for field in ["alice", "request_id=req-1", "status=404", "cause=\"two words\"", "method=GET"] {
            assert!(fields.contains(field), "{field} in {fields}");
        }
        assert!(!fields.contains("panel-1") && text.ends_with('\n'));
    }
}
