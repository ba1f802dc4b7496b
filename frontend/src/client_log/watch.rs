//! What nobody says: how the page was loaded, how its frames go, whether there is a network.

use std::{cell::RefCell, rc::Rc, time::Duration};

use api_types::client_log::frames;
use js_sys::Array;
use leptos::prelude::{set_interval, window};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    Kind, Level,
    js::{self, listener},
    log,
};

/// Begins to watch, for as long as the document lives. What it gives tells what was seen and not told yet.
pub fn start() -> impl Fn() + 'static {
    tell_page();
    watch_network();
    watch_frames()
}

/// A message about frames tells of so long, or until the page's end.
const TELL_FRAMES_EVERY: Duration = Duration::from_secs(30);
/// A person notices a task of so long.
const NOTICED_MS: f64 = 500.0;

/// What opening the page took, in milliseconds since it was asked for.
fn tell_page() {
    let entries = |kind: &str| -> Array {
        let entries = js::call(&js::get(&window(), "performance"), "getEntriesByType", &[kind.into()]);
        entries.dyn_into().unwrap_or_default()
    };
    let page = entries("navigation").get(0);
    let mut fields: Vec<(&str, String)> = [
        ("answer_ms", "responseStart"),
        ("received_ms", "responseEnd"),
        ("read_ms", "domContentLoadedEventEnd"),
        ("loaded_ms", "loadEventEnd"),
        ("bytes", "transferSize"),
    ]
    .into_iter()
    .filter_map(|(name, of_page)| Some((name, whole(number(&page, of_page)?))))
    .collect();
    for paint in entries("paint") {
        if text(&paint, "name") == "first-contentful-paint" {
            fields.extend(number(&paint, "startTime").map(|at| ("painted_ms", whole(at))));
        }
    }
    fields.push(("how", text(&page, "type")));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    log(Level::Info, Kind::Page, &format!("Opened {}", path()), &fields);
}

/// Frames and tasks that were not told yet.
#[derive(Default)]
struct Seen {
    slow: u32,
    long_tasks: u32,
    longest_ms: f64,
}

fn watch_frames() -> impl Fn() + 'static {
    let seen = Rc::new(RefCell::new(Seen::default()));
    observe("long-animation-frame", seen.clone(), |seen, _| seen.slow += 1);
    observe("longtask", seen.clone(), |seen, took_ms| {
        seen.long_tasks += 1;
        seen.longest_ms = seen.longest_ms.max(took_ms);
    });
    let tell = move || {
        let seen = seen.take();
        if seen.slow == 0 && seen.long_tasks == 0 {
            return;
        }
        let level = if seen.longest_ms >= NOTICED_MS { Level::Warn } else { Level::Info };
        let fields = [
            (frames::SLOW, &*seen.slow.to_string()),
            (frames::LONG_TASKS, &seen.long_tasks.to_string()),
            (frames::LONGEST_MS, &whole(seen.longest_ms)),
        ];
        log(level, Kind::Frames, "The page was slow to react.", &fields);
    };
    set_interval(tell.clone(), TELL_FRAMES_EVERY);
    tell
}

/// Browsers that do not know a kind tell nothing of it.
fn observe(kind: &str, seen: Rc<RefCell<Seen>>, add: impl Fn(&mut Seen, f64) + 'static) {
    let take = listener(move |took_ms: JsValue| {
        add(&mut seen.borrow_mut(), took_ms.as_f64().unwrap_or(0.0));
    });
    js::boot("observe", &[kind.into(), take.into_js_value()]);
}

fn watch_network() {
    for (event, level, description) in [
        ("offline", Level::Warn, "The browser has no network."),
        ("online", Level::Info, "The browser has a network again."),
    ] {
        let tell = listener(move |_| log(level, Kind::Connection, description, &[]));
        _ = window().add_event_listener_with_callback(event, tell.into_js_value().unchecked_ref());
    }
}

fn number(entry: &JsValue, name: &str) -> Option<f64> {
    js::get(entry, name).as_f64()
}

fn text(entry: &JsValue, name: &str) -> String {
    js::get(entry, name).as_string().unwrap_or_default()
}

fn whole(number: f64) -> String {
    format!("{number:.0}")
}

fn path() -> String {
    window().location().pathname().unwrap_or_default()
}
