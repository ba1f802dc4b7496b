//! Jobs: the tray at the top of every page, and what became of each server.

mod button;
mod line;
mod result;
mod state;
mod texts;
mod tray;

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local, wasm_split::wasm_split};

pub use button::jobs_button;

use crate::{
    jobs::use_jobs,
    ui::{El, effect::after, el, part::Part, part::quiet_part, use_toasts},
};

/// What lies over a page: the result of a job, when it is open. Comes when there is time for it, and then asks once
/// what runs, so that nothing is forgotten by a reload.
pub fn jobs_layer() -> El {
    let jobs = use_jobs();
    let toasts = use_toasts();
    let is_wanted = RwSignal::new(false);
    let now_there_is_time = move || {
        if is_wanted.try_get_untracked() == Some(false) {
            is_wanted.set(true);
        }
    };
    set_timeout(now_there_is_time, THERE_IS_TIME_AFTER);
    after(move || {
        if jobs.shown().with(Option::is_some) && !is_wanted.get_untracked() {
            is_wanted.set(true);
        }
    });
    let missing = move || {
        if jobs.shown().with_untracked(Option::is_some) {
            jobs.shown().set(None);
            toasts.fail(texts::NOT_HERE, None);
        }
        is_wanted.set(false);
    };
    el("div").live_view(move || is_wanted.get().then(|| untrack(|| quiet_part(layer(), missing).into_any())))
}

/// The page has come to rest by then.
const THERE_IS_TIME_AFTER: Duration = Duration::from_secs(2);

#[wasm_split(actions, wasm_split_path = ::leptos::wasm_split, fallible)]
fn layer() -> Part {
    let jobs = use_jobs();
    spawn_local(jobs.refresh());
    Ok(result::result_dialog().into_any())
}

/// What the tray shows.
#[wasm_split(actions, wasm_split_path = ::leptos::wasm_split, fallible)]
fn content() -> Part {
    Ok(tray::tray().into_any())
}
