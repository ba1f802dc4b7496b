//! What stands behind a field: amounts, dates, ages, networks.

use std::net::IpAddr;

use super::{AmountField, Condition, NOTHING, TimeField};

/// Reads an amount: `8`, `1.5`, `512M`, `8GiB`; GiB where no unit is said. RAM comes in MiB, disk in GiB.
pub fn amount(field: AmountField, text: &str) -> Option<u32> {
    let unit_at = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if field == AmountField::Vcpus {
        return if unit.is_empty() { number.parse().ok() } else { None };
    }
    let number = decimal(number)?;
    let gib = match unit.to_ascii_lowercase().as_str() {
        "m" | "mb" | "mib" => number / 1024.0,
        "" | "g" | "gb" | "gib" => number,
        "t" | "tb" | "tib" => number * 1024.0,
        _ => return None,
    };
    let amount = if field == AmountField::Ram { gib * 1024.0 } else { gib };
    // A number too large for us is larger than any there is.
    Some(amount.round() as u32)
}

/// Digits with at most one point among them. The general way to read a number would bring some 20 KB of tables into
/// the module that browsers download.
fn decimal(text: &str) -> Option<f64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.bytes().chain(part.bytes());
    if digits.clone().next().is_none() || !digits.clone().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.fold(0.0, |number, digit| number * 10.0 + f64::from(digit - b'0'));
    Some(part.bytes().fold(number, |number, _| number / 10.0))
}

/// The first and the last second of a date in UTC: a year, a month, a day, an hour and minute, or a second.
pub fn date(text: &str) -> Option<(u32, u32)> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4).filter(|year| (1970..=2105).contains(year))?;
    let month = parts.next().map(|part| digits(part, 2)).unwrap_or(Some(0))?;
    let day = parts.next().map(|part| digits(part, 2)).unwrap_or(Some(0))?;
    let has_month = date.len() > 4;
    let has_day = date.len() > 7;
    let fits = (!has_month || (1..=12).contains(&month))
        && (!has_day || (1..=days_of(year, month)).contains(&day))
        && parts.next().is_none()
        && (time.is_none() || has_day);
    if !fits {
        return None;
    }
    let start = |year: u32, month: u32, day: u32| days_since_1970(year, month, day) * 86_400;
    let (first, next) = match (has_month, has_day) {
        (false, _) => (start(year, 1, 1), start(year + 1, 1, 1)),
        (true, false) if month == 12 => (start(year, 12, 1), start(year + 1, 1, 1)),
        (true, false) => (start(year, month, 1), start(year, month + 1, 1)),
        (true, true) => (start(year, month, day), start(year, month, day) + 86_400),
    };
    let Some(time) = time else { return Some((first, next - 1)) };
    let mut parts = time.split(':');
    let hour = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = parts.next().map(|part| digits(part, 2).filter(|second| *second < 60));
    if parts.next().is_some() {
        return None;
    }
    let first = first + hour * 3600 + minute * 60;
    match second {
        None => Some((first, first + 59)),
        Some(second) => second.map(|second| (first + second, first + second)),
    }
}

/// Reads a duration in seconds: `90s`, `30m`, `12h`, `7d`, `2w`, `3mo`, `1y`; days where no unit is said.
pub fn age(text: &str) -> Option<u32> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u32 = number.parse().ok()?;
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "" | "d" => 86_400,
        "w" => 7 * 86_400,
        "mo" => 30 * 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    Some(number.saturating_mul(seconds))
}

/// True for `10.0.0.0/8`, `fd00::/8`, and for one whose length is not typed yet.
pub fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.is_empty() || digits(length, length.len().min(3)).is_some_and(|length| length <= most)
}

/// The condition for bounds of time; a row that does not say the time is outside.
pub fn times(field: TimeField, bounds: Option<(u32, u32)>) -> Condition {
    match bounds {
        Some((from, to)) if to > 0 => Condition::Time { field, from: from.max(1), to },
        _ => NOTHING,
    }
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: u32, month: u32, day: u32) -> u32 {
    (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<u32>()
        + (1..month).map(|month| days_of(year, month)).sum::<u32>()
        + day
        - 1
}
