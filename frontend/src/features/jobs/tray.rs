//! The tray: the caller's jobs, the newest first.

use leptos::{prelude::*, task::spawn_local};

use super::{line::job_line, texts};
use crate::{
    jobs::use_jobs,
    ui::{El, derived, el, loaded::lines},
};

/// What is in the tray; asks once when it is opened.
pub fn tray() -> El {
    let jobs = use_jobs();
    spawn_local(jobs.refresh());
    let list = jobs.list();
    // A line stays the same element while its job goes on: the focus stays on its buttons.
    let ids = derived(move || {
        list.with(|list| list.as_ref().map(|list| list.iter().map(|job| job.id.clone()).collect::<Vec<_>>()))
    });
    let content = move || match (ids.get(), jobs.failure()) {
        (None, Some(error)) => vec![el("p").class("tray-note").text(&error.message())],
        (None, None) => vec![el("div").class("tray-note").child(lines(3))],
        (Some(ids), _) if ids.is_empty() => vec![el("p").class("tray-note").text(texts::NONE)],
        (Some(ids), _) => {
            let line = |id: String| untrack(|| job_line(jobs, id));
            vec![el("ul").class("tray-list").children(ids.into_iter().map(line).collect())]
        }
    };
    el("div")
        .class("tray")
        .attr("data-testid", "job-tray")
        .child(el("h2").class("tray-head").text(texts::TITLE))
        .child(el("div").live_children(content))
}
