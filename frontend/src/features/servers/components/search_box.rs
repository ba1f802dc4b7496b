//! The search over the whole set: every letter answers.

use leptos::{ev::KeyboardEvent, html, prelude::*};
use wasm_bindgen::JsCast;

use crate::{
    features::servers::{list_state::ListState, store::use_servers_store, texts},
    ui::{Align, Icon, Popover, Shortcut, dom::focus, keyboard::use_shortcuts},
};

#[component]
pub fn SearchBox(state: ListState) -> impl IntoView {
    let store = use_servers_store();
    let field = NodeRef::<html::Input>::new();
    let total = Memo::new(move |_| store.track(|servers| servers.expected()).unwrap_or(0));
    let text = state.text();
    let begin = Callback::new(move |()| {
        if let Some(field) = field.get_untracked() {
            focus(&field);
            field.select();
        }
    });
    use_shortcuts("Search", vec![Shortcut { keys: &["/"], does: "Search servers", run: Some(begin) }]);
    let key = move |event: KeyboardEvent| match event.key().as_str() {
        "Escape" if !text.read_untracked().is_empty() => {
            event.prevent_default();
            event.stop_propagation();
            state.search(String::new());
        }
        "ArrowDown" | "Enter" => {
            event.prevent_default();
            enter_table();
        }
        _ => {}
    };
    view! {
        <div class="servers-search" role="search">
            {Icon::Search.view()}
            <input
                class="input"
                type="search"
                aria-label=texts::SEARCH
                placeholder=move || texts::search_hint(total.get())
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                maxlength="500"
                enterkeyhint="search"
                node_ref=field
                prop:value=text
                on:input:target=move |event| state.search(event.target().value())
                on:blur=move |_| state.flush()
                on:keydown=key
            />
            <Popover
                label=texts::SEARCH_HELP_TITLE
                icon=Icon::Help
                icon_only=true
                button_class="button quiet"
                align=Align::End
            >
                <SearchHelp />
            </Popover>
        </div>
    }
}

#[component]
fn SearchHelp() -> impl IntoView {
    let lines = texts::SEARCH_HELP.iter().map(|(example, finds)| {
        view! {
            <div>
                <dt>
                    <code>{*example}</code>
                </dt>
                <dd>{*finds}</dd>
            </div>
        }
    });
    view! {
        <div class="search-help" tabindex="-1">
            <h2>{texts::SEARCH_HELP_TITLE}</h2>
            <dl>{lines.collect_view()}</dl>
        </div>
    }
}

/// From the search into what it found.
fn enter_table() {
    let table = document().query_selector("[data-testid=server-table]").ok().flatten();
    if let Some(table) = table.and_then(|table| table.dyn_into().ok()) {
        focus(&table);
    }
}
