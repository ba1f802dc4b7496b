//! Tabs whose choice is in the URL: links, so that they open in a new tab, go back and can be shared.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::{
    dom::{focus, focused, query_all},
    element::{El, el},
};

/// One tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// What the URL calls it.
    pub key: &'static str,
    pub label: &'static str,
    pub href: String,
}

/// A row of tabs. The page shows what the chosen one stands for.
#[component]
pub fn Tabs(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] tabs: Signal<Vec<Tab>>,
    /// The key of the open tab.
    #[prop(into)]
    current: Signal<&'static str>,
    /// A number beside a tab's label, by its key.
    #[prop(into)]
    count: Callback<&'static str, Option<usize>>,
) -> impl IntoView {
    let tab = move |tab: Tab| {
        let key = tab.key;
        let count = move || {
            let count = count.run(key);
            count
                .map(|count| el("span").class("tab-count numbers").text(&count.to_string()))
                .into_iter()
                .collect()
        };
        el("a")
            .class("tab")
            .attr("href", &tab.href)
            .attr("data-noscroll", "true")
            .live_attr("aria-current", move || (current.get() == key).then(|| "page".to_owned()))
            .text(tab.label)
            .child(el("span").live_children(count))
    };
    el("nav")
        .class("tabs")
        .live_attr("aria-label", move || Some(label.get()))
        .live_children(move || tabs.get().into_iter().map(tab).collect::<Vec<El>>())
        .on("keydown", |event| move_focus(event.unchecked_ref()))
}

fn move_focus(event: &KeyboardEvent) {
    let Some(row) = event.current_target().and_then(|row| row.dyn_into::<Element>().ok()) else { return };
    let tabs = query_all(&row, ".tab");
    let Some(at) = focused().and_then(|focused| tabs.iter().position(|tab| *tab == focused)) else { return };
    let to = match event.key().as_str() {
        "ArrowRight" => (at + 1) % tabs.len(),
        "ArrowLeft" => (at + tabs.len() - 1) % tabs.len(),
        "Home" => 0,
        "End" => tabs.len() - 1,
        _ => return,
    };
    event.prevent_default();
    if let Some(tab) = tabs.get(to) {
        focus(tab);
    }
}
