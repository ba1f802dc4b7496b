//! What can be done with the ticked servers.

use leptos::task::spawn_local;

use crate::{
    features::servers::{
        rows::RowView,
        store::{Servers, ServersStore, use_servers_store},
        texts,
    },
    ui::{El, Held, Icon, copy_button::copy_text, derived, el, element::icon, toast::ToastBox, use_toasts},
};

pub fn selection_bar(selected: Held<usize>) -> El {
    let store = use_servers_store();
    let toasts = use_toasts();
    let matching = derived(move || store.track(Servers::matching).unwrap_or(0));
    let change =
        move |button: El, change: fn(&mut Servers)| button.on("click", move |_| _ = store.update(change));
    let copy = move |button: El, text: fn(RowView<'_>) -> Vec<String>| {
        button.child(icon(Icon::Copy)).on("click", move |_| copy_lines(store, toasts, text))
    };
    let all = button()
        .live_attr("hidden", move || (selected.get() >= matching.get()).then(String::new))
        .live_text(move || texts::select_all(matching.get()));
    el("div")
        .class("selection-bar")
        .attr("data-testid", "selection-bar")
        .attr("role", "toolbar")
        .attr("aria-label", texts::SELECTION)
        .child(el("p").class("count numbers").live_text(move || texts::selected(selected.get())))
        .child(change(all, |servers| servers.selection.select_all_matching()))
        .child(change(button().text(texts::INVERT), |servers| servers.selection.invert()))
        .child(copy(button(), addresses_of).text(texts::COPY_ADDRESSES))
        .child(copy(button(), |row| vec![row.id().to_string()]).text(texts::COPY_IDS))
        .child(change(button().child(icon(Icon::Close)).text(texts::CLEAR_SELECTION), |servers| {
            servers.selection.clear();
        }))
}

fn button() -> El {
    el("button").attr("type", "button").class("button quiet")
}

/// Copies something of every ticked server, a line each.
fn copy_lines(store: ServersStore, toasts: ToastBox, text: fn(RowView<'_>) -> Vec<String>) {
    let lines = store.with(|servers| {
        servers.selected().into_iter().flat_map(|row| text(servers.rows.row(row))).collect::<Vec<_>>()
    });
    let Some(lines) = lines else { return };
    spawn_local(async move {
        if copy_text(&lines.join("\n")).await {
            toasts.say(texts::copied_lines(lines.len()));
        } else {
            toasts.fail(texts::CANNOT_COPY, None);
        }
    });
}

fn addresses_of(row: RowView<'_>) -> Vec<String> {
    row.addresses().map(|address| address.ip_text()).collect()
}
