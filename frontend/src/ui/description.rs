//! Lists of names and their values, as detail pages are made of.

use leptos::prelude::*;

/// A list of [`DescriptionItem`]s.
#[component]
pub fn Description(children: Children) -> impl IntoView {
    view! { <dl class="description">{children()}</dl> }
}

/// A name and its value.
#[component]
pub fn DescriptionItem(#[prop(into)] name: Signal<String>, children: Children) -> impl IntoView {
    view! {
        <div class="description-item">
            <dt>{move || name.get()}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
