//! The line over the table: how many servers, what narrows the list, or what can be done with the ticked ones. Of
//! one height whatever it says, so that the table never moves.

use std::cell::RefCell;

use super::{facet_panel::value_name, selection_bar::selection_bar};
use crate::{
    features::servers::{
        list_state::ListState,
        rows::Facet,
        store::{Servers, use_servers_store},
        texts,
    },
    ui::{El, Held, Icon, derived, effect::after, el, element::icon, use_announcer},
};

pub fn status_line(state: ListState) -> El {
    let store = use_servers_store();
    let selected = derived(move || {
        store.track(|servers| servers.selection.count(&servers.rows, &servers.view)).unwrap_or(0)
    });
    let has_selection = derived(move || selected.get() > 0);
    let summary = summary(state).live_attr("hidden", move || has_selection.get().then(String::new));
    let bar = move || if has_selection.get() { vec![selection_bar(selected)] } else { Vec::new() };
    el("div").class("status-line").child(summary).child(el("div").class("selection-place").live_children(bar))
}

fn summary(state: ListState) -> El {
    let store = use_servers_store();
    let words = derived(move || store.track(count_words).unwrap_or_default());
    announce_results(state, words);
    let chips = move || {
        let facets = state.facets().get();
        let of_facet = |facet: Facet| facets.values(facet).map(move |value| chip(state, facet, value));
        Facet::ALL.into_iter().flat_map(of_facet).collect()
    };
    let clear = el("button")
        .attr("type", "button")
        .class("clear")
        .text(texts::CLEAR_FILTERS)
        .live_attr("hidden", move || state.is_unfiltered().then(String::new))
        .on("click", move |_| state.clear());
    let problem = move || state.problems().first().map(texts::problem).unwrap_or_default();
    el("div")
        .class("summary")
        .child(el("p").class("count numbers").live_text(move || words.get()))
        .child(el("ul").class("chips").live_children(chips))
        .child(clear)
        .child(el("p").class("problem").attr("role", "status").live_text(problem))
}

/// What a search found is said aloud, once the list has settled on it.
fn announce_results(state: ListState, words: Held<String>) {
    let store = use_servers_store();
    let is_complete = derived(move || store.track(Servers::is_complete) == Some(true));
    let announcer = use_announcer();
    let said = RefCell::new(String::new());
    after(move || {
        let words = words.get();
        // Until somebody has searched, the number is on its way to be seen, and a cloud that lives changes it.
        if is_complete.get() && !state.is_unfiltered() && *said.borrow() != words {
            said.borrow_mut().clone_from(&words);
            announcer.say(words);
        }
    });
}

fn chip(state: ListState, facet: Facet, value: &str) -> El {
    let name = value_name(facet, value);
    let label = texts::remove_filter(texts::facet(facet), &name);
    let value = value.to_owned();
    let remove = el("button")
        .attr("type", "button")
        .attr("aria-label", &label)
        .attr("title", &label)
        .child(icon(Icon::Close))
        .on("click", move |_| state.choose(facet, &value, false));
    el("li")
        .class("chip")
        .child(el("span").class("chip-facet").text(texts::facet(facet)))
        .child(el("span").class("foreign").text(&name))
        .child(remove)
}

fn count_words(servers: &Servers) -> String {
    let (matching, total) = (servers.matching(), servers.view.total());
    let is_loading = !servers.is_caught_up || servers.is_any_region_loading();
    if is_loading && servers.view.query().is_empty() {
        texts::loading(total, servers.expected())
    } else {
        texts::matching(matching, total)
    }
}
