//! Where messages wait: the browser's storage, which all pages of the panel share.

use leptos::prelude::window;
use wasm_bindgen::JsValue;

use super::{
    js::{call, get},
    state::{PREFIX, Stream, Write},
};

/// Writes down, as far as the browser lets us: what does not fit waits in memory alone.
pub fn write(writes: Vec<Write>) {
    let storage = storage();
    for write in writes {
        match write {
            Write::Set(name, text) => call(&storage, "setItem", &[name.into(), text.into()]),
            Write::Remove(name) => call(&storage, "removeItem", &[name.into()]),
        };
    }
}

/// The streams there is something of.
pub fn streams() -> Vec<String> {
    let mut ids: Vec<String> =
        names().iter().filter_map(|name| Stream::id_of(name)).map(str::to_owned).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Everything there is of a stream.
pub fn of_stream(id: &str) -> Vec<(String, String)> {
    let storage = storage();
    let own = names().into_iter().filter(|name| Stream::id_of(name) == Some(id));
    let text = |name: &str| call(&storage, "getItem", &[name.into()]).as_string();
    own.filter_map(|name| text(&name).map(|text| (name, text))).collect()
}

/// Forgets everything of a stream.
pub fn forget(id: &str) {
    write(of_stream(id).into_iter().map(|(name, _)| Write::Remove(name)).collect());
}

fn names() -> Vec<String> {
    let storage = storage();
    let count = get(&storage, "length").as_f64().unwrap_or(0.0) as u32;
    let name = |at: u32| call(&storage, "key", &[at.into()]).as_string();
    (0..count).filter_map(name).filter(|name| name.starts_with(PREFIX)).collect()
}

/// Nothing, where the browser keeps it closed.
fn storage() -> JsValue {
    get(&window(), "localStorage")
}
