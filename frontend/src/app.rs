//! The panel whole: what every page shares, and the route tree with one line per feature.

mod account_menu;
mod frame;
mod help_menu;
mod later;
mod offers;
mod products;
mod theme_menu;
mod top_bar;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlInputElement};

use crate::{
    client_log::{self, Kind, Level},
    features::{account::sessions_page, operator::console, servers::ServersPages},
    flags::{self, Flag},
    jobs::provide_jobs,
    router::{Pages, Route, provide_router},
    session::provide_session,
    startup::in_two_tasks,
    theme::provide_theme,
    ui::{
        Icon, Page, announcer::provide_announcer, dom::focus, el, empty_state::empty_state,
        keyboard::provide_shortcuts, page::provide_side_drawer, part::part, pointer::provide_pointer,
        time::provide_now, toast::provide_toasts,
    },
};
use frame::Frame;
use later::start_later;
use offers::{OffersPage, offers_page};

/// The route tree: one line per feature.
const ROUTES: &[Route] = &[
    Route { path: "/account/sessions", page: || part(sessions_page()).into_any() },
    Route { path: "/projects/{project}/images", page: || part(offers_page(OffersPage::Images)).into_any() },
    Route {
        path: "/projects/{project}/key-pairs",
        page: || part(offers_page(OffersPage::KeyPairs)).into_any(),
    },
    Route { path: "/projects/{project}/flavors", page: || part(offers_page(OffersPage::Flavors)).into_any() },
    Route {
        path: "/projects/{project}/server-groups",
        page: || part(offers_page(OffersPage::ServerGroups)).into_any(),
    },
    Route { path: "/projects/{project}/quotas", page: || part(offers_page(OffersPage::Quotas)).into_any() },
    Route { path: "/operator/*", page: || part(console(|| view! { <NotFound /> }.into_any())).into_any() },
    Route { path: "/projects/{project}/servers/*", page: || view! { <ServersPages /> }.into_any() },
];

/// Replaces the frame the server sent, in one step, with the same frame alive.
pub fn mount() {
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.to_string();
        web_sys::console::error_1(&said.as_str().into());
        // The boot script adds the stack.
        client_log::log(Level::Error, Kind::Panic, &said, &[]);
    }));
    let document = document();
    let root = document.get_element_by_id("app").or_else(|| document.body().map(Into::into));
    let Some(root) = root else { return };
    let typed = Typed::into(&root);
    root.set_text_content(None);
    in_two_tasks(|| leptos::mount::mount_to(root.clone().unchecked_into(), App).forget());
    if let Some(typed) = typed {
        typed.go_on_in(&root);
    }
}

/// What a person wrote into the search field of the server's frame before the panel took over.
struct Typed {
    text: String,
    has_focus: bool,
}

impl Typed {
    fn into(root: &Element) -> Option<Self> {
        let field = search_field(root)?;
        let has_focus = document().active_element().is_some_and(|focused| focused == **field);
        Some(Self { text: field.value(), has_focus })
    }

    fn go_on_in(self, root: &Element) {
        let Some(field) = search_field(root) else { return };
        if !self.text.is_empty() {
            field.set_value(&self.text);
            if let Ok(event) = Event::new("input") {
                _ = field.dispatch_event(&event);
            }
        }
        if self.has_focus {
            focus(&field);
        }
    }
}

fn search_field(root: &Element) -> Option<HtmlInputElement> {
    root.query_selector("input[type=search]").ok()??.dyn_into().ok()
}

/// What every page shares, and the pages.
#[component]
fn App() -> impl IntoView {
    provide_announcer();
    provide_toasts();
    provide_jobs();
    provide_now();
    provide_theme();
    provide_side_drawer();
    provide_pointer();
    let shortcuts = provide_shortcuts();
    provide_session();
    let router = provide_router(ROUTES);
    start_later(router);
    // Where the boot script keeps nothing there is nothing to send.
    if flags::has(Flag::ClientLog) {
        client_log::send_when_there_is_time();
    }
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
