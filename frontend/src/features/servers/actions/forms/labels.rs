//! Tags and metadata.

use std::rc::Rc;

use api_types::servers::action::ServerAction;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::{super::texts::NOTHING_CHANGED, About, Form, present::present};
use crate::ui::{
    El, Held, Icon,
    choice::{labelled, text_input},
    dom::{focus, unique_id},
    el,
    element::icon,
};

/// Chips to take away, and a line for more. For several servers: what comes and what goes.
pub fn tags(about: &About) -> Form {
    let is_one = about.is_one();
    let before = present(about, |detail| detail.row.tags.clone(), Vec::new());
    let (now, gone) = (Held::new(Vec::<String>::new()), Held::new(Vec::<String>::new()));
    let error: Held<Option<String>> = Held::new(None);
    let field = before.drawn(move |before| {
        now.set(before.clone());
        let more = (!is_one).then(|| chips(REMOVE, REMOVE_TAG, gone, false));
        let tags = chips(if is_one { TAGS } else { ADD }, ADD_TAG, now, true);
        el("div").class("form").child(tags).child_if(more).child(error_note(error))
    });
    Form::new(vec![field], move || {
        let (before, now) = (before.get_untracked()?, now.get_untracked());
        let add: Vec<_> = now.iter().filter(|tag| !before.contains(tag)).cloned().collect();
        let gone = gone.get_untracked().into_iter();
        let remove: Vec<_> = before.iter().filter(|tag| !now.contains(tag)).cloned().chain(gone).collect();
        let is_nothing = add.is_empty() && remove.is_empty();
        error.set(is_nothing.then(|| NOTHING_CHANGED.to_owned()));
        (!is_nothing).then_some(ServerAction::Tag { add, remove })
    })
    .once(move || before.is_known())
}

/// Keys and their values, line by line.
pub fn metadata(about: &About) -> Form {
    let before = present(about, |detail| detail.row.metadata.clone(), Vec::new());
    let entries: Held<Vec<Entry>> = Held::new(Vec::new());
    let error: Held<Option<String>> = Held::new(None);
    let field = before.drawn(move |before| {
        let entry = |(key, value): &(String, String)| Entry::new(key, value);
        entries.set(before.iter().map(entry).chain([Entry::new("", "")]).collect());
        let lines = move || entries.get().into_iter().map(|entry| entry_line(entry, entries)).collect();
        let add = el("button")
            .attr("type", "button")
            .class("button quiet")
            .text(ADD_ENTRY)
            .on("click", move |_| entries.update(|entries| entries.push(Entry::new("", ""))));
        el("fieldset")
            .class("field bare")
            .child(el("legend").text(METADATA))
            .child(el("div").class("entries").live_children(lines))
            .child(el("div").child(add))
            .child(error_note(error))
    });
    Form::new(vec![field], move || {
        let (before, entries) = (before.get_untracked()?, entries.get_untracked());
        error.set(None);
        let mut is_whole = true;
        for entry in &entries {
            let is_nameless = entry.is_nameless();
            entry.error.set(is_nameless.then(|| NAMELESS.to_owned()));
            is_whole = is_whole && !is_nameless;
        }
        if !is_whole {
            return None;
        }
        let now: Vec<_> = entries.iter().filter_map(Entry::read).collect();
        match changes(&before, &now) {
            Ok((set, remove)) => Some(ServerAction::SetMetadata { set, remove }),
            Err(words) => {
                error.set(Some(words));
                None
            }
        }
    })
    .once(move || before.is_known())
}

type Entries = Vec<(String, String)>;

/// What is set and what goes.
///
/// Errors: what is wrong with it, in words.
fn changes(before: &Entries, now: &Entries) -> Result<(Entries, Vec<String>), String> {
    let is_twice =
        |(at, (key, _)): &(usize, &(String, String))| now[..*at].iter().any(|(other, _)| other == key);
    if let Some((_, (key, _))) = now.iter().enumerate().find(is_twice) {
        return Err(twice(key));
    }
    let set: Entries = now.iter().filter(|entry| !before.contains(entry)).cloned().collect();
    let is_gone = |key: &&String| !now.iter().any(|(other, _)| other == *key);
    let remove: Vec<_> = before.iter().map(|(key, _)| key).filter(is_gone).cloned().collect();
    if set.is_empty() && remove.is_empty() {
        return Err(NOTHING_CHANGED.to_owned());
    }
    Ok((set, remove))
}

fn error_note(error: Held<Option<String>>) -> El {
    el("p")
        .class("field-note error")
        .attr("role", "alert")
        .live_attr("hidden", move || error.with(Option::is_none).then(String::new))
        .live_text(move || error.get().unwrap_or_default())
}

