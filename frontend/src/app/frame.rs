//! The frame around every page: top bar, products, and what may lie over the page.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Event;

use super::{
    offers::calls_panel,
    products::{Product, use_products},
    top_bar::top_bar,
};
use crate::{
    cloud::shown::provide_calls_shown,
    features::jobs::jobs_layer,
    session::session_prompt,
    ui::{
        El, Shortcut,
        announcer::announcer,
        dialog::titled_dialog,
        dom, el,
        element::icon,
        help_dialog::help_dialog,
        keyboard::{Shortcuts, use_shortcuts},
        part::part,
        toast::toasts,
    },
};

#[component]
pub fn Frame(shortcuts: Shortcuts, children: Children) -> impl IntoView {
    let is_help_open = RwSignal::new(false);
    let calls = provide_calls_shown();
    let products = use_products();
    use_shortcuts(
        "Everywhere",
        vec![
            Shortcut {
                keys: &["?"],
                does: "Show these keys",
                run: Some(Callback::new(move |()| is_help_open.set(true))),
            },
            Shortcut {
                // Not `c`: the list copies an address with it.
                keys: &["a"],
                does: "Show the API calls to the cloud",
                run: Some(Callback::new(move |()| calls.show())),
            },
            Shortcut { keys: &["Escape"], does: "Close what is open", run: None },
        ],
    );
    let skip = el("a")
        .class("skip-link")
        .attr("href", "#main")
        .attr("rel", "external")
        .text("Skip to content")
        .on("click", |event| skip_to_main(&event));
    let links = move || products.with(|products| products.iter().map(product_link).collect());
    let nav = el("nav").class("products").attr("aria-label", "Products").child(el("ul").live_children(links));
    let frame = el("div")
        .class("frame")
        .child(top_bar(products, is_help_open, calls))
        .child(nav)
        .view(children().into_any());
    vec![
        skip,
        frame,
        jobs_layer(),
        session_prompt(),
        toasts(),
        announcer(),
        help_dialog(is_help_open, shortcuts),
        titled_dialog(
            calls.open(),
            "dialog wide",
            || "Calls to the cloud".to_owned(),
            || part(calls_panel()),
        ),
    ]
}

fn product_link(product: &Product) -> El {
    let link = el("a")
        .class("product")
        .attr("href", &product.href)
        .attr_if("aria-current", product.is_current.then_some("page"))
        .child(icon(product.icon))
        .text(product.name);
    el("li").child(link)
}

fn skip_to_main(event: &Event) {
    event.prevent_default();
    let main = document().get_element_by_id("main").and_then(|main| main.dyn_into().ok());
    if let Some(main) = main {
        dom::focus(&main);
    }
}
