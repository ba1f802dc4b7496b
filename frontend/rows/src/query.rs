//! What the user asks for: the search box and the chosen facets.
//!
//! ```text
//! web prod            both words, each anywhere: name, start of id or address, network, tag, metadata
//! "two words"         as one
//! -test  -tag:old     not
//! name: id: ip: tag: meta: status: region: image: flavor: az:     in this property only
//! tag:""              without any
//! ram>=8  ram<512M  vcpus:4  disk>100      GiB where no unit is said
//! created>2025-01-31  created:2025-01  updated<2025  age<7d        times are UTC
//! ```

mod tokens;
mod values;

use super::FacetSelection;
use tokens::{Operator, Token, tokens};
use values::{age, amount, date, is_network, times};

/// The search box as text and as read, and the chosen facets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// As typed.
    pub text: String,
    /// All of them must match.
    pub terms: Vec<Term>,
    pub facets: FacetSelection,
    problems: Vec<Problem>,
}

/// One condition of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub is_negated: bool,
    pub condition: Condition,
}

/// What a row must have. Texts are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A word in the name, a tag or metadata (key, value or `key=value`), the start of the id (from four characters
    /// on) or of an address, or a network that holds an address. Never empty.
    Word(String),
    /// A text in one property; an empty one asks for rows without it.
    Text { field: TextField, text: String },
    /// A number within bounds, both included. A row that does not say its flavor has none.
    Amount { field: AmountField, from: u32, to: u32 },
    /// A time within bounds, both included, in seconds since 1970. A row may not say it.
    Time { field: TimeField, from: u32, to: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    Name,
    /// The start of the id.
    Id,
    /// The start of an address, or a network such as `10.0.0.0/8`.
    Ip,
    Tag,
    /// Key, value or `key=value`.
    Meta,
    /// The status or the task.
    Status,
    Region,
    /// The image's name, or its id where the name is not known.
    Image,
    Flavor,
    Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountField {
    /// MiB.
    Ram,
    Vcpus,
    /// GiB.
    Disk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeField {
    Created,
    Updated,
}

/// A part of the search that could not be read as it seems meant; it is searched for as plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// `ram>=many`: not an amount.
    Amount(String),
    /// `created>yesterday`: not a date (`2025`, `2025-01`, `2025-01-31`, `2025-01-31T10:30`).
    Date(String),
    /// `age<soon`: not a duration (`30m`, `12h`, `7d`, `2w`, `1y`).
    Age(String),
    /// `ip:10.0.0.0/64`: not a network.
    Network(String),
    /// More conditions than [`MAX_TERMS`]; this and what follows is not searched for.
    TooMany(String),
}

/// More conditions than this are nobody's search.
pub const MAX_TERMS: usize = 32;

impl Query {
    /// Reads a search. Never fails: what it cannot read is plain text, and [`Self::problems`] names it. A part that
    /// is not whole yet (`tag:`, `ram>=`, `-`) asks for nothing.
    ///
    /// `now` is in seconds since 1970, for conditions such as `age<7d`.
    pub fn parse(text: &str, facets: FacetSelection, now: u32) -> Self {
        let mut query = Self { text: text.to_owned(), terms: Vec::new(), facets, problems: Vec::new() };
        for token in tokens(text) {
            let condition = match condition(&token, now) {
                Ok(condition) => condition,
                Err(problem) => {
                    query.problems.push(problem);
                    Some(Condition::Word(super::fold::fold(token.text)))
                }
            };
            let Some(condition) = condition else { continue };
            if query.terms.len() == MAX_TERMS {
                query.problems.push(Problem::TooMany(token.text.to_owned()));
                break;
            }
            query.terms.push(Term { is_negated: token.is_negated, condition });
        }
        query
    }

    /// What was not read as it seems meant, in the order of the text.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// True when everything matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.facets.is_empty()
    }
}

/// The fields by all their names.
enum Field {
    Text(TextField),
    Amount(AmountField),
    Time(TimeField),
    Age,
}

fn field(name: &str) -> Option<Field> {
    Some(match name.to_ascii_lowercase().as_str() {
        "name" => Field::Text(TextField::Name),
        "id" | "uuid" => Field::Text(TextField::Id),
        "ip" | "address" => Field::Text(TextField::Ip),
        "tag" | "tags" => Field::Text(TextField::Tag),
        "meta" | "metadata" => Field::Text(TextField::Meta),
        "status" | "task" => Field::Text(TextField::Status),
        "region" => Field::Text(TextField::Region),
        "image" => Field::Text(TextField::Image),
        "flavor" => Field::Text(TextField::Flavor),
        "az" | "zone" => Field::Text(TextField::Zone),
        "ram" => Field::Amount(AmountField::Ram),
        "vcpus" | "vcpu" | "cpu" => Field::Amount(AmountField::Vcpus),
        "disk" => Field::Amount(AmountField::Disk),
        "created" => Field::Time(TimeField::Created),
        "updated" => Field::Time(TimeField::Updated),
        "age" => Field::Age,
        _ => return None,
    })
}

/// The condition of a token, `None` for one that is not whole yet.
fn condition(token: &Token<'_>, now: u32) -> Result<Option<Condition>, Problem> {
    let folded = || super::fold::fold(token.value);
    let problem = |of: fn(String) -> Problem| of(token.text.to_owned());
    let is_unfinished = token.value.is_empty() && !token.is_quoted;
    let Some((name, operator)) = token.field else {
        return Ok(if token.value.is_empty() { None } else { Some(Condition::Word(folded())) });
    };
    match field(name) {
        Some(_) if is_unfinished => Ok(None),
        Some(Field::Text(field)) if operator == Operator::Has => {
            if field == TextField::Ip && token.value.contains('/') && !is_network(token.value) {
                return Err(problem(Problem::Network));
            }
            Ok(Some(Condition::Text { field, text: folded() }))
        }
        Some(Field::Amount(field)) => {
            let amount = amount(field, token.value).ok_or_else(|| problem(Problem::Amount))?;
            Ok(Some(match operator.bounds(amount, amount) {
                Some((from, to)) => Condition::Amount { field, from, to },
                None => NOTHING,
            }))
        }
        Some(Field::Time(field)) => {
            let (first, last) = date(token.value).ok_or_else(|| problem(Problem::Date))?;
            Ok(Some(times(field, operator.bounds(first, last))))
        }
        Some(Field::Age) => {
            let age = age(token.value).ok_or_else(|| problem(Problem::Age))?;
            let then = now.saturating_sub(age);
            let bounds = operator.turned().bounds(then, then);
            Ok(Some(times(TimeField::Created, bounds)))
        }
        // `name=web` and `foo:bar` are texts like any other: metadata is searched so.
        _ => Ok(Some(Condition::Word(super::fold::fold(token.text)))),
    }
}

/// Bounds that nothing is within: `ram<0`.
const NOTHING: Condition = Condition::Amount { field: AmountField::Ram, from: 1, to: 0 };

#[cfg(test)]
mod tests;
