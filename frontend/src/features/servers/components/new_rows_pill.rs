//! New servers wait while somebody points at the rows; this says so and shows them.

use leptos::prelude::*;

use crate::{
    features::servers::{store::use_servers_store, texts},
    ui::Icon,
};

#[component]
pub fn NewRowsPill() -> impl IntoView {
    let store = use_servers_store();
    let waiting = Memo::new(move |_| store.track(|servers| servers.view.waiting()).unwrap_or(0));
    view! {
        <Show when=move || { waiting.get() > 0 }>
            <button
                type="button"
                class="new-rows-pill"
                data-testid="new-rows-pill"
                on:click=move |_| store.show_waiting()
            >
                {Icon::ArrowUp.view()}
                {move || texts::new_rows(waiting.get())}
            </button>
        </Show>
    }
}