fn chips(label: &'static str, add: &'static str, tags: Held<Vec<String>>, has_focus: bool) -> El {
    let typed = RwSignal::new(String::new());
    let take = move || {
        let tag = typed.get_untracked().trim().to_owned();
        if !tag.is_empty() && !tags.with_untracked(|tags| tags.contains(&tag)) {
            tags.update(|tags| tags.push(tag));
        }
        typed.set(String::new());
    };
    let input = el("input")
        .attr("maxlength", "60")
        .attr("autocomplete", "off")
        .attr_if("autofocus", has_focus.then_some(""))
        .attr("name", if has_focus { "add-tag" } else { "remove-tag" });
    let input = text_input(input, move || typed.get(), move |text| typed.set(text))
        .on("keydown", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            // Enter takes the tag; with nothing typed it sends the form, as everywhere.
            let is_taking = matches!(event.key().as_str(), "Enter" | ",");
            if is_taking && !event.is_composing() && !typed.with_untracked(|typed| typed.trim().is_empty()) {
                event.prevent_default();
                take();
            }
        })
        .on("change", move |_| take());
    let back = send_wrapper::SendWrapper::new(input.html().clone());
    let chip = move |tag: &String| {
        let (gone, back) = (tag.clone(), back.clone());
        let remove = el("button")
            .attr("type", "button")
            .class("chip-cross")
            .attr("aria-label", &format!("{REMOVE_CHIP} {tag}"))
            .child(icon(Icon::Close))
            .on("click", move |_| {
                tags.update(|tags| tags.retain(|tag| *tag != gone));
                focus(&back);
            });
        el("li").class("badge plain").child(el("span").class("foreign").text(tag)).child(remove)
    };
    let list =
        el("ul").class("tag-list").live_children(move || tags.with(|tags| tags.iter().map(&chip).collect()));
    el("div").class("field").child(labelled(label, Some(add), input)).child(list)
}

#[derive(Clone)]
struct Entry {
    id: Rc<()>,
    key: RwSignal<String>,
    value: RwSignal<String>,
    /// What is wrong with the key.
    error: Held<Option<String>>,
}

impl Entry {
    fn new(key: &str, value: &str) -> Self {
        let (key, value) = (RwSignal::new(key.to_owned()), RwSignal::new(value.to_owned()));
        Self { id: Rc::new(()), key, value, error: Held::new(None) }
    }

    fn is_nameless(&self) -> bool {
        self.read().is_none() && self.value.with_untracked(|value| !value.trim().is_empty())
    }

    /// One without a key is none.
    fn read(&self) -> Option<(String, String)> {
        let key = self.key.get_untracked().trim().to_owned();
        (!key.is_empty()).then(|| (key, self.value.get_untracked()))
    }
}

fn entry_line(entry: Entry, entries: Held<Vec<Entry>>) -> El {
    let input = |label: &str, value: RwSignal<String>| {
        let input = el("input").attr("maxlength", "255").attr("aria-label", label).attr("placeholder", label);
        text_input(input.attr("autocomplete", "off"), move || value.get(), move |text| value.set(text))
    };
    let (error, note_id) = (entry.error, unique_id("entry"));
    let described_by = note_id.clone();
    let is_wrong = move || error.with(Option::is_some);
    let key = input(KEY, entry.key)
        .live_attr("aria-invalid", move || is_wrong().then(|| "true".to_owned()))
        .live_attr("aria-describedby", move || is_wrong().then(|| described_by.clone()));
    let note = error_note(error).attr("id", &note_id);
    let value = input(VALUE, entry.value);
    let cross = el("button")
        .attr("type", "button")
        .class("button quiet icon-only")
        .attr("aria-label", REMOVE_ENTRY)
        .attr("title", REMOVE_ENTRY)
        .child(icon(Icon::Close))
        .on("click", move |_| {
            entries.update(|entries| entries.retain(|other| !Rc::ptr_eq(&other.id, &entry.id)));
        });
    el("div").class("entry").child(key).child(value).child(cross).child(note)
}

fn twice(key: &str) -> String {
    format!("“{key}” is there twice.")
}

const TAGS: &str = "Tags";
const ADD: &str = "Tags to add";
const REMOVE: &str = "Tags to remove";
const ADD_TAG: &str = "Enter adds what is typed.";
const REMOVE_TAG: &str = "Enter takes down what is typed. A server without the tag stays as it is.";
const REMOVE_CHIP: &str = "Remove";
const METADATA: &str = "Metadata";
const KEY: &str = "Key";
const VALUE: &str = "Value";
const ADD_ENTRY: &str = "Add an entry";
const REMOVE_ENTRY: &str = "Remove this entry";
const NAMELESS: &str = "Give it a name.";

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> Entries {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_set_and_what_goes_is_what_differs() {
        let before = entries(&[("team", "shop"), ("tier", "front")]);
        let now = entries(&[("team", "search"), ("new", "1")]);
        assert_eq!(changes(&before, &now), Ok((now, vec!["tier".to_owned()])));
    }

    #[test]
    fn nothing_changed_and_a_key_twice_are_said() {
        let before = entries(&[("team", "shop")]);
        assert_eq!(changes(&before, &before), Err(NOTHING_CHANGED.to_owned()));
        assert_eq!(changes(&before, &entries(&[("a", "1"), ("a", "2")])), Err(twice("a")));
    }
}
