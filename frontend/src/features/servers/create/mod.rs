//! Creating servers: one page, one or many at once.

mod draft;
mod fit;
mod form;
mod from_server;
mod keep;
mod names;
mod page;
mod sections;
mod submit;
mod summary;
mod user_data;

use leptos::{prelude::*, wasm_split::wasm_split};

use crate::ui::part::Part;
use page::CreatePage;

/// The page, in a part of its own.
#[wasm_split(create, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn create_page() -> Part {
    Ok(view! { <CreatePage /> }.into_any())
}
