//! The account of who is signed in: the sessions page.

mod api;
mod sessions_page;
mod texts;

use leptos::{prelude::*, wasm_split::wasm_split};

use crate::ui::part::Part;
use sessions_page::SessionsPage;

/// The sessions page, in a part of its own.
#[wasm_split(account, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn sessions_page() -> Part {
    Ok(view! { <SessionsPage /> }.into_any())
}
