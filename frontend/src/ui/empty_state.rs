//! What stands where a list or a page would: one sentence on why it is empty, and what to do.

use leptos::prelude::*;

use super::Icon;

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
    view! {
        <div class="empty-state" data-testid=test_id>
            {icon.view()}
            <h2>{move || title.get()}</h2>
            {children.map(|children| children())}
        </div>
    }
}
