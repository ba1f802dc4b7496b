//! Asking before something is lost: a dialog that names it, with the verb on its button, and that stays with the
//! reason where the cloud refuses.

use std::{future::Future, pin::Pin, rc::Rc};

use leptos::prelude::*;

use crate::{
    analytics::{Counted, count},
    cloud::CloudError,
    cloud_fault::Trouble,
    ui::{El, Held, Sending, choice::button, dialog::titled_dialog, el, use_toasts},
};

/// What is done once it is confirmed.
pub type Act = Pin<Box<dyn Future<Output = Result<(), CloudError>>>>;

/// One question.
#[derive(Clone)]
pub struct Question {
    /// "Delete key pair laptop?"
    pub title: String,
    /// What is lost.
    pub text: String,
    /// "Delete key pair"
    pub verb: &'static str,
    /// What is said once it is done.
    pub done: String,
    pub act: Rc<dyn Fn() -> Act>,
    pub after: Rc<dyn Fn()>,
}

/// Asks questions, one at a time.
#[derive(Clone, Copy)]
pub struct Confirm {
    is_open: RwSignal<bool>,
    question: Held<Option<Question>>,
}

impl Confirm {
    pub fn ask(self, question: Question) {
        count(Counted::Shown, &counted_as(question.verb));
        self.question.set(Some(question));
        self.is_open.set(true);
    }
}

/// "Delete key pair" is counted as `delete_key_pair`.
fn counted_as(verb: &str) -> String {
    verb.to_ascii_lowercase().replace(' ', "_")
}

/// The dialog and what opens it.
pub fn confirm() -> (Confirm, El) {
    let confirm = Confirm { is_open: RwSignal::new(false), question: Held::new(None) };
    let title =
        move || confirm.question.with(|question| question.as_ref().map(|question| question.title.clone()));
    let dialog = titled_dialog(
        confirm.is_open,
        "dialog",
        move || title().unwrap_or_default(),
        move || match confirm.question.get_untracked() {
            Some(question) => body(confirm, question),
            None => el("div"),
        },
    );
    (confirm, dialog)
}

fn body(confirm: Confirm, question: Question) -> El {
    let toasts = use_toasts();
    let sending = Sending::of_form();
    let Question { title, text, verb, done, act, after } = question;
    let what = title.trim_end_matches('?').to_owned();
    let press = move |_| {
        if sending.is_busy_untracked() {
            return;
        }
        let (acting, after, done) = (act(), after.clone(), done.clone());
        let work = async move { acting.await.map_err(Trouble::Cloud) };
        sending.send(what.clone(), work, move |(), is_here| {
            count(Counted::Executed, &counted_as(verb));
            toasts.say(done);
            if is_here {
                confirm.is_open.set(false);
            }
            after();
        });
    };
    let act = el("button").attr("type", "button").class("button danger").text(verb).on("click", press);
    let cancel = button("button", "Cancel", move || confirm.is_open.set(false)).attr("autofocus", "");
    el("div")
        .class("form")
        .child(el("p").class("foreign").text(&text))
        .child(sending.alert(Trouble::drawn))
        .child(el("div").class("form-actions").child(sending.marked(act)).child(cancel))
}
