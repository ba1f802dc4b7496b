//! The key that opens the server: chosen, or made or imported in place.

use super::{card, offered};
use crate::{
    features::servers::create::{draft::Section, form::Form},
    key_pair_form::{From, key_pair_form},
    ui::{
        El, Held,
        choice::{button, labelled, select},
        el,
    },
};

pub fn section(form: Form) -> El {
    let adding = Held::new(None::<From>);
    let choice = offered(form.offers.key_pairs, move |pairs| {
        let mut options = vec![(String::new(), "None".to_owned())];
        options.extend(pairs.iter().map(|pair| (pair.name.clone(), pair.name.clone())));
        let list = select(
            move || options.clone(),
            move || form.draft.with(|draft| draft.key_pair.clone().unwrap_or_default()),
            move |name| form.change(|draft| draft.key_pair = Some(name).filter(|name| !name.is_empty())),
        );
        vec![el("div").class("short-fields").child(labelled(
            "Key pair to open it with",
            Some("The public half is put into the server. Without one you need another way in, such as user data."),
            list,
        ))]
    });
    let add = move || match adding.get() {
        Some(from) => {
            let made = move |pair: &crate::offers::MadeKeyPair| {
                let name = pair.name.clone();
                form.change(|draft| draft.key_pair = Some(name));
                form.offers.key_pairs.refetch();
            };
            let title = if from == From::Cloud { "Create a key pair" } else { "Import a key pair" };
            let inner = key_pair_form(from, move || form.cloud(), made, move || adding.set(None));
            vec![el("div").class("inset").child(el("h3").text(title)).child(inner)]
        }
        None => vec![
            el("div")
                .class("form-actions")
                .child(button("button", "Create…", move || adding.set(Some(From::Cloud))))
                .child(button("button", "Import…", move || adding.set(Some(From::Person)))),
        ],
    };
    card(form, Section::KeyPair, "Key pair", vec![choice, el("div").live_children(add)])
}
