//! Names, descriptions, passwords.

use api_types::servers::action::{Password, ServerAction};
use leptos::prelude::*;

use super::{About, Form, present::present};
use crate::ui::{
    El, Held,
    choice::{check_with, labelled, text_area},
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
    let text = RwSignal::new(String::new());
    let now = present(about, |detail| detail.description.clone().unwrap_or_default(), String::new());
    let note = (!about.is_one()).then_some(DESCRIPTION_OF_MANY);
    let field = now.drawn(move |now| {
        text.set(now.clone());
        let area = el("textarea").attr("maxlength", "255").attr("rows", "3").attr("autofocus", "");
        labelled(DESCRIPTION, note, text_area(area, move || text.get(), move |typed| text.set(typed)))
    });
    Form::new(vec![field], move || Some(ServerAction::Describe { description: text.get_untracked() }))
        .once(move || now.is_known())
}

pub fn set_password() -> Form {
    let password = Secret::new();
    let note = el("p").class("field-note").text(PASSWORD_ABOUT);
    let fields = vec![password.field(PASSWORD, true), note];
    Form::new(fields, move || {
        let password = Password(password.read(PASSWORD_MISSING)?);
        Some(ServerAction::SetPassword { password })
    })
}

/// A line that has to be filled in.
#[derive(Clone, Copy)]
pub struct Line {
    text: RwSignal<String>,
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
    line: Line,
    is_shown: RwSignal<bool>,
}

impl Secret {
    pub fn new() -> Self {
        Self { line: Line::new(String::new()), is_shown: RwSignal::new(false) }
    }

    /// What was typed, with its blanks: they are part of it.
    pub fn text(self) -> String {
        self.line.text.get_untracked()
    }

    /// The same; `missing` is said where nothing was typed.
    pub fn read(self, missing: &str) -> Option<String> {
        let text = self.text();
        self.line.error.set(text.is_empty().then(|| missing.to_owned()));
        (!text.is_empty()).then_some(text)
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
const DESCRIPTION_OF_MANY: &str = "It takes the place of each server's own. Left empty, they have none.";
const PASSWORD: &str = "New password of the administrator";
const PASSWORD_MISSING: &str = "Type a password.";
const PASSWORD_ABOUT: &str =
    "It works only where the image has the cloud's agent in it. The panel neither keeps nor logs it.";
const SHOW: &str = "Show it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_at_the_ends_of_a_password_are_part_of_it() {
        Owner::new().with(|| {
            let password = Secret::new();
            assert_eq!(password.read(PASSWORD_MISSING), None);
            password.line.text.set(" correct horse ".to_owned());
            assert_eq!(password.read(PASSWORD_MISSING).as_deref(), Some(" correct horse "));
            assert_eq!(
                password.line.read(NAME_MISSING).as_deref(),
                Some("correct horse"),
                "of a name they are not"
            );
        });
    }
}
