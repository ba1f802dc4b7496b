//! Servers: the list of all regions and the page of one.

mod acting;
mod actions;
mod api;
mod components;
mod connection;
mod console;
mod create;
mod detail_page;
mod detail_state;
mod detail_texts;
mod expecting;
mod list_address;
pub mod list_page;
mod list_state;
mod live;
mod receive;
mod resize_wait;
mod shown_server;
mod state;
mod store;
mod texts;
mod timeline;
mod turns;

use std::time::Duration;

// A crate of its own, since it is compiled for speed and all else for size; the files here name it as one of them.
use ::rows;
use leptos::{prelude::*, task::spawn_local, wasm_split::wasm_split};

use acting::{acting_layer, provide_acting};
use detail_page::ServerDetailPage;
use list_address::provide_list_address;
use list_page::ServerListPage;
use store::{Servers, provide_servers_store};

use crate::{
    project::use_project,
    router::{parts_of, use_router},
    session::use_session,
    ui::{
        derived,
        effect::{after, after_change},
        el,
        part::{Part, part},
        part_styles::fetch_part_styles,
    },
};

/// The servers' pages of one project: the list, and one server. What the list has loaded stays while either is open,
/// so that going to a server and back costs nothing.
#[component]
pub fn ServersPages() -> impl IntoView {
    let store = provide_servers_store();
    provide_list_address();
    provide_acting();
    let project = use_project();
    after(move || {
        if let Some(project) = project.get() {
            store.watch(project);
        }
    });
    let renewals = use_session().renewals();
    after_change(move || renewals.track(), move || store.reconnect());
    let is_at_rest = derived(move || store.track_beside(Servers::is_at_rest) == Some(true));
    // While nothing else is to be done: going to a server's page is then as quick as if it had been here from the start.
    after(move || {
        if is_at_rest.get() {
            let fetch = || {
                fetch_part_styles();
                spawn_local(async { _ = fetch_detail_page().await });
            };
            set_timeout(fetch, Duration::ZERO);
        }
    });
    let path = use_router().path();
    let place = derived(move || path.with(|path| Place::of(path)));
    let page = move || match place.get() {
        Place::List => untrack(|| view! { <ServerListPage /> }.into_any()),
        Place::New => untrack(|| part(create::create_page()).into_any()),
        Place::Server => untrack(|| part(detail_page()).into_any()),
    };
    el("div")
        .class("page")
        .child(el("div").class("page").live_view(move || Some(page())))
        .child(acting_layer())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    List,
    New,
    Server,
}

impl Place {
    fn of(path: &str) -> Self {
        let is = |pattern| parts_of(pattern, path).is_some();
        match () {
            () if is(LIST) => Self::List,
            () if is(NEW) => Self::New,
            () => Self::Server,
        }
    }
}

/// The page of one server, in a part of its own.
#[wasm_split(details, wasm_split_path = ::leptos::wasm_split, fallible, preload(fetch_detail_page))]
fn detail_page() -> Part {
    Ok(view! { <ServerDetailPage /> }.into_any())
}

const LIST: &str = "/projects/{project}/servers";
const NEW: &str = "/projects/{project}/servers/new";
const SERVER: &str = "/projects/{project}/servers/{region}/{server}";
