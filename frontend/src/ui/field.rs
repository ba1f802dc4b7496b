//! Form fields: a label that is always there, a hint, and the error on the field it belongs to.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

use super::{
    Held,
    dom::unique_id,
    effect::live,
    element::{El, el},
};

/// One line of text under its label. `input` brings its type and its hints; `error` is what is wrong with it.
pub fn text_field(label: &str, input: El, value: RwSignal<String>, error: Held<Option<String>>) -> El {
    let id = unique_id("field");
    let note_id = format!("{id}-note");
    let described_by = note_id.clone();
    let is_wrong = move || error.with(Option::is_some);
    let input = input
        .attr("id", &id)
        .class("input")
        .live_attr("aria-invalid", move || is_wrong().then(|| "true".to_owned()))
        .live_attr("aria-describedby", move || is_wrong().then(|| described_by.clone()));
    let note = el("p")
        .attr("id", &note_id)
        .class("field-note error")
        .attr("role", "alert")
        .live_attr("hidden", move || (!is_wrong()).then(String::new))
        .live_text(move || error.get().unwrap_or_default());
    el("div")
        .class("field")
        .child(el("label").attr("for", &id).text(label))
        .child(holds_value(input, value))
        .child(note)
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
