//! Tabs whose choice is in the URL: links, so that they open in a new tab, go back and can be shared.

use leptos::{ev::KeyboardEvent, html, prelude::*};

use super::dom::{focus, focused, query_all};

/// One tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// What the URL calls it.
    pub key: &'static str,
    pub label: String,
    pub href: String,
    /// A number beside the label.
    pub count: Option<usize>,
}

/// A row of tabs. The page shows what the chosen one stands for.
#[component]
pub fn Tabs(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] tabs: Signal<Vec<Tab>>,
    /// The key of the open tab.
    #[prop(into)]
    current: Signal<String>,
) -> impl IntoView {
    let row = NodeRef::<html::Nav>::new();
    view! {
        <nav class="tabs" node_ref=row aria-label=move || label.get() on:keydown=move |event| move_focus(&event, row)>
            <For
                each=move || tabs.get()
                key=|tab| (tab.key, tab.href.clone(), tab.count)
                children=move |tab| {
                    let key = tab.key;
                    view! {
                        <a
                            class="tab"
                            href=tab.href
                            aria-current=move || (current.get() == key).then_some("page")
                            data-noscroll="true"
                        >
                            {tab.label}
                            {tab.count.map(|count| view! { <span class="tab-count numbers">{count}</span> })}
                        </a>
                    }
                }
            />
        </nav>
    }
}

fn move_focus(event: &KeyboardEvent, row: NodeRef<html::Nav>) {
    let Some(row) = row.get_untracked() else { return };
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
