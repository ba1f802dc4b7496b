//! Making or importing a key pair, wherever one is needed: on the key pairs' own page, and while a server is put
//! together. A private key that the cloud makes is shown once: neither Escape nor a step back takes it away.

mod texts;

use leptos::prelude::*;
use web_sys::Event;

use crate::{
    cloud::Cloud,
    cloud_fault::Trouble,
    offers::{MadeKeyPair, create_key_pair},
    ui::{
        El, Held, Icon, Sending,
        choice::{button, labelled, line, text_area},
        copy_button::copy_button,
        derived,
        dialog::dialog,
        dom, el,
        element::icon,
        hold::hold_page,
        save::save_text,
        use_toasts,
    },
};

/// Where a new key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The cloud makes it.
    Cloud,
    /// The person has one and gives its public half.
    Person,
}

/// Where a key pair is to be made.
pub struct Place {
    pub cloud: Held<Option<Cloud>>,
    /// Chooses it, where there is a choice.
    pub field: Option<El>,
}

/// The dialog. `place` is asked each time it opens; `made` hears of the key pair at once, while the dialog goes on to
/// show a private key that was made.
pub fn key_pair_dialog(
    is_open: RwSignal<bool>,
    from: Held<From>,
    place: impl Fn() -> Place + 'static,
    made: impl Fn(&Cloud, &MadeKeyPair) + 'static,
) -> El {
    // From the moment on that the cloud may have made a private key, until it is saved or given up.
    let is_held = RwSignal::new(false);
    hold_page(is_held);
    let title = derived(move || match from.get() {
        From::Cloud => texts::CREATE_TITLE,
        From::Person => texts::IMPORT_TITLE,
    });
    let made = StoredValue::new_local(Box::new(made) as Made);
    dialog(is_open, title, derived(move || !is_held.get()), move || {
        key_pair_form(from.get_untracked(), place(), made, Closing { is_open, is_held })
    })
}

type Made = Box<dyn Fn(&Cloud, &MadeKeyPair)>;

#[derive(Clone, Copy)]
struct Closing {
    is_open: RwSignal<bool>,
    is_held: RwSignal<bool>,
}

impl Closing {
    fn close(self) {
        _ = self.is_held.try_set(false);
        _ = self.is_open.try_set(false);
    }
}

fn key_pair_form(from: From, place: Place, made: StoredValue<Made, LocalStorage>, closing: Closing) -> El {
    let Place { cloud, field } = place;
    let (name, public_key) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (sending, toasts) = (Sending::of_form(), use_toasts());
    let kept = Held::new(None::<MadeKeyPair>);
    let send = move |event: Event| {
        event.prevent_default();
        // The form may stand inside the page's own.
        event.stop_propagation();
        if sending.is_busy_untracked() {
            return;
        }
        let (name, key) =
            (name.get_untracked().trim().to_owned(), public_key.get_untracked().trim().to_owned());
        if let Some(words) = wrong_with(from, &name, &key) {
            return sending.refuse(Trouble::Words(words.to_owned()));
        }
        let Some(cloud) = cloud.get_untracked() else { return };
        closing.is_held.set(from == From::Cloud);
        let doing = texts::doing(from == From::Person, &name);
        let place = cloud.clone();
        let work = async move {
            let key = (from == From::Person).then_some(key.as_str());
            create_key_pair(&place, &name, key).await.map_err(|error| {
                _ = closing.is_held.try_set(false);
                Trouble::Cloud(error)
            })
        };
        sending.send(doing, work, move |pair, is_here| {
            _ = made.try_with_value(|made| made(&cloud, &pair));
            match &pair.private_key {
                Some(_) if is_here => kept.set(Some(pair)),
                Some(key) => {
                    let file = file_of(&pair.name);
                    if save_text(&file, key) {
                        toasts.say(texts::saved_unseen(&pair.name, &file));
                    }
                }
                None if is_here => closing.close(),
                None => {}
            }
        });
    };
    let send = StoredValue::new_local(Box::new(send) as Box<dyn Fn(Event)>);
    el("div").live_children(move || {
        if let Some(pair) = kept.get() {
            return vec![once_only(&pair, closing)];
        }
        let name_input = el("input")
            .attr("type", "text")
            .attr("maxlength", "255")
            .attr("autocomplete", "off")
            .attr("autofocus", "");
        let area = el("textarea")
            .attr("rows", "4")
            .attr("spellcheck", "false")
            .attr("placeholder", "ssh-ed25519 AAAA…");
        let key_field = (from == From::Person).then(|| {
            let area = text_area(area, move || public_key.get(), move |text| public_key.set(text));
            labelled(texts::PUBLIC_KEY, Some(texts::PUBLIC_KEY_HINT), area)
        });
        let note = (from == From::Cloud).then(|| el("p").class("field-note").text(texts::MADE_BY_CLOUD));
        let submit = el("button")
            .attr("type", "submit")
            .class("button primary")
            .text(if from == From::Cloud { texts::CREATE } else { texts::IMPORT });
        let is_held = closing.is_held;
        let cancel = move || {
            if !is_held.get_untracked() {
                closing.close();
            }
        };
        let cancel = button("button quiet", texts::CANCEL, cancel)
            .live_attr("aria-disabled", move || is_held.get().then(|| "true".to_owned()));
        let actions = el("div").class("form-actions").child(sending.marked(submit)).child(cancel);
        vec![
            el("form")
                .class("form")
                .attr("novalidate", "")
                .child_if(field.clone())
                .child(line(texts::NAME, None, name_input, move || name.get(), move |text| name.set(text)))
                .child_if(key_field)
                .child_if(note)
                .child(sending.alert(Trouble::drawn))
                .child(actions)
                .on("submit", move |event| send.with_value(|send| send(event))),
        ]
    })
}

