//! The name, or the pattern for many; the names that come of it.

use super::card;
use crate::{
    features::servers::create::{
        draft::Section,
        form::Form,
        names::{NameError, warning_for},
        texts,
    },
    ui::{
        El,
        choice::{labelled, line, text_input},
        derived, el,
        format::counted,
    },
};

pub fn section(form: Form) -> El {
    let names = derived(move || form.draft.with(|draft| draft.names()));
    let input = el("input")
        .attr("type", "text")
        .attr("name", "server-name")
        .attr("autocomplete", "off")
        .attr("spellcheck", "false")
        .attr("maxlength", "300");
    let name = line(
        texts::NAME_LABEL,
        Some(texts::NAME_HINT),
        input,
        move || form.draft.with(|draft| draft.name.clone()),
        move |text| {
            // Other names are other servers: what failed before is no longer meant.
            form.forget_batch();
            form.change(|draft| draft.name = text);
        },
    );
    let outcome = move || match names.get() {
        Ok(names) => resulting(&names),
        // Nothing is wrong yet with a name that is only begun.
        Err(NameError::Empty) => Vec::new(),
        Err(error) => vec![el("p").class("field-note error").text(&texts::name_problem(&error))],
    };
    let result =
        el("div").attr("data-testid", "resulting-names").attr("aria-live", "polite").live_children(outcome);
    let description = text_input(
        el("input").attr("type", "text").attr("maxlength", "255").attr("autocomplete", "off"),
        move || form.draft.with(|draft| draft.description.clone()),
        move |text| form.change(|draft| draft.description = text),
    );
    let description = labelled(texts::DESCRIPTION, None, description);
    card(form, Section::Name, texts::NAME_TITLE, vec![name, result, description])
}

fn resulting(names: &[String]) -> Vec<El> {
    let mut told = Vec::new();
    if names.len() > 1 {
        let count = counted(names.len() as u64, "server", "servers");
        let shown = names.iter().take(SHOWN).map(|name| el("li").class("badge foreign").text(name));
        let list = el("ul").class("name-list").children(shown.collect());
        told.push(el("p").class("field-note").text(&count).text(":"));
        told.push(list);
        if names.len() > SHOWN {
            let rest = names.iter().skip(SHOWN).map(|name| el("li").class("badge foreign").text(name));
            let summary = el("summary").text(&texts::and_more(names.len() - SHOWN));
            told.push(
                el("details").child(summary).child(el("ul").class("name-list").children(rest.collect())),
            );
        }
    }
    if let Some(letter) = warning_for(names) {
        told.push(el("p").class("field-note warning").text(&texts::no_host_name(letter)));
    }
    told
}

/// The rest is behind a press.
const SHOWN: usize = 12;
