//! Keeps a page from being left by mistake while something on it would be lost for good.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::effect::after;

/// While it is held, a step back stays on the page, and the browser asks before the document is closed. Links are no
/// matter of this: what holds a page stands in a dialog over them.
pub fn hold_page(is_held: RwSignal<bool>) {
    // A step back cannot be refused. It can be given something to go back over: this same page once more, which the
    // router takes for no change.
    let pad = || {
        let Ok(history) = window().history() else { return };
        _ = history.push_state_with_url(&JsValue::NULL, "", None);
    };
    after(move || {
        if is_held.get() {
            pad();
        }
    });
    let back = window_event_listener_untyped("popstate", move |_| {
        if is_held.get_untracked() {
            pad();
        }
    });
    let close = window_event_listener_untyped("beforeunload", move |event| {
        if is_held.get_untracked() {
            event.prevent_default();
        }
    });
    on_cleanup(move || {
        back.remove();
        close.remove();
    });
}
