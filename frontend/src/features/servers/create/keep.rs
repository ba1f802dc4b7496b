//! The draft outlives a reload, a lost session and a page that was left by mistake: the tab keeps it, for the person
//! who wrote it, with what was made of it so far. It holds no password and no private key of its own, but what is in
//! user data and metadata, which may be secret: it goes when its servers are made, when another person signs in, and
//! when anybody signs out (`session.rs`).

use std::time::Duration;

use api_types::ProjectId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

use super::{
    draft::Draft,
    form::Form,
    makings::{self, Batch, KeptMaking, Phase},
};
use crate::{
    session::use_session,
    ui::{Held, effect::after, format},
};

/// A draft as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The id of whose it is: another person at the same browser does not see it.
    user: String,
    /// Seconds since 1970.
    at: i64,
    draft: Draft,
    /// Those of its servers that may be there already: they are not made twice.
    #[serde(default)]
    makings: Vec<KeptMaking>,
}

/// Brings back what was kept, once it is known who asks, then keeps what is changed. `is_wanted`: the address does not
/// ask for something else. `restored` hears when what came back was written, in seconds since 1970.
pub fn keep_draft(form: Form, is_wanted: bool, restored: impl Fn(i64) + 'static) {
    let session = use_session();
    let is_ready = RwSignal::new(false);
    // Kept, since the address may name another page's project by the time this one is left.
    let place = Held::new(None::<ProjectId>);
    let last = Held::new(None::<(Draft, i64)>);
    after(move || {
        let (Some(current), Some(project)) = (session.current(), form.project.get()) else { return };
        place.set(Some(project.clone()));
        if is_ready.get_untracked() {
            return;
        }
        // One that became servers, or that this address is not about, is over; one that is at it goes on.
        makings::change(&project, |batch| {
            if batch.phase == Phase::Done || !(is_wanted || batch.is_busy()) {
                *batch = Batch::default();
            }
        });
        let kept = read(&project).filter(|kept| kept.user == current.user.id && !kept.draft.is_blank());
        if let Some(kept) = kept.filter(|_| is_wanted && form.draft.with_untracked(Draft::is_blank)) {
            last.set(Some((kept.draft.clone(), kept.at)));
            form.draft.set(kept.draft);
            // This document knows better what it did itself.
            makings::change(&project, |batch| {
                if batch.makings.is_empty() {
                    *batch = Batch::restored(kept.makings);
                }
            });
            restored(kept.at);
        }
        is_ready.set(true);
    });
    let write_now = move || {
        let user = session.current_untracked().map(|current| current.user.id);
        let Some((user, project)) = user.zip(place.get_untracked()) else { return };
        let draft = form.draft.get_untracked();
        let (phase, makings) = untrack(|| makings::read(Some(&project), |batch| (batch.phase, batch.kept())));
        if is_ready.get_untracked() && !draft.is_blank() && phase != Phase::Done && !session.has_left() {
            let at = last
                .with_untracked(|last| last.as_ref().filter(|(same, _)| *same == draft).map(|(_, at)| *at));
            let at = at.unwrap_or_else(format::now);
            last.set(Some((draft.clone(), at)));
            write(&project, &Kept { user, at, draft, makings });
        }
    };
    let timer = StoredValue::new(None::<TimeoutHandle>);
    after(move || {
        let is_blank = form.draft.with(Draft::is_blank);
        form.batch(|_| {});
        if !is_ready.get() || is_blank {
            return;
        }
        // A pause in typing.
        let later = set_timeout_with_handle(write_now, Duration::from_millis(300)).ok();
        let before = timer.try_update_value(|held| std::mem::replace(held, later)).flatten();
        if let Some(before) = before {
            before.clear();
        }
    });
    // A page that is left, or a tab that is closed, waits for nothing.
    let hidden = window_event_listener_untyped("pagehide", move |_| write_now());
    on_cleanup(move || {
        hidden.remove();
        if let Some(timer) = timer.get_value() {
            timer.clear();
        }
        write_now();
    });
}

/// Keeps with the draft what came of it after its page was left.
pub fn keep_outcomes(project: &ProjectId, makings: Vec<KeptMaking>) {
    // Where nothing is kept (any more), nothing is added.
    if let Some(kept) = read(project) {
        write(project, &Kept { makings, ..kept });
    }
}

/// The draft has become servers, or is not wanted any more.
pub fn forget(project: &ProjectId) {
    if let Some(storage) = storage() {
        _ = storage.remove_item(&key(project));
    }
}

fn read(project: &ProjectId) -> Option<Kept> {
    serde_json::from_str(&storage()?.get_item(&key(project)).ok()??).ok()
}

/// Where the browser keeps nothing, the draft lasts as long as the page.
fn write(project: &ProjectId, kept: &Kept) {
    if let Some((storage, text)) = storage().zip(serde_json::to_string(kept).ok()) {
        _ = storage.set_item(&key(project), &text);
    }
}

/// Of this tab: two tabs write two drafts.
fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

fn key(project: &ProjectId) -> String {
    format!("meridian.create-server.{project}")
}
