//! Tags and metadata.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::card;
use crate::{
    features::servers::create::{draft::Section, form::Form, texts},
    ui::{
        El, Held, Icon,
        choice::{button, labelled, text_input},
        derived, el,
        element::icon,
    },
};

pub fn section(form: Form) -> El {
    let content = vec![tags(form), metadata(form)];
    card(form, Section::Labels, texts::LABELS, content)
}

fn tags(form: Form) -> El {
    let typed = RwSignal::new(String::new());
    let add = move || {
        let text = typed.get_untracked();
        let new: Vec<String> =
            text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
        form.change(|draft| {
            for tag in new {
                if !draft.tags.contains(&tag) {
                    draft.tags.push(tag);
                }
            }
        });
        typed.set(String::new());
    };
    let input = el("input").attr("type", "text").attr("maxlength", "400").attr("autocomplete", "off");
    let input = text_input(input, move || typed.get(), move |text| typed.set(text));
    let input = input
        .on("keydown", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            if matches!(event.key().as_str(), "Enter" | ",") && !event.is_composing() {
                event.prevent_default();
                add();
            }
        })
        // What was typed and not confirmed is meant all the same.
        .on("blur", move |_| add());
    let held = derived(move || form.draft.with(|draft| draft.tags.clone()));
    let chip = move |tag: &String| {
        let gone = tag.clone();
        let remove = el("button")
            .attr("type", "button")
            .attr("aria-label", &texts::remove_tag(tag))
            .child(icon(Icon::Close))
            .on("click", move |_| form.change(|draft| draft.tags.retain(|tag| *tag != gone)));
        el("li").class("chip").child(el("span").class("foreign").text(tag)).child(remove)
    };
    let chips =
        el("ul").class("chips").live_children(move || held.with(|tags| tags.iter().map(chip).collect()));
    el("div").class("form").child(labelled(texts::TAGS, Some(texts::TAGS_HINT), input)).child(chips)
}

fn metadata(form: Form) -> El {
    // The rows are made anew only when there are more or fewer: typing must not lose its place.
    let count = derived(move || form.draft.with(|draft| draft.metadata.len()));
    let focus_last = Held::new(false);
    let row = move |at: usize| {
        let field = move |label: &str, is_key: bool| {
            let input = el("input")
                .attr("type", "text")
                .attr("autocomplete", "off")
                .attr("maxlength", "255")
                .attr("placeholder", label)
                .attr("aria-label", &texts::of_entry(label, at + 1))
                .attr_if("autofocus", (is_key && focus_last.get_untracked()).then_some(""));
            let read = move || {
                form.draft.with(|draft| {
                    draft.metadata.get(at).map(|(key, value)| if is_key { key } else { value }.clone())
                })
            };
            text_input(
                input,
                move || read().unwrap_or_default(),
                move |text| {
                    form.change(|draft| {
                        if let Some((key, value)) = draft.metadata.get_mut(at) {
                            *(if is_key { key } else { value }) = text;
                        }
                    });
                },
            )
        };
        let remove = el("button")
            .attr("type", "button")
            .class("button quiet icon-only")
            .attr("aria-label", &texts::remove_entry(at + 1))
            .child(icon(Icon::Close))
            .on("click", move |_| {
                form.change(|draft| {
                    if at < draft.metadata.len() {
                        draft.metadata.remove(at);
                    }
                });
            });
        el("div")
            .class("pair")
            .child(field(texts::METADATA_NAME, true))
            .child(field(texts::METADATA_VALUE, false))
            .child(remove)
    };
    let rows = el("div").class("pairs").live_children(move || (0..count.get()).map(row).collect());
    let add = button("button", texts::ADD_METADATA, move || {
        focus_last.set(true);
        form.change(|draft| draft.metadata.push((String::new(), String::new())));
    });
    el("div").class("form").child(el("h3").text(texts::METADATA)).child(rows).child(el("div").child(add))
}
