//! The draft outlives a reload, a lost session and a tab that was closed by mistake: the browser keeps it, for the
//! person who wrote it. It holds no password and no private key.

use std::time::Duration;

use api_types::ProjectId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

use super::{draft::Draft, form::Form};
use crate::{
    session::use_session,
    ui::{effect::after, format},
};

/// A draft as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The id of whose it is: another person at the same browser does not see it.
    user: String,
    /// Seconds since 1970.
    at: i64,
    draft: Draft,
}

/// Brings back what was kept, once it is known who asks, then keeps what is changed. `is_wanted`: the address does not
/// ask for something else. `restored` hears when what came back was written, in seconds since 1970.
pub fn keep_draft(form: Form, is_wanted: bool, restored: impl Fn(i64) + 'static) {
    let session = use_session();
    let is_ready = RwSignal::new(false);
    after(move || {
        let (Some(current), Some(project)) = (session.current(), form.project.get()) else { return };
        if is_ready.get_untracked() {
            return;
        }
        let kept = read(&project).filter(|kept| kept.user == current.user.id && !kept.draft.is_blank());
        if let Some(kept) = kept.filter(|_| is_wanted && form.draft.with_untracked(Draft::is_blank)) {
            form.draft.set(kept.draft);
            restored(kept.at);
        }
        is_ready.set(true);
    });
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let write_now = move || {
        let user = session.current_untracked().map(|current| current.user.id);
        let Some((user, project)) = user.zip(form.project.get_untracked()) else { return };
        write(&project, user, form.draft.get_untracked());
    };
    after(move || {
        let is_blank = form.draft.with(Draft::is_blank);
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
    let hidden = window_event_listener_untyped("pagehide", move |_| {
        if is_ready.get_untracked() && !form.draft.with_untracked(Draft::is_blank) {
            write_now();
        }
    });
    on_cleanup(move || {
        hidden.remove();
        if let Some(timer) = timer.get_value() {
            timer.clear();
        }
    });
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
fn write(project: &ProjectId, user: String, draft: Draft) {
    let kept = Kept { user, at: format::now(), draft };
    if let Some((storage, text)) = storage().zip(serde_json::to_string(&kept).ok()) {
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
