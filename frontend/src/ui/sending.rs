//! Sending what a form holds: once at a time, and what came of it told where somebody looks.
//!
//! A form that is closed before the answer comes is gone, and what stands in its place by then belongs to something
//! else. So only a form that is still there is closed, emptied or given its problem; otherwise a message says it.

use std::future::Future;

use leptos::{prelude::*, task::spawn_local};

use super::{
    Held,
    element::{El, el},
    toast::{ToastBox, use_toasts},
};

/// What went wrong, for a short message.
pub trait Told {
    /// A sentence or a few.
    fn sentence(&self) -> String;

    /// For those who will be asked about it: request ids.
    fn ids(&self) -> Option<String>;
}

/// The sending of one form, for as long as the form is there.
pub struct Sending<E: 'static> {
    is_busy: RwSignal<bool>,
    problem: Held<Option<E>>,
    toasts: ToastBox,
}

impl<E: Told + 'static> Sending<E> {
    /// Of the form that is being drawn.
    pub fn of_form() -> Self {
        Self { is_busy: RwSignal::new(false), problem: Held::new(None), toasts: use_toasts() }
    }

    /// Something is being sent: another press does nothing.
    pub fn is_busy(self) -> bool {
        self.is_busy.get()
    }

    /// The same, now.
    pub fn is_busy_untracked(self) -> bool {
        self.is_busy.try_get_untracked().unwrap_or(true)
    }

    /// Shows what is wrong with what is filled in; nothing is sent.
    pub fn refuse(self, problem: E) {
        self.problem.set(Some(problem));
    }

    /// Sends, unless something is being sent. `done` hears of success, and whether the form is still there to be
    /// closed. `what` was sent ("Delete key pair laptop") begins the message about a failure nobody sees here.
    pub fn send<T: 'static>(
        self,
        what: String,
        work: impl Future<Output = Result<T, E>> + 'static,
        done: impl FnOnce(T, bool) + 'static,
    ) {
        if self.is_busy_untracked() {
            return;
        }
        self.is_busy.set(true);
        self.problem.set(None);
        spawn_local(async move {
            let outcome = work.await;
            let is_here = self.is_busy.try_set(false).is_none();
            match outcome {
                Ok(value) => done(value, is_here),
                Err(problem) if is_here => self.problem.set(Some(problem)),
                Err(problem) => {
                    self.toasts.fail(format!("{what}: {}", problem.sentence()), problem.ids());
                }
            }
        });
    }

    /// The place where the form says what is wrong.
    pub fn alert(self, draw: impl Fn(&E) -> El + 'static) -> El {
        let drawn = move || self.problem.with(|problem| problem.iter().map(&draw).collect());
        el("div").attr("role", "alert").live_children(drawn)
    }

    /// The button that sends, seen and heard to be at it.
    pub fn marked(self, button: El) -> El {
        button
            .live_class("busy", move || self.is_busy())
            .live_attr("aria-disabled", move || self.is_busy().then(|| "true".to_owned()))
    }
}

impl<E: 'static> Clone for Sending<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: 'static> Copy for Sending<E> {}
