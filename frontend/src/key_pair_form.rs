//! Making or importing a key pair, wherever one is needed: on the key pairs' own page, and in place while a server is
//! put together. A private key that the cloud makes is shown once.

use leptos::{prelude::*, task::spawn_local};
use web_sys::Event;

use crate::{
    cloud::{Cloud, CloudError},
    cloud_fault::cloud_fault,
    offers::{MadeKeyPair, create_key_pair},
    ui::{
        El, Held, Icon,
        choice::{button, labelled, line, text_area},
        copy_button::copy_button,
        el,
        element::icon,
        save::save_text,
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

/// The form. `region` is asked when it is sent; `made` hears of the key pair at once, while the form goes on to show a
/// private key that was made.
pub fn key_pair_form(
    from: From,
    region: impl Fn() -> Option<Cloud> + 'static,
    made: impl Fn(&MadeKeyPair) + 'static,
    close: impl Fn() + Copy + 'static,
) -> El {
    let (name, public_key) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let problem = Held::new(None::<Trouble>);
    let is_busy = RwSignal::new(false);
    let kept = Held::new(None::<MadeKeyPair>);
    let made = StoredValue::new_local(Box::new(made) as Box<dyn Fn(&MadeKeyPair)>);
    let send = move |event: Event| {
        event.prevent_default();
        // The form may stand inside the page's own.
        event.stop_propagation();
        if is_busy.get_untracked() {
            return;
        }
        let (name, key) =
            (name.get_untracked().trim().to_owned(), public_key.get_untracked().trim().to_owned());
        if let Some(words) = wrong_with(from, &name, &key) {
            problem.set(Some(Trouble::Words(words.to_owned())));
            return;
        }
        let Some(cloud) = region() else { return };
        is_busy.set(true);
        problem.set(None);
        spawn_local(async move {
            let key = (from == From::Person).then_some(key.as_str());
            let outcome = create_key_pair(&cloud, &name, key).await;
            _ = is_busy.try_set(false);
            match outcome {
                Ok(pair) => {
                    _ = made.try_with_value(|made| made(&pair));
                    if pair.private_key.is_some() {
                        kept.set(Some(pair));
                    } else {
                        close();
                    }
                }
                Err(error) => problem.set(Some(Trouble::Cloud(error))),
            }
        });
    };
    let send = StoredValue::new_local(Box::new(send) as Box<dyn Fn(Event)>);
    el("div").live_children(move || {
        if let Some(pair) = kept.get() {
            return vec![once_only(&pair, close)];
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
            labelled("Public key", Some("The content of a file such as ~/.ssh/id_ed25519.pub."), area)
        });
        let note = (from == From::Cloud).then(|| {
            el("p")
                .class("field-note")
                .text("The cloud makes both keys. The private one can be saved once, right after.")
        });
        let submit = el("button")
            .attr("type", "submit")
            .class("button primary")
            .live_class("busy", move || is_busy.get())
            .text(if from == From::Cloud { "Create key pair" } else { "Import key pair" });
        let actions =
            el("div").class("form-actions").child(submit).child(button("button quiet", "Cancel", close));
        vec![
            el("form")
                .class("form")
                .attr("novalidate", "")
                .child(line("Name", None, name_input, move || name.get(), move |text| name.set(text)))
                .child_if(key_field)
                .child_if(note)
                .child(el("div").attr("role", "alert").live_children(move || {
                    problem.with(|problem| problem.iter().map(Trouble::drawn).collect())
                }))
                .child(actions)
                .on("submit", move |event| send.with_value(|send| send(event))),
        ]
    })
}

enum Trouble {
    Words(String),
    Cloud(CloudError),
}

impl Trouble {
    fn drawn(&self) -> El {
        match self {
            Self::Words(words) => el("p").class("field-note error").text(words),
            Self::Cloud(error) => cloud_fault(error),
        }
    }
}

/// Why it cannot be sent as it is.
fn wrong_with(from: From, name: &str, key: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("Give the key pair a name.");
    }
    if from == From::Cloud {
        return None;
    }
    if key.contains("PRIVATE KEY") {
        return Some(
            "This is a private key. Keep it to yourself and paste the public one, from the file that ends in .pub.",
        );
    }
    let is_known = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|start| key.starts_with(start));
    let has_body = key.split_whitespace().nth(1).is_some_and(|body| body.starts_with("AAAA"));
    (!is_known || !has_body)
        .then_some("A public key is one line that begins with its kind, such as ssh-ed25519.")
}

fn once_only(pair: &MadeKeyPair, close: impl Fn() + Copy + 'static) -> El {
    let key = pair.private_key.clone().unwrap_or_default();
    let file: String = pair
        .name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' })
        .collect();
    let is_saved = RwSignal::new(false);
    let text = key.clone();
    let save = el("button")
        .attr("type", "button")
        .class("button primary")
        .attr("data-testid", "save-private-key")
        .child(icon(Icon::Download))
        .text("Save the private key")
        .on("click", move |_| is_saved.set(save_text(&format!("{file}.pem"), &text)));
    let done = el("button")
        .attr("type", "button")
        .class("button")
        .live_text(move || if is_saved.get() { "Done".to_owned() } else { "Close without saving".to_owned() })
        .on("click", move |_| close());
    el("div")
        .class("once form")
        .attr("role", "status")
        .attr("data-testid", "private-key")
        .child(
            el("p")
                .child(el("strong").class("foreign").text(&pair.name))
                .text(" was created. Save its private key now: the cloud does not keep it, and nobody can show it again."),
        )
        .child(el("div").class("form-actions").child(save).child(copy_button(key, "Copy the private key".to_owned())).child(done))
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
