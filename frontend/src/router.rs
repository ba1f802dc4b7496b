//! Addresses and pages: which page an address shows, and how links lead from one to another without a load.
//!
//! As much as the panel needs. A general router brings its own copy of every page's drawing code, a tenth of the
//! module that browsers download.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlAnchorElement, HtmlElement, MouseEvent};

use crate::{
    client_log::{Kind, Level, log},
    ui::{derived, dom, el},
};

/// One line of the route tree.
#[derive(Clone, Copy)]
pub struct Route {
    /// `/account/sessions`, or with parts that vary: `/projects/{project}/servers`. What it shows may have pages of
    /// its own below it where it ends in `/*`.
    pub path: &'static str,
    pub page: fn() -> AnyView,
}

/// Where the document is.
#[derive(Clone, Copy)]
pub struct Router {
    path: RwSignal<String>,
    search: RwSignal<String>,
    routes: &'static [Route],
}

/// Whether a step back leads to where we are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A page of its own in the history.
    Push,
    /// The same page, said differently.
    Replace,
}

impl Router {
    /// The path of the address: `/projects/4f1d/servers`.
    pub fn path(self) -> Signal<String> {
        self.path.into()
    }

    /// What stands after the `?`, which is left out.
    pub fn search(self) -> Signal<String> {
        self.search.into()
    }

    /// Goes to an address of the panel.
    pub fn go(self, address: &str, step: Step) {
        let Ok(history) = window().history() else { return };
        let (is_page_new, here) = (self.path.get_untracked() != path_of(address), self.address());
        let moved = match step {
            Step::Push if here == address => Ok(()),
            Step::Push => history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(address)),
            Step::Replace => history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(address)),
        };
        if moved.is_err() {
            // Browsers bound how often this may be done; a load always works.
            _ = window().location().assign(address);
            return;
        }
        self.read_address();
        if is_page_new {
            focus_page();
        }
    }

    fn address(self) -> String {
        let (path, search) = (self.path.get_untracked(), self.search.get_untracked());
        if search.is_empty() { path } else { format!("{path}?{search}") }
    }

    fn read_address(self) {
        let location = window().location();
        let path = location.pathname().unwrap_or_default();
        let search = location.search().unwrap_or_default();
        let search = search.strip_prefix('?').unwrap_or_default().to_owned();
        // The search first: who reads both is told once it is whole. Nothing is told of what stays as it is.
        if self.search.with_untracked(|held| *held != search) {
            self.search.set(search);
        }
        if self.path.with_untracked(|held| *held != path) {
            log(Level::Debug, Kind::Route, &path, &[]);
            self.path.set(path);
        }
    }

    /// Takes over a press on a link to a page of the panel.
    fn follow_link(self, event: &MouseEvent) {
        let is_plain = event.button() == 0
            && !(event.default_prevented()
                || event.meta_key()
                || event.alt_key()
                || event.ctrl_key()
                || event.shift_key());
        let Some(link) = link_of(event).filter(|_| is_plain) else { return };
        let is_left_to_browser = !link.target().is_empty()
            || link.has_attribute("download")
            || link.rel().split_whitespace().any(|word| word == "external")
            || window().location().origin().ok() != Some(link.origin())
            || !link.hash().is_empty();
        let path = link.pathname();
        if is_left_to_browser || place_of(self.routes, &path).is_none() {
            return;
        }
        event.prevent_default();
        self.go(&(path + &link.search()), Step::Push);
    }
}

/// Follows the address for as long as the document lives.
pub fn provide_router(routes: &'static [Route]) -> Router {
    let router = Router { path: RwSignal::new(String::new()), search: RwSignal::new(String::new()), routes };
    router.read_address();
    provide_context(router);
    let back = window_event_listener_untyped("popstate", move |_| router.read_address());
    let press = window_event_listener(leptos::ev::click, move |event| router.follow_link(&event));
    on_cleanup(move || {
        back.remove();
        press.remove();
    });
    router
}

/// The router of this document.
pub fn use_router() -> Router {
    expect_context()
}

/// The page of the address, made anew only where another line of the route tree begins.
#[component]
pub fn Pages(not_found: fn() -> AnyView) -> impl IntoView {
    let router = use_router();
    let place = derived(move || router.path.with(|path| place_of(router.routes, path)));
    let page = move || {
        let page = place.get().map_or(not_found, |place| router.routes[place].page);
        Some(untrack(page))
    };
    el("div").class("page").live_view(page)
}

