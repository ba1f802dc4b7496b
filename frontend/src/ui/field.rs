//! Form fields: a label that is always there, a hint, and the error on the field it belongs to.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

use super::{
    dom::unique_id,
    effect::live,
    element::{El, el},
};

/// One line of text, a password, a code.
#[component]
pub fn TextField(
    label: &'static str,
    value: RwSignal<String>,
    /// `text`, `password`, `email`, as HTML has them.
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(into, optional)] autocomplete: Option<&'static str>,
    /// `numeric` for codes.
    #[prop(into, optional)]
    input_mode: Option<&'static str>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: MaybeProp<String>,
    /// Takes the focus when its dialog opens.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let id = unique_id("field");
    let note_id = format!("{id}-note");
    let described_by = note_id.clone();
    let input = el("input")
        .attr("id", &id)
        .class("input")
        .attr("type", kind)
        .attr_if("autocomplete", autocomplete)
        .attr_if("inputmode", input_mode)
        .attr_if("autofocus", autofocus.then_some(""))
        .live_attr("aria-invalid", move || error.get().map(|_| "true".to_owned()))
        .live_attr("aria-describedby", move || error.get().map(|_| described_by.clone()));
    let input = holds_value(input, value);
    el("div").class("field").child(el("label").attr("for", &id).text(label)).child(input).child(
        el("p")
            .attr("id", &note_id)
            .class("field-note error")
            .attr("role", "alert")
            .live_attr("hidden", move || error.get().is_none().then(String::new))
            .live_text(move || error.get().unwrap_or_default()),
    )
}

/// Keeps an input and a signal the same.
pub fn holds_value(input: El, value: RwSignal<String>) -> El {
    let field: HtmlInputElement = input.element().clone().unchecked_into();
    live(move || {
        let value = value.get();
        // Setting what is there already would move the cursor to the end.
        if field.value() != value {
            field.set_value(&value);
        }
    });
    input.on("input", move |event| value.set(input_of(&event).map(|input| input.value()).unwrap_or_default()))
}

/// A tick with its label, the same as a signal.
pub fn check_box(label: &str, is_ticked: RwSignal<bool>) -> El {
    let input = el("input").attr("type", "checkbox");
    let tick: HtmlInputElement = input.element().clone().unchecked_into();
    live(move || tick.set_checked(is_ticked.get()));
    let input = input.on("change", move |event| {
        if let Some(input) = input_of(&event) {
            is_ticked.set(input.checked());
        }
    });
    el("label").class("check").child(input).child(el("span").class("check-label").text(label))
}

fn input_of(event: &Event) -> Option<HtmlInputElement> {
    event.target()?.dyn_into().ok()
}
