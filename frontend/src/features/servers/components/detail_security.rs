//! The security groups a server is in.

use api_types::servers::detail::SecurityGroup;
use leptos::prelude::*;

use super::detail_part::{Nothing, PartSection};
use crate::features::servers::{detail_page::ShownServer, detail_texts as texts};

#[component]
pub fn SecurityTab(server: ShownServer) -> impl IntoView {
    view! {
        <PartSection title=texts::GROUPS server pick=|detail| &detail.security_groups let:groups>
            <GroupTable groups />
        </PartSection>
    }
}

#[component]
fn GroupTable(groups: Vec<SecurityGroup>) -> impl IntoView {
    if groups.is_empty() {
        return view! { <Nothing text=texts::NO_GROUPS /> }.into_any();
    }
    let row = |group: SecurityGroup| {
        view! {
            <tr>
                <th scope="row" class="foreign">
                    {group.name}
                </th>
                <td data-label=texts::DESCRIPTION class="foreign">
                    {group.description}
                </td>
                <td data-label=texts::ID class="mono foreign">
                    {group.id}
                </td>
            </tr>
        }
    };
    view! {
        <table class="table stacked">
            <thead>
                <tr>
                    <th scope="col">{texts::NAME}</th>
                    <th scope="col">{texts::DESCRIPTION}</th>
                    <th scope="col">{texts::ID}</th>
                </tr>
            </thead>
            <tbody>{groups.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}