/// The value of a key in what stands after an address's `?`.
pub fn value_of(search: &str, key: &str) -> Option<String> {
    let pair = search.split('&').find_map(|pair| match pair.split_once('=') {
        Some((held, value)) if held == key => Some(value),
        None if pair == key => Some(""),
        _ => None,
    })?;
    Some(decoded(pair))
}

/// The parts of a path that vary in a pattern such as `/projects/{project}/servers`; `None` where it does not fit.
pub fn parts_of<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = Vec::new();
    let mut path = path.trim_matches('/').split('/');
    for expected in pattern.trim_matches('/').split('/') {
        if expected == "*" {
            return Some(parts);
        }
        let part = path.next().filter(|part| !part.is_empty())?;
        if expected.starts_with('{') {
            parts.push(part);
        } else if expected != part {
            return None;
        }
    }
    path.next().is_none().then_some(parts)
}

fn place_of(routes: &[Route], path: &str) -> Option<usize> {
    routes.iter().position(|route| parts_of(route.path, path).is_some())
}

fn path_of(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

/// `%20` and `+` as the blanks they stand for; what is not UTF-8 becomes the mark for it.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = text
            .get(at + 1..at + 3)
            .filter(|code| *byte == b'%' && code.bytes().all(|c| c.is_ascii_hexdigit()));
        match (byte, code.and_then(|code| u8::from_str_radix(code, 16).ok())) {
            (_, Some(code)) => {
                plain.push(code);
                at += 2;
            }
            (b'+', None) => plain.push(b' '),
            (byte, None) => plain.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn link_of(event: &Event) -> Option<HtmlAnchorElement> {
    let pressed: Element = event.target()?.dyn_into().ok()?;
    pressed.closest("a[href]").ok()??.dyn_into().ok()
}

/// A new page is where a keyboard goes on from, unless the page has put the focus somewhere itself.
fn focus_page() {
    request_animation_frame(|| {
        let main = document().get_element_by_id("main").and_then(|main| main.dyn_into::<HtmlElement>().ok());
        if let Some(main) = main.filter(|_| dom::focused().is_none()) {
            dom::focus(&main);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_a_pattern_whole_or_up_to_its_star() {
        let servers = "/projects/{project}/servers/*";
        assert_eq!(parts_of(servers, "/projects/4f1d/servers"), Some(vec!["4f1d"]));
        assert_eq!(parts_of(servers, "/projects/4f1d/servers/"), Some(vec!["4f1d"]));
        assert_eq!(parts_of(servers, "/projects/4f1d/servers/RegionOne/x"), Some(vec!["4f1d"]));
        assert_eq!(parts_of(servers, "/projects/4f1d/volumes"), None);
        assert_eq!(parts_of(servers, "/projects//servers"), None);
        let server = "/projects/{project}/servers/{region}/{server}";
        assert_eq!(parts_of(server, "/projects/p/servers/R/s"), Some(vec!["p", "R", "s"]));
        assert_eq!(parts_of(server, "/projects/p/servers/R/s/more"), None);
        assert_eq!(parts_of("/account/sessions", "/account/sessions"), Some(vec![]));
        assert_eq!(parts_of("/account/sessions", "/account"), None);
    }

    #[test]
    fn a_value_is_read_as_browsers_write_it() {
        assert_eq!(value_of("tab=json&q=a+b%20c%26", "q").as_deref(), Some("a b c&"));
        assert_eq!(value_of("tab=json", "q"), None);
        assert_eq!(value_of("q", "q").as_deref(), Some(""));
        assert_eq!(value_of("", "q"), None);
    }

    #[test]
    fn hostile_text_after_the_question_mark_is_text() {
        assert_eq!(value_of("q=%", "q").as_deref(), Some("%"));
        assert_eq!(value_of("q=%zz%f", "q").as_deref(), Some("%zz%f"));
        assert_eq!(value_of("q=%ff", "q").as_deref(), Some("\u{fffd}"));
        assert_eq!(value_of("q=ä%C3%A4€%", "q").as_deref(), Some("ää€%"));
        assert_eq!(value_of("q=%+1", "q").as_deref(), Some("% 1"));
    }
}
