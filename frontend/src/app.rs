//! The panel whole: what every page shares, and the route tree with one line per feature.

mod account_menu;
mod frame;
mod help_menu;
mod theme_menu;
mod top_bar;

use leptos::prelude::*;

use crate::{
    features::{account::SessionsPage, servers::ServersPages},
    router::{Pages, Route, provide_router},
    session::provide_session,
    theme::provide_theme,
    ui::{
        Icon, Page, announcer::provide_announcer, el, empty_state::empty_state, keyboard::provide_shortcuts,
        page::provide_side_drawer, time::provide_now, toast::provide_toasts,
    },
};
use frame::Frame;

/// The route tree: one line per feature.
const ROUTES: &[Route] = &[
    Route { path: "/account/sessions", page: || view! { <SessionsPage /> }.into_any() },
    Route { path: "/projects/{project}/servers/*", page: || view! { <ServersPages /> }.into_any() },
];

/// Replaces the frame the server sent, in one step, with the same frame alive.
pub fn mount() {
    std::panic::set_hook(Box::new(|panic| web_sys::console::error_1(&panic.to_string().into())));
    let document = document();
    let root = document.get_element_by_id("app").or_else(|| document.body().map(Into::into));
    let Some(root) = root else { return };
    root.set_text_content(None);
    leptos::mount::mount_to(wasm_bindgen::JsCast::unchecked_into(root), App).forget();
}

/// What every page shares, and the pages.
#[component]
fn App() -> impl IntoView {
    provide_announcer();
    provide_toasts();
    provide_now();
    provide_theme();
    provide_side_drawer();
    let shortcuts = provide_shortcuts();
    provide_session();
    provide_router(ROUTES);
    view! {
        <Frame shortcuts>
            <Pages not_found=|| view! { <NotFound /> }.into_any() />
        </Frame>
    }
}

/// An address inside the panel that nothing lives at.
#[component]
fn NotFound() -> impl IntoView {
    view! {
        <Page title="Not found">
            {empty_state(Icon::Search, "There is nothing at this address", "not-found")
                .child(el("p").text("It may have been mistyped, or what it showed is gone."))
                .child(el("a").class("button").attr("href", "/").attr("rel", "external").text("To my servers"))}
        </Page>
    }
}
