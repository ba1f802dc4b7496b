//! Tabs whose choice is in the URL: links, so that they open in a new tab, go back and can be shared.

use std::rc::Rc;

use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::{
    dom::{focus, focused, query_all, show_current},
    effect::after,
    element::{El, el},
    held::derived,
    part_styles::part_styles,
};

/// One tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// What the URL calls it.
    pub key: &'static str,
    pub label: &'static str,
    pub href: String,
}

/// A row of tabs. The page shows what the chosen one stands for. `current` is the key of the open tab, `count` a
/// number beside a tab's label, by its key.
pub fn tabs(
    label: &str,
    tabs: impl Fn() -> Vec<Tab> + 'static,
    current: impl Fn() -> &'static str + Copy + 'static,
    count: impl Fn(&'static str) -> Option<usize> + Copy + 'static,
) -> El {
    let tab = move |tab: Tab| {
        let key = tab.key;
        let number = move || {
            let number = |count: usize| el("span").class("tab-count numbers").text(&count.to_string());
            count(key).map(number).into_iter().collect()
        };
        el("a")
            .class("tab")
            .attr("href", &tab.href)
            .live_attr("aria-current", move || (current() == key).then(|| "page".to_owned()))
            .text(tab.label)
            .child(el("span").live_children(number))
    };
    let tabs = Rc::new(tabs);
    // The numbers make tabs wider, and come later.
    let shown = {
        let tabs = tabs.clone();
        derived(move || (current(), tabs().iter().map(|tab| count(tab.key)).collect::<Vec<_>>()))
    };
    let row = el("nav")
        .class("tabs")
        .attr("aria-label", label)
        .live_children(move || tabs().into_iter().map(tab).collect())
        .on("keydown", |event| move_focus(event.unchecked_ref()));
    keep_current_in_view(&row, move || shown.with(|_| {}));
    row
}

/// Scrolls a row of links to that of the page on screen, now and whenever something that `follow` read changes.
pub fn keep_current_in_view(row: &El, follow: impl Fn() + 'static) {
    let row = SendWrapper::new(row.element().clone());
    after(move || {
        follow();
        let row = row.clone();
        // Without its style it is no row.
        spawn_local(async move {
            part_styles().await;
            show_current(&row);
        });
    });
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
