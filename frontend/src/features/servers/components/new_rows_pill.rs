//! New servers wait while somebody points at the rows; this says so and shows them.

use crate::{
    features::servers::{store::use_servers_store, texts},
    ui::{El, Icon, derived, effect::after, el, element::icon, use_announcer},
};

pub fn new_rows_pill() -> El {
    let store = use_servers_store();
    let waiting = derived(move || store.track(|servers| servers.view.waiting()).unwrap_or(0));
    let pill = move || {
        el("button")
            .attr("type", "button")
            .class("new-rows-pill")
            .attr("data-testid", "new-rows-pill")
            .child(icon(Icon::ArrowUp))
            .live_text(move || texts::new_rows(waiting.get()))
            .on("click", move |_| store.show_waiting())
    };
    let is_any = derived(move || waiting.get() > 0);
    let announcer = use_announcer();
    after(move || {
        if is_any.get() {
            // Once, not for each that follows.
            announcer.say(texts::new_rows(waiting.get_untracked()));
        }
    });
    el("div").live_children(move || if is_any.get() { vec![pill()] } else { Vec::new() })
}
