//! What stands where a list or a page would: one sentence on why it is empty, and what to do.

use leptos::prelude::*;

use super::{
    Icon,
    element::{El, el, icon as icon_el},
};

/// An empty place. `test_id` tells the kinds of emptiness apart for tests.
#[component]
pub fn EmptyState(
    icon: Icon,
    #[prop(into)] title: Signal<String>,
    #[prop(into, optional)] test_id: Option<&'static str>,
    /// The explanation and the buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let place = el("div")
        .class("empty-state")
        .attr_if("data-testid", test_id)
        .child(icon_el(icon))
        .child(el("h2").live_text(move || title.get()));
    match children {
        Some(children) => place.view(children()),
        None => place,
    }
}

/// The same from elements, for a title that stays; the explanation and the buttons are its further children.
pub fn empty_state(icon: Icon, title: &str, test_id: &str) -> El {
    el("div")
        .class("empty-state")
        .attr("data-testid", test_id)
        .child(icon_el(icon))
        .child(el("h2").text(title))
}
