//! Short messages about what just happened. Good news leaves by itself; failures stay until dismissed.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    Held, Icon,
    element::{El, el, icon},
};

/// Says things in the corner of the page.
#[derive(Clone, Copy)]
pub struct ToastBox {
    toasts: Held<Vec<Toast>>,
    next: StoredValue<u32>,
}

#[derive(Clone)]
struct Toast {
    id: u32,
    text: String,
    detail: Option<String>,
    is_failure: bool,
}

impl ToastBox {
    /// Something went as wished.
    pub fn say(self, text: impl Into<String>) {
        let id = self.add(text.into(), None, false);
        set_timeout(move || self.dismiss(id), Duration::from_secs(6));
    }

    /// Something failed. `detail` is for those who will be asked about it: a request id.
    pub fn fail(self, text: impl Into<String>, detail: Option<String>) {
        self.add(text.into(), detail, true);
    }

    fn add(self, text: String, detail: Option<String>, is_failure: bool) -> u32 {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.toasts.update(|toasts| {
            // The same failure again says nothing new.
            toasts.retain(|toast| !(is_failure && toast.text == text));
            toasts.push(Toast { id, text, detail, is_failure });
        });
        id
    }

    fn dismiss(self, id: u32) {
        self.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}

/// The place where messages appear.
pub fn toasts() -> El {
    let toasts = use_toasts();
    let list = move |is_failure| {
        move || {
            let toasts_now = toasts.toasts.get().into_iter().filter(|toast| toast.is_failure == is_failure);
            toasts_now.map(|toast| drawn(toast, toasts)).collect()
        }
    };
    el("div")
        .class("toasts")
        .child(el("div").attr("role", "alert").live_children(list(true)))
        .child(el("div").attr("role", "status").live_children(list(false)))
}

pub fn provide_toasts() {
    provide_context(new_box());
}

/// The document's box of messages.
pub fn use_toasts() -> ToastBox {
    use_context().unwrap_or_else(new_box)
}

fn drawn(toast: Toast, toasts: ToastBox) -> El {
    let (class, of_kind) =
        if toast.is_failure { ("toast failure", Icon::Alert) } else { ("toast", Icon::Check) };
    let detail = toast.detail.map(|detail| el("p").class("toast-detail").text(&detail));
    let dismiss = el("button")
        .attr("type", "button")
        .class("button quiet icon-only")
        .attr("aria-label", "Dismiss")
        .child(icon(Icon::Close))
        .on("click", move |_| toasts.dismiss(toast.id));
    el("div")
        .class(class)
        .child(icon(of_kind))
        .child(el("div").class("toast-text").child(el("p").text(&toast.text)).child_if(detail))
        .child(dismiss)
}

fn new_box() -> ToastBox {
    ToastBox { toasts: Held::new(Vec::new()), next: StoredValue::new(0) }
}
