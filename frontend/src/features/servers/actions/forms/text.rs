//! Names, descriptions, passwords.

use api_types::servers::action::{Password, ServerAction};
use leptos::prelude::*;

use super::{About, Form};
use crate::ui::{
    El, Held,
    choice::{check_with, labelled, text_area},
    effect::after,
    el,
    field::text_field,
    format,
};

pub fn rename(about: &About) -> Form {
    let name = if about.is_one() { about.first().name } else { String::new() };
    let name = Line::new(name);
    let field = name.field(NAME, el("input").attr("maxlength", "255").attr("autofocus", ""));
    Form::new(vec![field], move || Some(ServerAction::Rename { name: name.read(NAME_MISSING)? }))
}

pub fn snapshot(about: &About) -> Form {
    let of = if about.is_one() { about.first().shown_name() } else { SNAPSHOT.to_owned() };
    let now = format::iso(format::now());
    let name = Line::new(format!("{of}-{}", now.get(..10).unwrap_or_default()));
    let input = el("input").attr("maxlength", "255").attr("autofocus", "");
    let about = el("p").class("field-note").text(SNAPSHOT_ABOUT);
    Form::new(vec![name.field(SNAPSHOT_NAME, input), about], move || {
        Some(ServerAction::Snapshot { name: name.read(NAME_MISSING)? })
    })
}

pub fn describe(about: &About) -> Form {
    let description = RwSignal::new(String::new());
    let is_touched = StoredValue::new(false);
    if about.is_one() {
        let detail = about.detail();
        after(move || {
            let known = detail.with(|detail| detail.and_then(|detail| detail.description.clone()));
            if let Some(known) = known.filter(|_| !is_touched.get_value()) {
                description.set(known);
            }
        });
    }
    let area = el("textarea").attr("maxlength", "255").attr("rows", "3").attr("autofocus", "");
    let area = text_area(
        area,
        move || description.get(),
        move |text| {
            is_touched.set_value(true);
            description.set(text);
        },
    );
    let field = labelled(DESCRIPTION, None, area);
    Form::new(vec![field], move || Some(ServerAction::Describe { description: description.get_untracked() }))
}

pub fn set_password() -> Form {
    let password = Secret::new();
    let note = el("p").class("field-note").text(PASSWORD_ABOUT);
    let fields = vec![password.field(PASSWORD, true), note];
    Form::new(fields, move || {
        let password = password.line.read(PASSWORD_MISSING)?;
        Some(ServerAction::SetPassword { password: Password(password) })
    })
}

/// A line that has to be filled in.
#[derive(Clone, Copy)]
pub struct Line {
    pub text: RwSignal<String>,
    error: Held<Option<String>>,
}

impl Line {
    pub fn new(text: String) -> Self {
        Self { text: RwSignal::new(text), error: Held::new(None) }
    }

    pub fn field(self, label: &str, input: El) -> El {
        text_field(label, input.attr("autocomplete", "off"), self.text, self.error)
    }

    /// What was typed, without blanks around it; `missing` is said where that is nothing.
    pub fn read(self, missing: &str) -> Option<String> {
        let text = self.text.get_untracked().trim().to_owned();
        self.error.set(text.is_empty().then(|| missing.to_owned()));
        (!text.is_empty()).then_some(text)
    }
}

/// A password, hidden unless somebody wants to see it.
#[derive(Clone, Copy)]
pub struct Secret {
    pub line: Line,
    is_shown: RwSignal<bool>,
}

impl Secret {
    pub fn new() -> Self {
        Self { line: Line::new(String::new()), is_shown: RwSignal::new(false) }
    }

    pub fn field(self, label: &str, has_focus: bool) -> El {
        let is_shown = self.is_shown;
        let input = el("input")
            .live_attr("type", move || Some(if is_shown.get() { "text" } else { "password" }.to_owned()))
            .attr_if("autofocus", has_focus.then_some(""))
            .attr("spellcheck", "false");
        // Not one the browser knows, and none it is to keep.
        let field =
            text_field(label, input.attr("autocomplete", "new-password"), self.line.text, Held::new(None));
        let error = self.line.error;
        let note = el("p")
            .class("field-note error")
            .live_attr("hidden", move || error.with(Option::is_none).then(String::new))
            .live_text(move || error.get().unwrap_or_default());
        let show = check_with(SHOW, None, move || is_shown.get(), move |shown| is_shown.set(shown));
        el("div").class("field").child(field).child(note).child(show)
    }
}

const NAME: &str = "New name";
const NAME_MISSING: &str = "Type a name.";
const SNAPSHOT: &str = "snapshot";
const SNAPSHOT_NAME: &str = "Name of the image";
const SNAPSHOT_ABOUT: &str = "The server goes on running. What is not on disk yet is not in the image.";
const DESCRIPTION: &str = "Description";
const PASSWORD: &str = "New password of the administrator";
const PASSWORD_MISSING: &str = "Type a password.";
const PASSWORD_ABOUT: &str =
    "It works only where the image has the cloud's agent in it. The panel neither keeps nor logs it.";
const SHOW: &str = "Show it";
