//! What an operator asks for, read and bounded.

use api_types::operator::logs::{LogQuery, USUAL_LAST_SECS};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    error::ApiError,
    jobs::Jobs,
    log::{
        Facility, Level,
        search::{Filter, Message, Position},
    },
};

const LONGEST_MESSAGE: usize = 500;
const LONGEST_NAME: usize = 255;
const LONGEST_FIELDS: usize = 2_000;
const MOST_PAIRS: usize = 16;

/// The filter in a query.
///
/// Errors: 400 `invalid_fields`, and `invalid_filter` for what a form cannot send.
pub fn filter_of(query: &LogQuery, now: DateTime<Utc>) -> Result<Filter, ApiError> {
    let message = text("message", query.message.as_deref(), LONGEST_MESSAGE)?;
    let name = |what, value: &Option<String>| text(what, value.as_deref(), LONGEST_NAME);
    let mut filter = Filter {
        from: moment("from", query.from.as_deref())?,
        to: moment("to", query.to.as_deref())?,
        level: name("level", &query.level)?
            .map(|level| level.parse::<Level>().map_err(|_| invalid("There is no such level.")))
            .transpose()?,
        facility: name("facility", &query.facility)?
            .map(|facility| match facility.parse::<Facility>() {
                Ok(_) => Ok(facility),
                Err(_) => Err(invalid("There is no such facility.")),
            })
            .transpose()?,
        node: name("node", &query.node)?,
        user: name("user", &query.user)?,
        requests: name("request", &query.request)?.into_iter().collect(),
        session: name("session", &query.session)?,
        message: message.map(|message| match query.pattern {
            true => Message::Pattern(message),
            false => Message::Part(message),
        }),
        ..Filter::default()
    };
    if let Some(fields) = text("fields", query.fields.as_deref(), LONGEST_FIELDS)? {
        read_fields(&fields, &mut filter)?;
    }
    let usual = if !filter.requests.is_empty() { 0 } else { USUAL_LAST_SECS };
    let is_dated = filter.from.is_some() || filter.to.is_some();
    match query.last.unwrap_or(if is_dated { 0 } else { usual }) {
        0 => {}
        last => filter.from = now.checked_sub_signed(TimeDelta::seconds(i64::from(last))),
    }
    Ok(filter)
}

/// Looks also for what jobs asked of the cloud because of the request that is looked for, or for what set the job going
/// that made it.
///
/// Errors: 503 Postgres does not answer.
pub async fn follow_jobs(filter: &mut Filter, jobs: &Jobs) -> Result<(), ApiError> {
    if let [request] = &filter.requests[..] {
        filter.requests.extend(jobs.store().list_requests_of(request).await?);
    }
    Ok(())
}

/// A line's position, as pages name it.
///
/// Errors: 400 `invalid_filter`.
pub fn position_of(text: &str) -> Result<Position, ApiError> {
    let position = text.split_once('-').and_then(|(at, id)| {
        Some(Position { at: DateTime::from_timestamp_micros(at.parse().ok()?)?, id: id.parse().ok()? })
    });
    position.ok_or_else(|| invalid("The place in the log cannot be understood."))
}

