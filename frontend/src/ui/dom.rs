//! Small things the document is asked for.

use std::cell::Cell;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// An id no other element of this document has.
pub fn unique_id(what: &str) -> String {
    thread_local! {
        static NEXT: Cell<u32> = const { Cell::new(0) };
    }
    let number = NEXT.get();
    NEXT.set(number.wrapping_add(1));
    format!("{what}-{number}")
}

/// The element that has the focus, unless that is the page itself.
pub fn focused() -> Option<HtmlElement> {
    document().active_element().filter(|element| element.tag_name() != "BODY").and_then(as_html)
}

/// Gives an element the focus; one that cannot take it keeps things as they are.
pub fn focus(element: &HtmlElement) {
    _ = element.focus();
}

/// The elements below `root` that match, in document order.
pub fn query_all(root: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = root.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
}

/// True while somebody types there, so that single letters are theirs.
pub fn takes_text(element: &HtmlElement) -> bool {
    match element.tag_name().as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => !matches!(
            element.get_attribute("type").as_deref(),
            Some("checkbox" | "radio" | "button" | "submit" | "reset")
        ),
        _ => element.is_content_editable(),
    }
}

/// True while a modal dialog is open: keys and pointers are its own then.
pub fn is_dialog_open() -> bool {
    document().query_selector("dialog[open]").is_ok_and(|found| found.is_some())
}

fn as_html(element: Element) -> Option<HtmlElement> {
    element.dyn_into().ok()
}
