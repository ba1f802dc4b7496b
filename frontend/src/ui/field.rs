//! Form fields: a label that is always there, a hint, and the error on the field it belongs to.

use leptos::{html, prelude::*};

use super::dom::unique_id;

/// One line of text, a password, a code.
#[component]
pub fn TextField(
    #[prop(into)] label: Signal<String>,
    value: RwSignal<String>,
    /// `text`, `password`, `email`, as HTML has them.
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(into, optional)] autocomplete: Option<&'static str>,
    /// `numeric` for codes.
    #[prop(into, optional)]
    input_mode: Option<&'static str>,
    #[prop(into, optional)] hint: MaybeProp<String>,
    #[prop(into, optional)] error: MaybeProp<String>,
    /// Takes the focus when its dialog opens.
    #[prop(optional)]
    autofocus: bool,
    #[prop(optional)] node_ref: NodeRef<html::Input>,
) -> impl IntoView {
    let id = unique_id("field");
    let note_id = format!("{id}-note");
    let note = move || error.get().or_else(|| hint.get());
    let described_by = {
        let note_id = note_id.clone();
        move || note().is_some().then(|| note_id.clone())
    };
    view! {
        <div class="field">
            <label for=id.clone()>{move || label.get()}</label>
            <input
                id=id
                class="input"
                type=kind
                autocomplete=autocomplete
                inputmode=input_mode
                autofocus=autofocus
                aria-invalid=move || error.get().map(|_| "true")
                aria-describedby=described_by
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
                node_ref=node_ref
            />
            <p id=note_id class="field-note" class:error=move || error.get().is_some() hidden=move || note().is_none()>
                {note}
            </p>
        </div>
    }
}

/// A tick with its label.
#[component]
pub fn CheckBox(
    #[prop(into)] checked: Signal<bool>,
    #[prop(into)] on_change: Callback<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=checked
                on:change:target=move |event| on_change.run(event.target().checked())
            />
            <span class="check-label">{children()}</span>
        </label>
    }
}
