//! Servers: the list of all regions and the page of one.

mod api;
mod components;
mod connection;
mod detail_page;
mod detail_state;
mod detail_texts;
mod list_address;
pub mod list_page;
mod list_state;
mod live;
mod receive;
pub mod rows;
mod state;
mod store;
mod texts;
mod turns;

use leptos::prelude::*;
use leptos_router::{
    MatchNestedRoutes,
    components::{Outlet, ParentRoute, Route},
    path,
};

use detail_page::ServerDetailPage;
use list_address::provide_list_address;
use list_page::ServerListPage;
use store::provide_servers_store;

use crate::{project::use_project, session::use_session};

/// The servers' part of the route tree. What the list has loaded stays with [`ServersScope`], so that going to a
/// server and back costs nothing.
#[component(transparent)]
pub fn ServersRoutes() -> impl MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/projects/:project/servers") view=ServersScope>
            <Route path=path!("") view=ServerListPage />
            <Route path=path!(":region/:id") view=ServerDetailPage />
        </ParentRoute>
    }
    .into_inner()
}

/// Holds what the servers pages of one project share: its rows, kept true while one of the pages is open.
#[component]
fn ServersScope() -> impl IntoView {
    let store = provide_servers_store();
    provide_list_address();
    let project = use_project();
    Effect::new(move || {
        if let Some(project) = project.get() {
            store.watch(project);
        }
    });
    let renewals = use_session().renewals();
    Effect::new(move |before: Option<u32>| {
        let count = renewals.get();
        if before.is_some_and(|before| before != count) {
            store.reconnect();
        }
        count
    });
    view! { <Outlet /> }
}
