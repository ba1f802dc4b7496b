//! Modal dialogs, on the browser's own `<dialog>`: it traps the focus, gives it back, and closes on Escape.

use leptos::{ev::Event, html, prelude::*};

use super::{Button, ButtonKind, Icon, dom::unique_id};

/// A modal dialog. Its content is made anew each time it opens, so no field keeps an old value.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// False for one that has to be answered: no cross, and Escape does nothing.
    #[prop(into, default = true.into())]
    is_closable: Signal<bool>,
    #[prop(optional)] is_wide: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    let title_id = unique_id("dialog");
    let labelled_by = title_id.clone();
    let cancel = move |event: Event| {
        // Selects and the like inside the dialog send `cancel` too; only the dialog's own counts.
        if !is_closable.get_untracked() && event.target() == event.current_target() {
            event.prevent_default();
        }
    };
    let close = Callback::new(move |()| open.set(false));
    let content = view! {
        <dialog
            class="dialog"
            class:wide=is_wide
            node_ref=element
            aria-labelledby=labelled_by
            on:cancel=cancel
            on:close=move |_| open.set(false)
        >
            <Show when=move || open.get()>
                <header class="dialog-head">
                    <h2 id=title_id.clone()>{move || title.get()}</h2>
                    <Show when=move || is_closable.get()>
                        <Button kind=ButtonKind::Quiet icon=Icon::Close label="Close" on_press=close />
                    </Show>
                </header>
                <div class="dialog-body">{children()}</div>
            </Show>
        </dialog>
    };
    // After the content: it must be there when the browser looks for what to focus first.
    Effect::new(move || {
        let is_open = open.get();
        let Some(dialog) = element.get() else { return };
        if is_open && !dialog.open() {
            _ = dialog.show_modal();
        } else if !is_open && dialog.open() {
            dialog.close();
        }
    });
    content
}
