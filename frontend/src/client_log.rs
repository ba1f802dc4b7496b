//! What the page logs: where anybody says it, and the part of the program that sends it.
//!
//! [`log`] hands a message to the boot script, which has kept what happened since the page's first moment and writes it
//! where a reload finds it. The part comes when there is time: it numbers, keeps, sends and forgets (`sender`), decides
//! in plain Rust (`state`), and watches what nobody says (`watch`). What a person typed is never logged.

mod early;
mod js;
mod sender;
mod socket;
mod state;
mod storage;
mod watch;

use std::{cell::Cell, time::Duration};

pub use api_types::client_log::{Kind, Level};
use leptos::{
    prelude::{set_timeout, window_event_listener_untyped},
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};

/// Logs a message. A field is a name and its value; what looks like a number becomes one.
pub fn log(level: Level, kind: Kind, description: &str, fields: &[(&str, &str)]) {
    let mut joined = String::new();
    for (name, value) in fields {
        for piece in [name, value] {
            joined.push_str(piece);
            joined.push(BETWEEN);
        }
    }
    boot::log(level.name(), kind.name(), description, &joined);
}

/// Fetches the part that sends, once the page has come to rest. Where it does not come it is tried again: after twice as
/// long each time, and as soon as there is a network.
pub fn send_when_there_is_time() {
    set_timeout(|| fetch(START_AFTER), START_AFTER);
    _ = window_event_listener_untyped("online", |_| fetch(START_AFTER));
}

fn fetch(wait: Duration) {
    if IS_COMING.replace(true) {
        return;
    }
    spawn_local(async move {
        if start().await.is_ok() {
            return;
        }
        IS_COMING.set(false);
        if wait == START_AFTER {
            log(Level::Warn, Kind::Log, "What sends the log could not be loaded.", &[]);
        }
        set_timeout(move || fetch((wait * 2).min(LONGEST_WAIT)), wait);
    });
}

/// Between names and values; in no text of ours.
const BETWEEN: char = '\u{1}';
const START_AFTER: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(120);

thread_local! {
    /// Whether the part is here or on its way.
    static IS_COMING: Cell<bool> = const { Cell::new(false) };
}

/// In a part that comes at the same time anyway: each part more divides what parts share into more files, whose names
/// every visitor downloads.
#[wasm_split(actions, wasm_split_path = ::leptos::wasm_split, fallible)]
fn start() -> Result<(), SplitLoaderError> {
    sender::start();
    Ok(())
}

#[cfg(target_arch = "wasm32")]
mod boot {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        /// What `assets/scripts/boot.js` offers; the rest of it is for the part alone.
        #[wasm_bindgen(js_namespace = ["window", "meridian"])]
        pub fn log(level: &str, kind: &str, description: &str, fields: &str);
    }
}

/// Tests run without a page.
#[cfg(not(target_arch = "wasm32"))]
mod boot {
    pub fn log(_: &str, _: &str, _: &str, _: &str) {}
}
