//! The line over the table: how many servers, what narrows the list, or what can be done with the ticked ones. Of
//! one height whatever it says, so that the table never moves.

use leptos::prelude::*;

use super::{facet_panel::value_name, selection_bar::SelectionBar};
use crate::{
    features::servers::{
        list_state::ListState,
        rows::Facet,
        store::{Servers, use_servers_store},
        texts,
    },
    ui::{Icon, use_announcer},
};

#[component]
pub fn StatusLine(state: ListState) -> impl IntoView {
    let store = use_servers_store();
    let selected = Memo::new(move |_| {
        store.track(|servers| servers.selection.count(&servers.rows, &servers.view)).unwrap_or(0)
    });
    view! {
        <div class="status-line">
            <Show when=move || { selected.get() > 0 } fallback=move || view! { <Summary state /> }>
                <SelectionBar selected />
            </Show>
        </div>
    }
}

#[component]
fn Summary(state: ListState) -> impl IntoView {
    let store = use_servers_store();
    let words = Memo::new(move |_| store.track(count_words).unwrap_or_default());
    let is_complete = Memo::new(move |_| store.track(Servers::is_complete).unwrap_or(false));
    let announcer = use_announcer();
    // What a search found is said aloud, once the list has settled on it.
    Effect::new(move |before: Option<String>| {
        let words = words.get();
        if is_complete.get() {
            if before.is_some_and(|before| before != words && !before.is_empty()) {
                announcer.say(words.clone());
            }
            words
        } else {
            before.unwrap_or_default()
        }
    });
    let chips = move || {
        let facets = state.facets().get();
        Facet::ALL
            .into_iter()
            .flat_map(|facet| facets.values(facet).map(|value| (facet, value.to_owned())).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let problem = move || state.problems().first().map(texts::problem);
    view! {
        <p class="count numbers">{words}</p>
        <ul class="chips">
            <For each=chips key=|chip| chip.clone() let:chip>
                <Chip state facet=chip.0 value=chip.1 />
            </For>
        </ul>
        <Show when=move || !state.is_unfiltered()>
            <button type="button" class="clear" on:click=move |_| state.clear()>
                {texts::CLEAR_FILTERS}
            </button>
        </Show>
        <p class="problem" role="status">
            {problem}
        </p>
    }
}

#[component]
fn Chip(state: ListState, facet: Facet, value: String) -> impl IntoView {
    let name = value_name(facet, &value);
    let label = texts::remove_filter(texts::facet(facet), &name);
    view! {
        <li class="chip">
            <span class="chip-facet">{texts::facet(facet)}</span>
            <span class="foreign">{name}</span>
            <button
                type="button"
                aria-label=label.clone()
                title=label
                on:click=move |_| state.choose(facet, &value, false)
            >
                {Icon::Close.view()}
            </button>
        </li>
    }
}

fn count_words(servers: &Servers) -> String {
    let (matching, total) = (servers.view.len(), servers.view.total());
    let is_loading = !servers.is_caught_up || servers.is_any_region_loading();
    if is_loading && servers.view.query().is_empty() {
        texts::loading(total, servers.expected())
    } else {
        texts::matching(matching, total)
    }
}
