//! Copies a text to the clipboard and says so.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::{
    Icon,
    element::{El, el, icon},
    use_announcer,
};

/// A small button that copies `text`. `what` names it: "Copy address".
pub fn copy_button(text: String, what: String) -> El {
    copy_button_of(move || text.clone(), what)
}

/// The same for a text that is another one by the time it is copied.
pub fn copy_button_of(text: impl Fn() -> String + 'static, what: String) -> El {
    boxed(Box::new(text), what)
}

fn boxed(text: Box<dyn Fn() -> String>, what: String) -> El {
    let is_done = RwSignal::new(false);
    let announcer = use_announcer();
    let named = what.clone();
    let copy = move |_| {
        let text = text();
        spawn_local(async move {
            if copy_text(&text).await {
                _ = is_done.try_set(true);
                announcer.say("Copied");
                set_timeout(move || _ = is_done.try_set(false), Duration::from_millis(1500));
            } else {
                announcer.say("This browser does not let the page copy");
            }
        });
    };
    el("button")
        .attr("type", "button")
        .class("copy-button")
        .live_class("done", move || is_done.get())
        .attr("aria-label", &named)
        .live_attr("title", move || Some(if is_done.get() { "Copied".to_owned() } else { what.clone() }))
        .live_children(move || vec![icon(if is_done.get() { Icon::Check } else { Icon::Copy })])
        .on("click", copy)
}

/// Puts a text on the clipboard; false where the browser refuses.
pub async fn copy_text(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Outside secure contexts there is no clipboard at all, whatever the types say.
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// What is on the clipboard; `None` where the browser, or the person, does not let the page read it.
pub async fn clipboard_text() -> Option<String> {
    let clipboard = window().navigator().clipboard();
    if clipboard.is_undefined() {
        return None;
    }
    JsFuture::from(clipboard.read_text()).await.ok()?.as_string()
}
