//! Whether the pointer moves, or the page moves under it.

use std::cell::Cell;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::MouseEvent;

/// Watches the pointer of the whole document. Called once, where the panel starts.
pub fn provide_pointer() {
    for event in ["pointerdown", "pointermove"] {
        let watching = window_event_listener_untyped(event, |event| {
            let event: &MouseEvent = event.unchecked_ref();
            SEEN.set(Some((event.client_x(), event.client_y())));
        });
        on_cleanup(move || watching.remove());
    }
}

/// True for a movement of the pointer. Browsers tell of one as well when something comes up under a pointer that rests,
/// and what they say of its distance is nothing for the first in a document too.
pub fn has_moved(event: &MouseEvent) -> bool {
    // The window hears of an event after the element it is for, so this is where the pointer was before.
    SEEN.get() != Some((event.client_x(), event.client_y()))
}

thread_local! {
    static SEEN: Cell<Option<(i32, i32)>> = const { Cell::new(None) };
}
