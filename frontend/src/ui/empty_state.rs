//! What stands where a list or a page would: one sentence on why it is empty, and what to do.

use super::{
    Icon,
    element::{El, el, icon as icon_of},
};

/// An empty place. `test_id` tells the kinds of emptiness apart for tests; the explanation and the buttons are its
/// further children.
pub fn empty_state(icon: Icon, title: &str, test_id: &str) -> El {
    el("div")
        .class("empty-state")
        .attr("data-testid", test_id)
        .child(icon_of(icon))
        .child(el("h2").text(title))
}
