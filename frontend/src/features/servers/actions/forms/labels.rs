//! Tags and metadata.

use std::rc::Rc;

use api_types::servers::action::ServerAction;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::{About, Form};
use crate::{
    features::servers::store::use_servers_store,
    ui::{
        El, Held, Icon,
        choice::{labelled, text_input},
        dom::focus,
        el,
        element::icon,
    },
};

/// Chips to take away, and a line for more. For several servers: what comes and what goes.
pub fn tags(about: &About) -> Form {
    let before = if about.is_one() { present(about, |row| row.tags.clone()) } else { Vec::new() };
    let now = Held::new(before.clone());
    let gone = Held::new(Vec::<String>::new());
    let mut fields = vec![chips(if about.is_one() { TAGS } else { ADD }, ADD_TAG, now, true)];
    if !about.is_one() {
        fields.push(chips(REMOVE, REMOVE_TAG, gone, false));
    }
    Form::new(fields, move || {
        let now = now.get_untracked();
        let add = now.iter().filter(|tag| !before.contains(tag)).cloned().collect();
        let gone = gone.get_untracked().into_iter();
        let remove = before.iter().filter(|tag| !now.contains(tag)).cloned().chain(gone).collect();
        Some(ServerAction::Tag { add, remove })
    })
}

/// Keys and their values, line by line.
pub fn metadata(about: &About) -> Form {
    let before = if about.is_one() { present(about, |row| row.metadata.clone()) } else { Vec::new() };
    let entry = |(key, value): &(String, String)| Entry::new(key, value);
    let entries: Held<Vec<Entry>> = Held::new(before.iter().map(entry).chain([Entry::new("", "")]).collect());
    let error: Held<Option<String>> = Held::new(None);
    let lines = el("div")
        .class("entries")
        .live_children(move || entries.get().into_iter().map(|entry| entry_line(entry, entries)).collect());
    let add = el("button")
        .attr("type", "button")
        .class("button quiet")
        .text(ADD_ENTRY)
        .on("click", move |_| entries.update(|entries| entries.push(Entry::new("", ""))));
    let note = el("p")
        .class("field-note error")
        .live_attr("hidden", move || error.with(Option::is_none).then(String::new))
        .live_text(move || error.get().unwrap_or_default());
    let whole = el("fieldset")
        .class("field bare")
        .child(el("legend").text(METADATA))
        .child(lines)
        .child(el("div").child(add))
        .child(note);
    Form::new(vec![whole], move || {
        let now: Vec<_> = entries.get_untracked().iter().filter_map(Entry::read).collect();
        let is_twice =
            |(at, (key, _)): (usize, &(String, String))| now[..at].iter().any(|(other, _)| other == key);
        let twice = now.iter().enumerate().find(|entry| is_twice(*entry)).map(|(_, (key, _))| twice(key));
        error.set(twice.clone());
        if twice.is_some() {
            return None;
        }
        let set = now.iter().filter(|entry| !before.contains(entry)).cloned().collect();
        let is_gone = |key: &String| !now.iter().any(|(other, _)| other == key);
        let remove = before.iter().map(|(key, _)| key).filter(|key| is_gone(key)).cloned().collect();
        Some(ServerAction::SetMetadata { set, remove })
    })
}

/// What the list knows of the server.
fn present<T: Default>(about: &About, read: fn(&api_types::servers::ServerRow) -> T) -> T {
    let id = about.first().id;
    let row =
        use_servers_store().with(|servers| Some(servers.rows.row(servers.rows.find(&id)?).to_server_row()));
    row.flatten().map(|row| read(&row)).unwrap_or_default()
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
}

impl Entry {
    fn new(key: &str, value: &str) -> Self {
        Self { id: Rc::new(()), key: RwSignal::new(key.to_owned()), value: RwSignal::new(value.to_owned()) }
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
    let (key, value) = (input(KEY, entry.key), input(VALUE, entry.value));
    let cross = el("button")
        .attr("type", "button")
        .class("button quiet icon-only")
        .attr("aria-label", REMOVE_ENTRY)
        .attr("title", REMOVE_ENTRY)
        .child(icon(Icon::Close))
        .on("click", move |_| {
            entries.update(|entries| entries.retain(|other| !Rc::ptr_eq(&other.id, &entry.id)));
        });
    el("div").class("entry").child(key).child(value).child(cross)
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
