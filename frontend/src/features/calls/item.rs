//! One call of the list, closed and open.

use leptos::prelude::*;

use crate::ui::{El, el};

/// A call (method, service, path) that opens to more, made when it is first opened.
pub fn item(
    (method, service, path): (&str, &str, &str),
    facts: El,
    is_open: bool,
    more: impl Fn() -> El + 'static,
) -> El {
    let is_open = RwSignal::new(is_open);
    let head = el("button")
        .attr("type", "button")
        .class("call-head")
        .live_attr("aria-expanded", move || Some(is_open.get().to_string()))
        .child(el("code").class("call-method").text(method))
        .child(el("code").class("call-path foreign").text(&format!("{service}/{path}")))
        .child(facts)
        .on("click", move |_| is_open.update(|open| *open = !*open));
    el("li").class("call").live_class("open", move || is_open.get()).child(head).child(
        el("div")
            .class("call-more")
            .live_children(move || if is_open.get() { vec![untrack(&more)] } else { Vec::new() }),
    )
}

/// A request id with what it is.
pub fn line(name: &str, id: &str) -> El {
    el("p").class("request-id").text(name).text(" ").child(el("code").text(id))
}
