//! Asking before something is lost: a dialog that names it, with the verb on its button, and that stays with the
//! reason where the cloud refuses.

use std::{future::Future, pin::Pin, rc::Rc};

use leptos::{prelude::*, task::spawn_local};

use crate::{
    cloud::CloudError,
    cloud_fault::cloud_fault,
    ui::{El, Held, choice::button, dialog::titled_dialog, el, use_toasts},
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
        self.question.set(Some(question));
        self.is_open.set(true);
    }
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
    let is_busy = RwSignal::new(false);
    let failure = Held::new(None::<CloudError>);
    let Question { text, verb, done, act, after, .. } = question;
    let press = move |_| {
        if is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        failure.set(None);
        let (acting, after, done) = (act(), after.clone(), done.clone());
        spawn_local(async move {
            let outcome = acting.await;
            _ = is_busy.try_set(false);
            match outcome {
                Ok(()) => {
                    toasts.say(done);
                    _ = confirm.is_open.try_set(false);
                    after();
                }
                Err(error) => failure.set(Some(error)),
            }
        });
    };
    let act = el("button")
        .attr("type", "button")
        .class("button danger")
        .live_class("busy", move || is_busy.get())
        .text(verb)
        .on("click", press);
    let cancel = button("button", "Cancel", move || confirm.is_open.set(false)).attr("autofocus", "");
    el("div")
        .class("form")
        .child(el("p").class("foreign").text(&text))
        .child(
            el("div")
                .attr("role", "alert")
                .live_children(move || failure.with(|failure| failure.iter().map(cloud_fault).collect())),
        )
        .child(el("div").class("form-actions").child(act).child(cancel))
}
