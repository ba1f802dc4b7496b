//! Short messages about what just happened. Good news leaves by itself; failures stay until dismissed.

use std::time::Duration;

use leptos::prelude::*;

use super::{Button, ButtonKind, Icon};

/// Says things in the corner of the page.
#[derive(Clone, Copy)]
pub struct ToastBox {
    toasts: RwSignal<Vec<Toast>>,
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
        _ = self.toasts.try_update(|toasts| toasts.retain(|toast| toast.id != id));
    }
}

/// The place where messages appear.
#[component]
pub fn Toasts() -> impl IntoView {
    let toasts = use_toasts();
    let list = move |is_failure| {
        move || {
            toasts
                .toasts
                .get()
                .into_iter()
                .filter(move |toast| toast.is_failure == is_failure)
                .collect::<Vec<_>>()
        }
    };
    let one = move |toast: Toast| {
        let id = toast.id;
        view! {
            <div class="toast" class:failure=toast.is_failure>
                {if toast.is_failure { Icon::Alert } else { Icon::Check }.view()}
                <div class="toast-text">
                    <p>{toast.text}</p>
                    {toast.detail.map(|detail| view! { <p class="toast-detail">{detail}</p> })}
                </div>
                <Button
                    kind=ButtonKind::Quiet
                    icon=Icon::Close
                    label="Dismiss"
                    on_press=Callback::new(move |()| toasts.dismiss(id))
                />
            </div>
        }
    };
    view! {
        <div class="toasts">
            <div role="alert">
                <For each=list(true) key=|toast| toast.id children=one />
            </div>
            <div role="status">
                <For each=list(false) key=|toast| toast.id children=one />
            </div>
        </div>
    }
}

pub fn provide_toasts() {
    provide_context(new_box());
}

/// The document's box of messages.
pub fn use_toasts() -> ToastBox {
    use_context().unwrap_or_else(new_box)
}

fn new_box() -> ToastBox {
    ToastBox { toasts: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
}
