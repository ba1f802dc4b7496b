//! The frame of a page: its column at the side, its main part, its title in three places that agree.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::{
    Icon,
    dom::{focus, focused, query_all},
    effect::after,
    element::{El, el, icon},
    use_announcer,
};

/// The page a page belongs to.
#[derive(Clone, Copy)]
pub struct Above {
    pub label: &'static str,
    pub href: Signal<String>,
}

/// A page. `title` becomes the browser's and is announced when the page opens; `side` stands below the products.
#[component]
pub fn Page(
    #[prop(into)] title: Signal<String>,
    #[prop(into, optional)] side: Option<ViewFn>,
    /// What the column at the side is called.
    #[prop(default = "Filter")]
    side_label: &'static str,
    /// Fills the window and scrolls inside, as long lists do.
    #[prop(optional)]
    is_fixed: bool,
    children: Children,
) -> impl IntoView {
    let announcer = use_announcer();
    let is_announced = Cell::new(false);
    after(move || {
        let title = title.get();
        document().set_title(&format!("{title} · {}", brand()));
        if !is_announced.replace(true) {
            announcer.say(title);
        }
    });
    let main = el("main")
        .attr("id", "main")
        .class(if is_fixed { "main fixed" } else { "main" })
        .attr("tabindex", "-1")
        .view(children());
    (side.map(|side| side_column(side, side_label)), main)
}

/// The head of a page: the way to it, its title, what stands beside that (a state, a count), and what can be done here.
pub fn page_header(title: Signal<String>, above: Option<Above>, beside: Vec<El>, actions: Vec<El>) -> El {
    let path = above.map(|above| {
        let link = el("a").live_attr("href", move || Some(above.href.get())).text(above.label);
        el("nav").class("crumbs").attr("aria-label", "Path").child(icon(Icon::ArrowLeft)).child(link)
    });
    let row = el("div")
        .class("page-title")
        .child(el("h1").class("foreign").live_text(move || title.get()))
        .children(beside)
        .child(el("div").class("page-actions").children(actions));
    el("header").class("page-header").child_if(path).child(row)
}

/// The column at the side is a drawer where the window is narrow. Where it is wide, this changes nothing.
#[derive(Clone, Copy)]
pub struct SideDrawer(RwSignal<bool>);

impl SideDrawer {
    pub fn is_open(self) -> bool {
        self.0.get()
    }

    pub fn open(self) {
        self.0.set(true);
    }

    pub fn close(self) {
        _ = self.0.try_set(false);
    }
}

pub fn provide_side_drawer() {
    provide_context(SideDrawer(RwSignal::new(false)));
}

pub fn use_side_drawer() -> SideDrawer {
    use_context().unwrap_or_else(|| SideDrawer(RwSignal::new(false)))
}

/// What the panel calls itself, as the operator configured it.
pub fn brand() -> String {
    let name = document().query_selector("meta[name=application-name]").ok().flatten();
    name.and_then(|name| name.get_attribute("content")).unwrap_or_else(|| "Meridian".to_owned())
}

fn side_column(side: ViewFn, label: &'static str) -> Vec<El> {
    let drawer = use_side_drawer();
    let close = move |_| drawer.close();
    let shade = el("div").class("side-shade").live_class("open", move || drawer.is_open()).on("click", close);
    let cross = el("button")
        .attr("type", "button")
        .class("button quiet icon-only")
        .attr("aria-label", "Close")
        .child(icon(Icon::Close))
        .on("click", close);
    let column = el("aside")
        .class("side")
        .live_class("open", move || drawer.is_open())
        .attr("aria-label", label)
        .live_attr("role", move || drawer.is_open().then(|| "dialog".to_owned()))
        .live_attr("aria-modal", move || drawer.is_open().then(|| "true".to_owned()))
        .attr("tabindex", "-1")
        .child(el("div").class("side-close only-narrow").child(cross))
        .view(side.run())
        .on("keydown", move |event| {
            if event.unchecked_ref::<KeyboardEvent>().key() == "Escape" {
                drawer.close();
            }
        });
    let html = send_wrapper::SendWrapper::new(column.html().clone());
    let opener = RefCell::new(None);
    after(move || {
        if drawer.is_open() {
            opener.replace(focused());
            hold_back_the_rest(true);
            focus(&html);
        } else {
            hold_back_the_rest(false);
            if let Some(opener) = opener.take() {
                focus(&opener);
            }
        }
    });
    // In a window grown wide it is no drawer any more.
    let shade_box = send_wrapper::SendWrapper::new(shade.html().clone());
    let resized = window_event_listener_untyped("resize", move |_| {
        if shade_box.client_width() == 0 {
            drawer.close();
        }
    });
    on_cleanup(move || {
        resized.remove();
        drawer.close();
        hold_back_the_rest(false);
    });
    vec![shade, column]
}

/// What lies under an open drawer takes neither focus nor presses.
fn hold_back_the_rest(is_held_back: bool) {
    let Some(body) = document().body() else { return };
    for part in query_all(&body, ".skip-link, .top-bar, .products, .main") {
        _ = part.toggle_attribute_with_force("inert", is_held_back);
    }
}
