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

/// Seconds since 1970, renewed every second: for countdowns and ages in seconds.
pub fn use_seconds() -> Signal<i64> {
    ticking(Duration::from_secs(1)).into()
}

#[derive(Clone, Copy)]
struct Now(RwSignal<i64>);

pub fn provide_now() {
    provide_context(Now(ticking(Duration::from_secs(10))));
}

fn ticking(every: Duration) -> RwSignal<i64> {
    let now = RwSignal::new(format::now());
    let renew = move || _ = now.try_set(format::now());
    if let Ok(timer) = set_interval_with_handle(renew, every) {
        on_cleanup(move || timer.clear());
    }
    now
}
