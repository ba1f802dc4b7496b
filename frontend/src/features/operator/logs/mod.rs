//! The log of all nodes: the quick filter, its lines, and what belongs to one of them.

mod texts;

use leptos::prelude::*;

use crate::ui::{Page, el, page::page_header};

/// The page.
pub fn logs_page() -> impl IntoView {
    let title = Signal::stored(texts::TITLE.to_owned());
    let body = el("div").class("page-body").child(el("p").class("page-about").text(texts::ABOUT));
    view! { <Page title>{vec![page_header(title, None, Vec::new(), Vec::new()), body]}</Page> }
}
