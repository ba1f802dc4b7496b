//! Reads values by key and collects everything that is wrong on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use super::Source;

/// One thing that is wrong, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key of the file, and the variable it may also come from: `upstream.timeout_secs (UPSTREAM_TIMEOUT_SECS)`.
    pub key: String,
    /// What is wrong, as the rest of a sentence; never holds a secret.
    pub message: String,
}

/// A source while it is read: remembers which keys exist, so that the rest can be called unknown.
pub struct Reader<'a> {
    values: BTreeMap<String, Result<String, &'static str>>,
    env: &'a BTreeMap<String, String>,
    unreadable_env: &'a BTreeSet<String>,
    known: Vec<(&'static str, &'static str)>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source) -> Self {
        let mut reader = Self {
            values: BTreeMap::new(),
            env: &source.env,
            unreadable_env: &source.unreadable_env,
            known: Vec::new(),
            problems: Vec::new(),
        };
        if let Some((name, text)) = &source.file {
            match text.parse::<toml::Table>() {
                Ok(table) => flatten("", &table, &mut reader.values),
                // The message of the parser would quote the line, and with it maybe a secret.
                Err(error) => {
                    let line =
                        error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
                    let place = line.map(|line| format!(", line {line}")).unwrap_or_default();
                    reader.problem(format!("{name}{place}"), "is not TOML");
                }
            }
        }
        reader
    }

    /// The value as text. An empty variable counts as absent, so that a unit file can leave one open.
    pub fn text(&mut self, key: &'static str, variable: &'static str) -> Option<String> {
        self.known.push((key, variable));
        let from_file = self.values.remove(key);
        if self.unreadable_env.contains(variable) {
            self.problem(name_of(key, variable), "is no UTF-8");
            return None;
        }
        if let Some(value) = self.env.get(variable).filter(|value| !value.is_empty()) {
            return Some(value.clone());
        }
        match from_file? {
            Ok(text) => Some(text),
            Err(message) => {
                self.problem(name_of(key, variable), message);
                None
            }
        }
    }

    /// The value as `parse` understands it; what it refuses becomes a problem that quotes the value.
    pub fn parse<T>(
        &mut self,
        key: &'static str,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key, variable)?;
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(name_of(key, variable), format!("{text:?} {message}"));
                None
            }
        }
    }

    /// As [`parse`](Self::parse), for values that must not be printed.
    pub fn parse_secret<T>(
        &mut self,
        key: &'static str,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key, variable)?;
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(name_of(key, variable), message);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn number<T>(
        &mut self,
        key: &'static str,
        variable: &'static str,
        default: T,
        bounds: RangeInclusive<T>,
    ) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.parse(key, variable, |text| {
            let refusal = || format!("is not a whole number from {} to {}", bounds.start(), bounds.end());
            text.parse::<T>().ok().filter(|number| bounds.contains(number)).ok_or_else(refusal)
        })
        .unwrap_or(default)
    }

    /// A time in seconds, fractions allowed, within bounds given in seconds.
    pub fn seconds(
        &mut self,
        key: &'static str,
        variable: &'static str,
        default: Duration,
        bounds: RangeInclusive<f64>,
    ) -> Duration {
        self.parse(key, variable, |text| {
            let refusal =
                || format!("is not a number of seconds from {} to {}", bounds.start(), bounds.end());
            let seconds =
                text.parse::<f64>().ok().filter(|seconds| bounds.contains(seconds)).ok_or_else(refusal)?;
            Duration::try_from_secs_f64(seconds).map_err(|_| refusal())
        })
        .unwrap_or(default)
    }

    /// `true` or `false`.
    pub fn switch(&mut self, key: &'static str, variable: &'static str, default: bool) -> bool {
        self.parse(key, variable, |text| text.parse().map_err(|_| "is neither true nor false".to_owned()))
            .unwrap_or(default)
    }

    /// A list: an array in the file, separated by commas in the environment.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        variable: &'static str,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(text) = self.text(key, variable) else { return Vec::new() };
        let mut items = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match parse(item) {
                Ok(value) => items.push(value),
                Err(message) => self.problem(name_of(key, variable), format!("{item:?} {message}")),
            }
        }
        items
    }

    /// Notes a value that has to be there.
    pub fn missing(&mut self, key: &'static str, variable: &'static str, message: &str) {
        // A value that was refused is there; one problem for it is enough.
        let name = name_of(key, variable);
        if !self.problems.iter().any(|problem| problem.key == name) {
            self.problem(name, message);
        }
    }

    pub fn problem(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { key: key.into(), message: message.into() });
    }

    pub fn known_keys(self) -> Vec<(&'static str, &'static str)> {
        self.known
    }

    /// Everything wrong, with the keys nobody asked for at the end.
    pub fn finish(mut self) -> Vec<Problem> {
        for key in std::mem::take(&mut self.values).into_keys() {
            let message = match nearest(&key, &self.known) {
                Some(known) => format!("is not a known key; {known} is"),
                None => "is not a known key".to_owned(),
            };
            self.problem(key, message);
        }
        self.problems
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// How a value is called in a problem.
pub fn name_of(key: &str, variable: &str) -> String {
    format!("{key} ({variable})")
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, Result<String, &'static str>>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if let toml::Value::Table(inner) = value {
            flatten(&key, inner, into);
        } else {
            let text = as_text(value).ok_or("is a list inside a list, or a date");
            into.insert(key, text);
        }
    }
}

fn as_text(value: &toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(switch) => switch.to_string(),
        toml::Value::Array(items) => items.iter().map(as_text).collect::<Option<Vec<_>>>()?.join(","),
        toml::Value::Datetime(_) | toml::Value::Table(_) => return None,
    })
}

/// The known key one slip away, if there is one.
fn nearest<'k>(key: &str, known: &'k [(&'static str, &'static str)]) -> Option<&'k str> {
    known.iter().map(|(known, _)| *known).find(|known| {
        let (section, name) = known.split_once('.').unwrap_or(("", known));
        let (own_section, own_name) = key.split_once('.').unwrap_or(("", key));
        distance(key, known) <= 2 || (section != own_section && name == own_name)
    })
}

/// Levenshtein's distance, by bytes: keys are ASCII.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
