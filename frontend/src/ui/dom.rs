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

/// Scrolls a row of links sideways until that of the page on screen is in its middle, or as near as it can be.
pub fn show_current(row: &Element) {
    let Some(current) = query_all(row, "[aria-current]").into_iter().next() else { return };
    let middle = |element: &Element| {
        let place = element.get_bounding_client_rect();
        place.left() + place.width() / 2.0
    };
    row.set_scroll_left(row.scroll_left() + (middle(&current) - middle(row)) as i32);
}

/// Moves a panel sideways until all of it is on the screen.
pub fn keep_on_screen(panel: &HtmlElement) {
    let place = panel.get_bounding_client_rect();
    let width = document().document_element().map_or(0, |root| root.client_width());
    let by = way_into(place.left(), place.right(), f64::from(width)) as i32;
    if by != 0 {
        _ = panel.style().set_property("translate", &format!("{by}px"));
    }
}

/// How far something has to move to be inside a width. What is too wide begins at its edge.
fn way_into(left: f64, right: f64, width: f64) -> f64 {
    const EDGE: f64 = 8.0;
    (width - EDGE - right).min(0.0).max(EDGE - left).floor()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_moves_as_far_as_it_has_to() {
        assert_eq!(way_into(100.0, 300.0, 390.0), 0.0);
        assert_eq!(way_into(-42.0, 165.0, 390.0), 50.0);
        assert_eq!(way_into(200.0, 407.5, 390.0), -26.0);
        assert_eq!(way_into(20.0, 440.0, 390.0), -12.0);
    }
}
