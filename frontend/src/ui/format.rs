//! Numbers, sizes and times as the browser's locale writes them.

/// `12345` as "12,345".
pub fn number(value: u64) -> String {
    // The browser's first look at a locale takes longer than drawing the first rows: done without where it can be.
    if value < 1_000 || browser::groups_by_commas() {
        grouped_by_commas(value)
    } else {
        browser::number(value)
    }
}

/// "1 server", "2 servers", "12,345 servers".
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// Memory in MiB, in the largest unit that keeps it short: "512 MiB", "4 GiB", "1.5 TiB".
pub fn memory(mib: u64) -> String {
    let (size, unit) = match mib {
        0..1024 => (1, "MiB"),
        1024..1_048_576 => (1024, "GiB"),
        _ => (1_048_576, "TiB"),
    };
    // In tenths, rounded.
    let tenths = (u128::from(mib) * 10 + size / 2) / size;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {unit}"),
        (whole, tenth) => format!("{whole}.{tenth} {unit}"),
    }
}

/// A number that may have a point, as JSON writes it.
pub fn decimal(value: f64) -> String {
    browser::decimal(value)
}

/// A moment in full: date, time to the second, time zone. Takes seconds since 1970.
pub fn moment(at: i64) -> String {
    browser::moment(at)
}

/// The day alone: "14 Jan 2026". Takes seconds since 1970.
pub fn day(at: i64) -> String {
    browser::day(at)
}

/// How long ago `at` was: "3 minutes ago", in the language the panel speaks. Both in seconds since 1970; a moment
/// ahead (a clock that goes wrong) counts as now.
pub fn ago(at: i64, now: i64) -> String {
    match age(now.saturating_sub(at)) {
        (0, _) => "now".to_owned(),
        (1, "day") => "yesterday".to_owned(),
        (1, unit) => format!("1 {unit} ago"),
        (value, unit) => format!("{value} {unit}s ago"),
    }
}

/// The same in a form ISO 8601 and `<time datetime>` share.
pub fn iso(at: i64) -> String {
    browser::iso(at)
}

