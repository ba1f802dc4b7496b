//! The state of a server beside its name.

use api_types::servers::{ServerRow, status_kind};
use leptos::prelude::*;

use crate::{
    features::servers::{detail_texts as texts, state},
    ui::Icon,
};

/// Colour, icon and word of its status, and what is being done to it.
#[component]
pub fn StatusLabel(row: Memo<Option<ServerRow>>) -> impl IntoView {
    let label = move |row: ServerRow| {
        let kind = status_kind(&row.status);
        view! {
            <span class="status-label" data-testid="server-status" data-status=row.status.clone()>
                <span class=state::class_of(kind)>{state::icon_of(kind).view()}</span>
                <span>{state::status_word(&row.status).to_string()}</span>
                {row.task_state.as_deref().map(|task| view! { <span class="task">{state::task_word(task).to_string()}</span> })}
                {row.is_locked.then(|| view! { <span class="badge plain">{Icon::Lock.view()} {texts::LOCKED}</span> })}
            </span>
        }
    };
    move || row.get().map(label)
}
