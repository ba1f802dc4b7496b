//! The key that opens the server: chosen, or made or imported in place.

use leptos::prelude::*;

use super::{card, offered};
use crate::{
    cloud::Cloud,
    features::servers::create::{draft::Section, form::Form, texts},
    key_pair_form::{From, Place, key_pair_dialog},
    offers::MadeKeyPair,
    ui::{
        El, Held,
        choice::{button, labelled, select},
        el,
    },
};

pub fn section(form: Form) -> El {
    let choice = offered(form.offers.key_pairs, move |pairs| {
        let mut options = vec![(String::new(), texts::NONE.to_owned())];
        options.extend(pairs.iter().map(|pair| (pair.name.clone(), pair.name.clone())));
        let list = select(
            move || options.clone(),
            move || form.draft.with(|draft| draft.key_pair.clone().unwrap_or_default()),
            move |name| form.change(|draft| draft.key_pair = Some(name).filter(|name| !name.is_empty())),
        );
        vec![el("div").class("short-fields").child(labelled(
            texts::KEY_PAIR_LABEL,
            Some(texts::KEY_PAIR_HINT),
            list,
        ))]
    });
    let (is_open, from) = (RwSignal::new(false), Held::new(From::Cloud));
    let open = move |words: &str, kind: From| {
        button("button", words, move || {
            from.set(kind);
            is_open.set(true);
        })
    };
    let add = el("div")
        .class("form-actions")
        .child(open(texts::CREATE_KEY_PAIR, From::Cloud))
        .child(open(texts::IMPORT_KEY_PAIR, From::Person));
    // The region that was chosen when the dialog opened: it cannot be changed behind it.
    let place = move || Place { cloud: Held::new(form.cloud()), field: None };
    let made = move |_: &Cloud, pair: &MadeKeyPair| {
        let name = pair.name.clone();
        form.change(|draft| draft.key_pair = Some(name));
        form.offers.key_pairs.refetch();
    };
    let dialog = key_pair_dialog(is_open, from, place, made);
    card(form, Section::KeyPair, texts::KEY_PAIR, vec![choice, add, dialog])
}