/// The filter as a person would say it, for the log: what was asked for and nothing else.
pub fn in_words(query: &LogQuery) -> String {
    let asked = LogQuery { before: None, after: None, limit: None, ..query.clone() };
    match serde_json::to_value(asked) {
        Ok(serde_json::Value::Object(members)) => {
            let words = members.into_iter().map(|(name, value)| match value {
                serde_json::Value::String(text) => format!("{name}={text}"),
                value => format!("{name}={value}"),
            });
            words.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// `status:404 reason:"no host"`, or a JSON object.
fn read_fields(fields: &str, filter: &mut Filter) -> Result<(), ApiError> {
    if fields.starts_with('{') {
        return match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(fields) {
            // Postgres holds no such letter in JSON.
            Ok(_) if fields.contains("\\u0000") => {
                Err(invalid_fields("The fields have a letter that no line has."))
            }
            Ok(_) => {
                filter.containing = Some(fields.to_owned());
                Ok(())
            }
            Err(_) => Err(invalid_fields("The fields begin as a JSON object and are none.")),
        };
    }
    let mut rest = fields;
    while !rest.is_empty() {
        let wrong = || invalid_fields("Fields are written as name:value, a value with blanks in quotes.");
        let (name, after) = rest.split_once(':').ok_or_else(wrong)?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(wrong)?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        if name.is_empty() || name.contains(char::is_whitespace) || value.is_empty() {
            return Err(wrong());
        }
        // These have columns, and indexes on them.
        match name {
            "project" => filter.project = Some(value.to_owned()),
            "user_id" => filter.user_id = Some(value.to_owned()),
            _ => filter.pairs.push((name.to_owned(), value.to_owned())),
        }
        rest = after.trim_start();
    }
    if filter.pairs.len() > MOST_PAIRS {
        return Err(invalid_fields("These are more fields than can be looked for at once."));
    }
    Ok(())
}

fn text(what: &str, value: Option<&str>, longest: usize) -> Result<Option<String>, ApiError> {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    match value {
        Some(value) if value.chars().count() > longest => {
            Err(invalid(&format!("The {what} is longer than {longest} characters.")))
        }
        Some(value) if value.chars().any(char::is_control) => {
            Err(invalid(&format!("The {what} has control characters.")))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

fn moment(what: &str, value: Option<&str>) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(value) = text(what, value, LONGEST_NAME)? else { return Ok(None) };
    let moment = DateTime::parse_from_rfc3339(&value).ok().map(|moment| moment.with_timezone(&Utc));
    // Far outside of what Postgres can hold there are no lines either.
    let first = DateTime::UNIX_EPOCH;
    let moment = moment.filter(|at| *at >= first && *at - first < TimeDelta::days(365 * 1_000));
    moment.map(Some).ok_or_else(|| invalid(&format!("The moment of \"{what}\" cannot be understood.")))
}

/// For the form, which tells it at the field.
fn invalid_fields(message: &str) -> ApiError {
    ApiError::Invalid { code: "invalid_fields", message: message.to_owned() }
}

fn invalid(message: &str) -> ApiError {
    ApiError::Invalid { code: "invalid_filter", message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &LogQuery) -> Result<Filter, ApiError> {
        filter_of(query, DateTime::from_timestamp(1_800_000_000, 0).expect("a moment"))
    }

    fn fields(text: &str) -> Result<Filter, ApiError> {
        read(&LogQuery { fields: Some(text.to_owned()), ..LogQuery::default() })
    }

    #[test]
    fn fields_are_pairs_or_an_object() {
        let filter = fields(r#" status:404  reason:"no valid host" project:4f1d url:http://a/b?c "#);
        let filter = filter.expect("a filter");
        let pairs: Vec<_> =
            filter.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("status", "404"), ("reason", "no valid host"), ("url", "http://a/b?c")]);
        assert_eq!(filter.project.as_deref(), Some("4f1d"));
        let object = fields(r#"{"status": 404}"#).expect("a filter");
        assert_eq!(object.containing.as_deref(), Some(r#"{"status": 404}"#));
        for wrong in ["status", "a b:c", ":x", "a:", "a:\"b", "{", "{\"a\":\"\\u0000\"}", "[1]"] {
            assert!(fields(wrong).is_err(), "{wrong}");
        }
        let many = "a:b ".repeat(17);
        assert!(fields(&many).is_err());
    }

    #[test]
    fn the_last_hour_is_searched_unless_times_or_a_request_are_named() {
        let from = |query: LogQuery| read(&query).expect("a filter").from.map(|at| at.timestamp());
        assert_eq!(from(LogQuery::default()), Some(1_800_000_000 - 3_600));
        assert_eq!(from(LogQuery { last: Some(300), ..LogQuery::default() }), Some(1_800_000_000 - 300));
        assert_eq!(from(LogQuery { last: Some(0), ..LogQuery::default() }), None);
        assert_eq!(from(LogQuery { request: Some("r".into()), ..LogQuery::default() }), None);
        let dated = LogQuery { from: Some("2026-11-22T01:00:00+01:00".into()), ..LogQuery::default() };
        assert_eq!(from(dated), Some(1_795_305_600));
    }

    #[test]
    fn what_no_line_can_have_is_refused() {
        for query in [
            LogQuery { user: Some("a\u{0}b".into()), ..LogQuery::default() },
            LogQuery { message: Some("a".repeat(501)), ..LogQuery::default() },
            LogQuery { level: Some("loud".into()), ..LogQuery::default() },
            LogQuery { facility: Some("'; DROP TABLE".into()), ..LogQuery::default() },
            LogQuery { from: Some("yesterday".into()), ..LogQuery::default() },
            LogQuery { to: Some("+200000-01-01T00:00:00Z".into()), ..LogQuery::default() },
        ] {
            assert!(read(&query).is_err(), "{query:?}");
        }
        assert!(position_of("12").is_err());
        assert!(position_of("99999999999999999999-1").is_err());
        assert_eq!(position_of("5-7").expect("a position").id, 7);
    }

    #[test]
    fn what_was_asked_for_is_told_without_the_page() {
        let query = LogQuery {
            user: Some("alice".into()),
            last: Some(300),
            before: Some("5-7".into()),
            ..LogQuery::default()
        };
        assert_eq!(in_words(&query), "last=300 user=alice");
    }
}
