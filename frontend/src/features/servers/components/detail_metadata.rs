//! A server's tags and metadata.

use leptos::prelude::*;

use super::detail_part::{Nothing, Section};
use crate::features::servers::{detail_page::ShownServer, detail_texts as texts};

#[component]
pub fn MetadataTab(server: ShownServer) -> impl IntoView {
    let tags = Memo::new(move |_| server.row.read().as_ref().map(|row| row.tags.clone()).unwrap_or_default());
    let metadata =
        Memo::new(move |_| server.row.read().as_ref().map(|row| row.metadata.clone()).unwrap_or_default());
    view! {
        <Section title=texts::TAGS>
            {move || match tags.get() {
                tags if tags.is_empty() => view! { <Nothing text=texts::NO_TAGS /> }.into_any(),
                tags => view! { <TagList tags /> }.into_any(),
            }}
        </Section>
        <Section title=texts::METADATA>
            {move || match metadata.get() {
                entries if entries.is_empty() => view! { <Nothing text=texts::NO_METADATA /> }.into_any(),
                entries => view! { <MetadataTable entries /> }.into_any(),
            }}
        </Section>
    }
}

#[component]
fn TagList(tags: Vec<String>) -> impl IntoView {
    let tag = |tag: String| view! { <li class="badge plain foreign">{tag}</li> };
    view! { <ul class="tag-list">{tags.into_iter().map(tag).collect_view()}</ul> }
}

#[component]
fn MetadataTable(entries: Vec<(String, String)>) -> impl IntoView {
    let row = |(key, value): (String, String)| {
        view! {
            <tr>
                <th scope="row" class="mono foreign">
                    {key}
                </th>
                <td data-label=texts::VALUE class="mono foreign">
                    {value}
                </td>
            </tr>
        }
    };
    view! {
        <table class="table stacked">
            <thead>
                <tr>
                    <th scope="col">{texts::NAME}</th>
                    <th scope="col">{texts::VALUE}</th>
                </tr>
            </thead>
            <tbody>{entries.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}
