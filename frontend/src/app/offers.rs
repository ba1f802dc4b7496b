//! The pages of what servers are made of, in one part together: they are small and share most of what they draw with,
//! and each part more divides what parts share into more files.

use leptos::{prelude::*, wasm_split::wasm_split};

use crate::{
    features::{
        calls, flavors::FlavorsPage, images::ImagesPage, key_pairs::KeyPairsPage, quotas::QuotasPage,
        server_groups::ServerGroupsPage,
    },
    ui::part::Part,
};

/// The calls to the cloud, as commands.
#[wasm_split(offers, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn calls_panel() -> Part {
    Ok(calls::calls_panel().into_any())
}

#[derive(Clone, Copy)]
pub enum OffersPage {
    Flavors,
    Images,
    KeyPairs,
    Quotas,
    ServerGroups,
}

#[wasm_split(offers, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn offers_page(page: OffersPage) -> Part {
    Ok(match page {
        OffersPage::Flavors => view! { <FlavorsPage /> }.into_any(),
        OffersPage::Images => view! { <ImagesPage /> }.into_any(),
        OffersPage::KeyPairs => view! { <KeyPairsPage /> }.into_any(),
        OffersPage::Quotas => view! { <QuotasPage /> }.into_any(),
        OffersPage::ServerGroups => view! { <ServerGroupsPage /> }.into_any(),
    })
}
