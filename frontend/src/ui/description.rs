//! Lists of names and their values, as detail pages are made of.

use super::element::{El, el};

/// A list of names and values.
pub fn description(items: Vec<(&'static str, El)>) -> El {
    let item = |(name, value): (&'static str, El)| {
        let value = el("dd").child(value);
        el("div").class("description-item").child(el("dt").text(name)).child(value)
    };
    el("dl").class("description").children(items.into_iter().map(item).collect())
}
