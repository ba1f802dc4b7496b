//! Moments, told by their age, exact on hover.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    element::{El, el},
    format,
};

/// "3 minutes ago", the exact moment as its tooltip, kept true while it is on screen. Takes seconds since 1970.
pub fn relative_time(at: i64) -> El {
    let now = use_now();
    el("time")
        .class("numbers")
        .attr("datetime", &format::iso(at))
        .attr("title", &format::moment(at))
        .live_text(move || format::ago(at, now.get()))
}

/// Seconds since 1970, renewed often enough for ages in minutes. One timer serves the whole document.
pub fn use_now() -> Signal<i64> {
    use_context::<Now>().map_or_else(|| Signal::stored(format::now()), |now| now.0.into())
}

#[derive(Clone, Copy)]
struct Now(RwSignal<i64>);

pub fn provide_now() {
    let now = RwSignal::new(format::now());
    provide_context(Now(now));
    let renew = move || _ = now.try_set(format::now());
    if let Ok(timer) = set_interval_with_handle(renew, Duration::from_secs(10)) {
        on_cleanup(move || timer.clear());
    }
}
