//! What a server is now, as far as a form begins with it: asked of its region, since the list may not have it.

use api_types::servers::ServerDetail;
use leptos::prelude::*;

use super::About;
use crate::{
    asked::Asked,
    ui::{
        El, Failure, Held,
        dom::{focus, focused, query_all},
        effect::after,
        loaded::loaded,
    },
};

/// Known once: a later answer leaves alone what was filled in by then.
pub struct Present<T: 'static> {
    known: Held<Option<T>>,
    /// `None` for several servers, which may differ.
    detail: Option<Asked<ServerDetail>>,
}

/// Reads it of the server; `of_many` stands for several.
pub fn present<T: 'static>(about: &About, read: fn(&ServerDetail) -> T, of_many: T) -> Present<T> {
    if !about.is_one() {
        return Present { known: Held::new(Some(of_many)), detail: None };
    }
    let (known, detail) = (Held::new(None), about.detail());
    after(move || {
        detail.with(|detail| {
            if let Some(detail) = detail
                && known.with_untracked(Option::is_none)
            {
                known.set(Some(read(detail)));
            }
        });
    });
    Present { known, detail: Some(detail) }
}

impl<T: 'static> Present<T> {
    pub fn is_known(self) -> bool {
        self.known.with(Option::is_some)
    }

    /// As it was when it became known.
    pub fn get_untracked(self) -> Option<T>
    where
        T: Clone,
    {
        self.known.get_untracked()
    }

    /// The fields that begin with it, once it is known, or the reason why it is not.
    pub fn drawn(self, draw: impl Fn(&T) -> El + 'static) -> El {
        let is_late = self.detail.is_some();
        let fields = move || {
            self.known.with(|known| {
                known.as_ref().map(|known| {
                    let fields = untrack(|| draw(known));
                    if is_late {
                        takes_focus(&fields);
                    }
                    fields
                })
            })
        };
        let failure = move || {
            let failure = || self.detail.and_then(Asked::failure).map(Failure::from);
            if self.is_known() { None } else { failure() }
        };
        let again = move |()| {
            if let Some(detail) = self.detail {
                detail.refetch();
            }
        };
        loaded(fields, failure, Callback::new(again))
    }
}

/// The field that would have had the focus, had it been there when the dialog opened; unless somebody went on already.
fn takes_focus(fields: &El) {
    let html = send_wrapper::SendWrapper::new(fields.html().clone());
    after(move || {
        let is_elsewhere = focused().and_then(|focused| focused.closest(".dialog-body").ok().flatten());
        if is_elsewhere.is_none()
            && let Some(field) = query_all(&html, "[autofocus]").first()
        {
            focus(field);
        }
    });
}

impl<T: 'static> Clone for Present<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: 'static> Copy for Present<T> {}
