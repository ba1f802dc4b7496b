//! What the server was asked, and what it has answered so far.

use std::{cell::Cell, future::Future, pin::Pin, rc::Rc};

use leptos::{prelude::*, task::spawn_local};
use web_sys::AbortSignal;

use crate::{
    api_client::{ApiError, until_left},
    session::Session,
    ui::{
        El, Failure, Held,
        effect::{after, after_change},
        loaded::loaded,
    },
};

/// An answer on its way or there. Asked anew when what the question reads changes; an answer to an earlier question
/// is given up, and never takes the place of a later one.
pub struct Asked<T: 'static> {
    value: Held<Option<T>>,
    failure: Held<Option<ApiError>>,
    again: RwSignal<u32>,
}

/// A question under way.
pub type Answering<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// Asks, for as long as the calling component lives. The question is `None` while it cannot be asked yet.
pub fn ask<T: 'static>(question: impl Fn(Option<AbortSignal>) -> Option<Answering<T>> + 'static) -> Asked<T> {
    let asked = Asked { value: Held::new(None), failure: Held::new(None), again: RwSignal::new(0) };
    let latest = Rc::new(Cell::new(0_u32));
    after(move || {
        asked.again.track();
        // What was refused because the session was over is asked again once it goes on.
        if let Some(session) = use_context::<Session>() {
            session.renewals().track();
        }
        let number = latest.get().wrapping_add(1);
        latest.set(number);
        let Some(answering) = question(until_left()) else { return };
        let latest = latest.clone();
        spawn_local(async move {
            let answer = answering.await;
            if latest.get() == number {
                asked.take(answer);
            }
        });
    });
    asked
}

impl<T: 'static> Asked<T> {
    /// Reads what was answered last, and again when another answer comes. A failure leaves it as it was.
    pub fn with<U>(self, read: impl FnOnce(Option<&T>) -> U) -> U {
        self.value.with(|value| read(value.as_ref()))
    }

    /// Why the latest question has no answer.
    pub fn failure(self) -> Option<ApiError> {
        self.failure.get()
    }

    /// Asks the same again.
    pub fn refetch(self) {
        self.again.try_update(|count| *count = count.wrapping_add(1));
    }

    /// Forgets the answer whenever something that `follow` reads changes: what is asked then is another question, and
    /// nobody is to take the former's answer for its own.
    pub fn forgotten_when(self, follow: impl Fn() + 'static) -> Self {
        after_change(follow, move || self.clear());
        self
    }

    /// Forgets what was answered: the question is about something else now.
    pub fn clear(self) {
        self.value.set(None);
        self.failure.set(None);
    }

    /// Draws the answer, once it is there, or the reason why it is not.
    pub fn drawn(self, draw: impl Fn(&T) -> El + 'static) -> El {
        loaded(
            move || self.with(|value| value.map(&draw)),
            move || self.failure().map(Failure::from),
            Callback::new(move |()| self.refetch()),
        )
    }

    fn take(self, answer: Result<T, ApiError>) {
        match answer {
            Ok(value) => {
                self.failure.set_if_new(None);
                self.value.set(Some(value));
            }
            Err(ApiError::Aborted) => {}
            Err(error) => self.failure.set(Some(error)),
        }
    }
}

impl<T: 'static> Clone for Asked<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: 'static> Copy for Asked<T> {}
