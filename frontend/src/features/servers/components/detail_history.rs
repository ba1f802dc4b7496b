//! What was done to a server, the latest first.

use api_types::servers::detail::InstanceAction;
use leptos::prelude::*;

use super::detail_part::{Nothing, PartSection};
use crate::{
    features::servers::{detail_page::ShownServer, detail_state::action_word, detail_texts as texts},
    ui::{CopyButton, Icon, RelativeTime},
};

#[component]
pub fn HistoryTab(server: ShownServer) -> impl IntoView {
    view! {
        <PartSection title=texts::HISTORY server pick=|detail| &detail.actions let:actions>
            <ActionTable actions />
        </PartSection>
    }
}

#[component]
fn ActionTable(actions: Vec<InstanceAction>) -> impl IntoView {
    if actions.is_empty() {
        return view! { <Nothing text=texts::NO_HISTORY /> }.into_any();
    }
    view! {
        <table class="table stacked">
            <thead>
                <tr>
                    <th scope="col">{texts::ACTION}</th>
                    <th scope="col">{texts::STARTED}</th>
                    <th scope="col">{texts::OUTCOME}</th>
                    <th scope="col">{texts::USER}</th>
                    <th scope="col">{texts::REQUEST}</th>
                </tr>
            </thead>
            <tbody>{actions.into_iter().map(|action| view! { <ActionRow action /> }).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn ActionRow(action: InstanceAction) -> impl IntoView {
    let what = texts::copy(&action.request_id);
    let outcome = match action.message {
        Some(message) => view! { <span class="outcome bad">{Icon::Alert.view()} {message}</span> }.into_any(),
        None => texts::DONE.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="foreign">
                {action_word(&action.action)}
            </th>
            <td data-label=texts::STARTED>
                <RelativeTime at=i64::from(action.started_at) />
            </td>
            <td data-label=texts::OUTCOME class="foreign">
                {outcome}
            </td>
            <td data-label=texts::USER class="mono foreign">
                {action.user_id.unwrap_or_else(|| texts::UNKNOWN.to_owned())}
            </td>
            <td data-label=texts::REQUEST class="mono foreign">
                {action.request_id.clone()}
                " "
                <CopyButton text=action.request_id what />
            </td>
        </tr>
    }
}
