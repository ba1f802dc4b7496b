//! The search over the whole set: every letter answers.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, KeyboardEvent};

use crate::{
    features::servers::{list_state::ListState, store::use_servers_store, texts},
    ui::{
        El, Icon, Opener, Shortcut, derived, dom::focus, effect::live, el, element::icon,
        keyboard::use_shortcuts, popover,
    },
};

/// The search field, with what it understands behind its question mark.
pub fn search_box(state: ListState) -> El {
    let store = use_servers_store();
    let expected = derived(move || store.track(|servers| servers.expected()).unwrap_or(0));
    let input = el("input")
        .class("input")
        .attr("type", "search")
        .attr("aria-label", texts::SEARCH)
        .attr("autocomplete", "off")
        .attr("autocapitalize", "off")
        .attr("spellcheck", "false")
        .attr("maxlength", "500")
        .attr("enterkeyhint", "search")
        .live_attr("placeholder", move || Some(texts::search_hint(expected.get())));
    let field = input.element().clone().unchecked_into::<HtmlInputElement>();
    let shown = field.clone();
    live(Box::new(move || {
        let text = state.text().get();
        // Setting what is there already would move the cursor to the end.
        if shown.value() != text {
            shown.set_value(&text);
        }
    }));
    let typed = field.clone();
    let input = input
        .on("input", move |_| state.search(typed.value()))
        .on("blur", move |_| state.flush())
        .on("keydown", move |event| pressed(state, event.unchecked_ref()));
    let field = send_wrapper::SendWrapper::new(field);
    let begin = Callback::new(move |()| {
        focus(&field);
        field.select();
    });
    use_shortcuts(texts::KEYS_SEARCH, vec![Shortcut { keys: &["/"], does: texts::SEARCH, run: Some(begin) }]);
    let help = popover(Opener::of(texts::SEARCH_HELP_TITLE, Icon::Help, true, "dialog"), help);
    el("div")
        .class("servers-search")
        .attr("role", "search")
        .child(icon(Icon::Search))
        .child(input)
        .child(help)
}

fn pressed(state: ListState, event: &KeyboardEvent) {
    match event.key().as_str() {
        "Escape" if !state.text().read_untracked().is_empty() => {
            event.stop_propagation();
            state.search(String::new());
        }
        // Enter also ends what an input method composes; that one is not ours.
        "ArrowDown" | "Enter" if !event.is_composing() => enter_table(),
        _ => return,
    }
    event.prevent_default();
}

fn help() -> El {
    let line = |(example, finds): &(&str, &str)| {
        let example = el("dt").child(el("code").text(example));
        el("div").child(example).child(el("dd").text(finds))
    };
    el("div")
        .class("search-help")
        .child(el("h2").text(texts::SEARCH_HELP_TITLE))
        .child(el("dl").children(texts::SEARCH_HELP.iter().map(line).collect()))
}

/// From the search into what it found.
fn enter_table() {
    let table = document().query_selector("[data-testid=server-table]").ok().flatten();
    if let Some(table) = table.and_then(|table| table.dyn_into().ok()) {
        focus(&table);
    }
}
