//! Servers: the list of all regions and the page of one.

pub mod list_page;
pub mod rows;

use leptos::prelude::*;
use leptos_router::{
    MatchNestedRoutes,
    components::{Outlet, ParentRoute, Route},
    path,
};

use list_page::ServerListPage;

/// The servers' part of the route tree. What the list has loaded stays with [`ServersScope`], so that going to a
/// server and back costs nothing.
#[component(transparent)]
pub fn ServersRoutes() -> impl MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("/projects/:project/servers") view=ServersScope>
            <Route path=path!("") view=ServerListPage />
        </ParentRoute>
    }
    .into_inner()
}

/// Holds what the servers pages of one project share.
#[component]
fn ServersScope() -> impl IntoView {
    view! { <Outlet /> }
}
