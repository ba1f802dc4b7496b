//! Where messages wait: the browser's storage, which all pages of the panel share.

use leptos::prelude::window;
use wasm_bindgen::JsValue;

use super::{
    js::{call, get, try_call},
    state::{PREFIX, Stream, write_down},
};

/// Writes down what has changed of a stream, as far as the browser lets us.
pub fn keep(stream: &mut Stream) {
    let storage = storage();
    let set = |name: &str, text: &str| try_call(&storage, "setItem", &[name.into(), text.into()]).is_some();
    if !write_down(stream.writes(), set, |name| remove(&storage, name)) {
        forget(stream.id());
        stream.was_not_kept();
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
    let storage = storage();
    names().iter().filter(|name| Stream::id_of(name) == Some(id)).for_each(|name| remove(&storage, name));
}

/// Bytes of all streams together.
pub fn size() -> usize {
    let storage = storage();
    let text = |name: &String| call(&storage, "getItem", &[name.into()]).as_string();
    names().iter().filter_map(text).map(|text| text.len()).sum()
}

fn remove(storage: &JsValue, name: &str) {
    call(storage, "removeItem", &[name.into()]);
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