/// Why it cannot be sent as it is.
fn wrong_with(from: From, name: &str, key: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some(texts::NO_NAME);
    }
    if from == From::Cloud {
        return None;
    }
    if key.contains("PRIVATE KEY") {
        return Some(texts::IS_PRIVATE);
    }
    let is_known = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|start| key.starts_with(start));
    let has_body = key.split_whitespace().nth(1).is_some_and(|body| body.starts_with("AAAA"));
    (!is_known || !has_body).then_some(texts::IS_NO_KEY)
}

fn once_only(pair: &MadeKeyPair, closing: Closing) -> El {
    let key = pair.private_key.clone().unwrap_or_default();
    let (text, file) = (key.clone(), file_of(&pair.name));
    let is_saved = RwSignal::new(false);
    let press = move |_| {
        if save_text(&file, &text) {
            is_saved.set(true);
            closing.is_held.set(false);
        }
    };
    let save = el("button")
        .attr("type", "button")
        .class("button primary")
        .attr("data-testid", "save-private-key")
        .child(icon(Icon::Download))
        .text(texts::SAVE)
        .on("click", press);
    // The button that had the focus is gone.
    let next = save.html().clone();
    request_animation_frame(move || dom::focus(&next));
    let done = move || if is_saved.get() { texts::DONE } else { texts::CLOSE_WITHOUT }.to_owned();
    let done = el("button")
        .attr("type", "button")
        .class("button")
        .live_text(done)
        .on("click", move |_| closing.close());
    let copy = copy_button(key, texts::COPY.to_owned());
    el("div")
        .class("once form")
        .attr("role", "status")
        .attr("data-testid", "private-key")
        .child(el("p").child(el("strong").class("foreign").text(&pair.name)).text(texts::SAVE_NOW))
        .child(el("div").class("form-actions").child(save).child(copy).child(done))
}

/// A file name that every system takes.
fn file_of(name: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    name.chars().map(letter).chain(".pem".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_never_taken_for_a_public_one() {
        assert!(
            wrong_with(From::Person, "a", "-----BEGIN OPENSSH PRIVATE KEY-----\nx")
                .is_some_and(|words| words.contains("private"))
        );
        assert!(wrong_with(From::Person, "a", "hello").is_some());
        assert_eq!(wrong_with(From::Person, "a", "ssh-ed25519 AAAAC3Nz me@here"), None);
        assert_eq!(wrong_with(From::Person, "a", "ecdsa-sha2-nistp256 AAAAE2Vj"), None);
        assert!(wrong_with(From::Cloud, "", "").is_some());
        assert_eq!(wrong_with(From::Cloud, "laptop", ""), None);
    }
}
