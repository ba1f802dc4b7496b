//! Creating servers: one page, one or many at once.

mod draft;
mod fit;
mod form;
mod from_server;
mod keep;
mod makings;
mod names;
mod page;
mod sections;
mod submit;
mod summary;
mod texts;
mod user_data;

use api_types::{Region, ServerId};
use leptos::{prelude::*, wasm_split::wasm_split};

use crate::{
    project::{new_server_path, use_project},
    ui::{El, Held, Icon, el, element::icon, part::Part},
};
use page::CreatePage;

/// To a form that begins with what a server is made of.
pub fn clone_link(server: Held<Option<(Region, ServerId)>>) -> El {
    let project = use_project();
    let href = move || {
        let (project, (region, id)) = (project.get()?, server.get()?);
        Some(format!("{}?clone={region}/{id}", new_server_path(&project)))
    };
    el("a").class("button").live_attr("href", href).child(icon(Icon::Copy)).text(texts::CLONE)
}

/// The page, in a part of its own.
#[wasm_split(create, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn create_page() -> Part {
    Ok(view! { <CreatePage /> }.into_any())
}
