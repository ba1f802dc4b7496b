//! What can be done with the ticked servers.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    features::servers::{
        rows::RowView,
        store::{Servers, use_servers_store},
        texts,
    },
    ui::{Button, ButtonKind, Icon, copy_button::copy_text, use_toasts},
};

#[component]
pub fn SelectionBar(selected: Memo<usize>) -> impl IntoView {
    let store = use_servers_store();
    let matching = Memo::new(move |_| store.track(|servers| servers.view.len()).unwrap_or(0));
    let has_more = move || selected.get() < matching.get();
    let change = move |change: fn(&mut Servers)| Callback::new(move |()| _ = store.update(change));
    view! {
        <div class="selection-bar" data-testid="selection-bar" role="toolbar" aria-label=texts::SELECTION>
            <p class="count numbers">{move || texts::selected(selected.get())}</p>
            <Show when=has_more>
                <Button
                    kind=ButtonKind::Quiet
                    on_press=change(|servers| servers.selection.select_all_matching())
                >
                    {move || texts::select_all(matching.get())}
                </Button>
            </Show>
            <Button kind=ButtonKind::Quiet on_press=change(|servers| servers.selection.invert())>
                {texts::INVERT}
            </Button>
            <CopyList what=texts::COPY_ADDRESSES text=addresses_of />
            <CopyList what=texts::COPY_IDS text=|row| vec![row.id().to_string()] />
            <Button
                kind=ButtonKind::Quiet
                icon=Icon::Close
                on_press=change(|servers| servers.selection.clear())
            >
                {texts::CLEAR_SELECTION}
            </Button>
        </div>
    }
}

/// Copies something of every ticked server, a line each.
#[component]
fn CopyList(what: &'static str, text: fn(RowView<'_>) -> Vec<String>) -> impl IntoView {
    let store = use_servers_store();
    let toasts = use_toasts();
    let copy = Callback::new(move |()| {
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
    });
    view! {
        <Button kind=ButtonKind::Quiet icon=Icon::Copy on_press=copy>
            {what}
        </Button>
    }
}

fn addresses_of(row: RowView<'_>) -> Vec<String> {
    row.addresses().map(|address| address.ip_text()).collect()
}
