//! Times as a graph says them, in the reader's own time zone.

use js_sys::Date;
use wasm_bindgen::JsValue;

use crate::ui::format;

/// "14:05", or "21 Nov" where the graph covers days.
pub fn short(at: i64, is_long: bool) -> String {
    if is_long {
        let day = format::day(at);
        // Without the year, which every label would repeat.
        return day.rsplit_once(' ').map_or(day.clone(), |(day, _)| day.trim_end_matches(',').to_owned());
    }
    let at = Date::new(&JsValue::from_f64(at as f64 * 1_000.0));
    format!("{:02}:{:02}", at.get_hours(), at.get_minutes())
}

/// The whole moment.
pub fn exact(at: i64) -> String {
    format::moment(at)
}
