//! Times to the millisecond, in the reader's own time zone.

use js_sys::Date;
use wasm_bindgen::JsValue;

/// "14:03:07.512", with the day before it where it is not today.
pub fn clock(at_us: i64) -> String {
    let at = date(at_us);
    let time = format!(
        "{:02}:{:02}:{:02}.{:03}",
        at.get_hours(),
        at.get_minutes(),
        at.get_seconds(),
        at.get_milliseconds()
    );
    let now = Date::new_0();
    let day = |date: &Date| (date.get_full_year(), date.get_month(), date.get_date());
    if day(&at) == day(&now) { time } else { format!("{} {time}", self::day(&at)) }
}

/// RFC 3339, in UTC.
pub fn rfc3339(at_us: i64) -> String {
    date(at_us).to_iso_string().into()
}

/// What a field for date and time shows of RFC 3339; empty for what is none.
pub fn as_local(rfc3339: &str) -> String {
    let at = Date::new(&JsValue::from_str(rfc3339));
    if at.get_time().is_nan() {
        return String::new();
    }
    format!("{}T{:02}:{:02}:{:02}", day(&at), at.get_hours(), at.get_minutes(), at.get_seconds())
}

/// RFC 3339 of what a field for date and time holds.
pub fn from_local(local: &str) -> Option<String> {
    let at = Date::new(&JsValue::from_str(local));
    (!local.is_empty() && !at.get_time().is_nan()).then(|| at.to_iso_string().into())
}

fn day(at: &Date) -> String {
    format!("{:04}-{:02}-{:02}", at.get_full_year(), at.get_month() + 1, at.get_date())
}

fn date(at_us: i64) -> Date {
    // What a date can hold; beyond it `to_iso_string` would throw.
    const LAST: i64 = 8_640_000_000_000_000;
    Date::new(&JsValue::from_f64((at_us / 1_000).clamp(-LAST, LAST) as f64))
}