/// Minutes and seconds left, as a clock counts down: "4:05".
pub fn countdown(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Seconds since 1970, by the browser's clock.
pub fn now() -> i64 {
    browser::now()
}

/// Milliseconds since 1970, by the browser's clock.
pub fn now_ms() -> f64 {
    browser::now_ms()
}

fn grouped_by_commas(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An age in the largest unit that it fills.
fn age(seconds: i64) -> (i64, &'static str) {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds {
        ..0 => (0, "second"),
        0..MINUTE => (seconds, "second"),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ if seconds < 45 * DAY => (seconds / DAY, "day"),
        _ if seconds < 365 * DAY => (seconds / (30 * DAY), "month"),
        _ => (seconds / (365 * DAY), "year"),
    }
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use js_sys::{Array, Date, Function, Intl, Object, Reflect};
    use wasm_bindgen::JsValue;

    thread_local! {
        // Made once: `toLocaleString` would look up the locale for every number anew.
        static NUMBER: Function = Intl::NumberFormat::new(&Array::new(), &Object::new()).format();
        static MOMENT: Intl::DateTimeFormat =
            date_format(&[("dateStyle", "medium"), ("timeStyle", "long")]);
        static DAY: Intl::DateTimeFormat = date_format(&[("dateStyle", "medium")]);
        static GROUPS_BY_COMMAS: bool = web_sys::window()
            .and_then(|window| window.navigator().language())
            .is_some_and(|language| GROUPING_BY_COMMAS.contains(&language.as_str()));
    }

    /// Locales that write 12,345,678, of those the browser may be set to. The others are looked up.
    const GROUPING_BY_COMMAS: [&str; 7] = ["en", "en-US", "en-GB", "en-CA", "en-AU", "en-NZ", "en-IE"];

    pub fn groups_by_commas() -> bool {
        GROUPS_BY_COMMAS.with(|groups| *groups)
    }

    pub fn number(value: u64) -> String {
        NUMBER.with(|format| {
            let text = format.call1(&JsValue::UNDEFINED, &JsValue::from_f64(value as f64));
            text.ok().and_then(|text| text.as_string()).unwrap_or_else(|| value.to_string())
        })
    }

    pub fn decimal(value: f64) -> String {
        // Rust's own way of writing it would bring 20 KB of tables into the module.
        js_sys::Number::from(value).to_string_with_radix(10).map(String::from).unwrap_or_default()
    }

    pub fn moment(at: i64) -> String {
        MOMENT.with(|format| formatted(&format.format(), at))
    }

    pub fn day(at: i64) -> String {
        DAY.with(|format| formatted(&format.format(), at))
    }

    pub fn iso(at: i64) -> String {
        date(at).to_iso_string().into()
    }

    pub fn now() -> i64 {
        (Date::now() / 1000.0) as i64
    }

    pub fn now_ms() -> f64 {
        Date::now()
    }

    fn formatted(format: &Function, at: i64) -> String {
        let text = format.call1(&JsValue::UNDEFINED, &date(at));
        text.ok().and_then(|text| text.as_string()).unwrap_or_default()
    }

    fn date(at: i64) -> Date {
        // What a date can hold; beyond it `to_iso_string` would throw.
        const LAST: i64 = 8_640_000_000_000;
        Date::new(&JsValue::from_f64(at.clamp(-LAST, LAST) as f64 * 1000.0))
    }

    fn date_format(settings: &[(&str, &str)]) -> Intl::DateTimeFormat {
        Intl::DateTimeFormat::new(&Array::new(), &options(settings))
    }

    fn options(settings: &[(&str, &str)]) -> Object {
        let options = Object::new();
        for (key, value) in settings {
            _ = Reflect::set(&options, &JsValue::from_str(key), &JsValue::from_str(value));
        }
        options
    }
}

/// Without a browser (tests, measurements): English, plain.
#[cfg(not(target_arch = "wasm32"))]
mod browser {
    pub fn groups_by_commas() -> bool {
        true
    }

    pub fn number(value: u64) -> String {
        super::grouped_by_commas(value)
    }

    pub fn decimal(value: f64) -> String {
        value.to_string()
    }

    pub fn moment(at: i64) -> String {
        format!("{at} s")
    }

    pub fn day(at: i64) -> String {
        format!("day {}", at / 86_400)
    }

    pub fn iso(at: i64) -> String {
        format!("{at}")
    }

    pub fn now() -> i64 {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since_1970.map_or(0, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
    }

    pub fn now_ms() -> f64 {
        now() as f64 * 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_largest_unit_it_fills() {
        assert_eq!(ago(1_000, 1_000), "now");
        assert_eq!(ago(1_000, 1_059), "59 seconds ago");
        assert_eq!(ago(1_000, 1_060), "1 minute ago");
        assert_eq!(ago(0, 86_400), "yesterday");
        assert_eq!(ago(0, 86_400 * 3), "3 days ago");
        assert_eq!(ago(0, 86_400 * 60), "2 months ago");
        assert_eq!(ago(0, 86_400 * 800), "2 years ago");
    }

    #[test]
    fn a_moment_ahead_of_the_browsers_clock_counts_as_now() {
        assert_eq!(ago(2_000, 1_000), "now");
        assert_eq!(ago(i64::MAX, i64::MIN), "now");
    }

    #[test]
    fn memory_keeps_the_unit_that_makes_it_short() {
        assert_eq!(memory(512), "512 MiB");
        assert_eq!(memory(4096), "4 GiB");
        assert_eq!(memory(1536), "1.5 GiB");
        assert_eq!(memory(1_048_576), "1 TiB");
        assert_eq!(memory(0), "0 MiB");
        assert_eq!(memory(1_600_000), "1.5 TiB");
        assert_eq!(memory(3 * u64::from(u32::MAX)), "12288 TiB");
    }

    #[test]
    fn counts_have_their_noun() {
        assert_eq!(counted(1, "server", "servers"), "1 server");
        assert_eq!(counted(0, "server", "servers"), "0 servers");
        assert_eq!(counted(1_234_567, "server", "servers"), "1,234,567 servers");
    }

    #[test]
    fn a_countdown_keeps_two_digits_of_seconds() {
        assert_eq!(countdown(245), "4:05");
        assert_eq!(countdown(0), "0:00");
    }
}
