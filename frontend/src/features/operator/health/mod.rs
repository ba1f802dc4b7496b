//! The health of nodes and services, as one node sees it, kept true while the page is in front.

mod api;
mod flags;
mod nodes;
mod own;
mod services;
mod state;
mod texts;

use std::time::Duration;

use api_types::operator::health::HealthReport;
use leptos::prelude::*;

use crate::{
    asked::{Asked, ask},
    ui::{
        El, Failure, Held, Page, derived, el,
        element::icon,
        loaded::{failure_state, lines, stale_note},
        page::page_header,
        time::relative_time,
    },
};
use state::Shown;

/// How often the page asks.
const EVERY: Duration = Duration::from_secs(5);

/// The page.
pub fn health_page() -> impl IntoView {
    let report = ask(|until| Some(Box::pin(api::show_report(until))));
    renew(report);
    let title = Signal::stored(texts::TITLE.to_owned());
    let state = derived(move || report.with(|report| report.map(state::own)));
    let state = move || state.with(|state| state.iter().map(shown).collect());
    let state = el("div").attr("role", "status").live_children(state);
    let is_here = derived(move || report.with(|report| report.is_some()));
    let failure = derived(move || report.failure().map(Failure::from));
    let retry = Callback::new(move |()| report.refetch());
    // What stands is made once and follows the report: whoever reads it, or has a button in focus, is not interrupted.
    let sections = move || match (is_here.get(), failure.get()) {
        (false, Some(failure)) => vec![failure_state(&failure, retry)],
        (false, None) => vec![lines(8)],
        (true, _) => vec![
            services::section(report),
            nodes::section(report),
            own::needs(report),
            nodes::hops(report),
            flags::section(report),
            el("div").class("health-pair").child(own::queues(report)).child(own::database(report)),
        ],
    };
    let stale = move || {
        let failure = failure.get().filter(|_| is_here.get());
        failure.map(|failure| stale_note(&failure, retry)).into_iter().collect()
    };
    let about = derived(move || {
        report.with(|report| report.map(|report| texts::seen_by(&report.node)).unwrap_or_default())
    });
    let body = el("div")
        .class("page-body health-page")
        .attr("data-testid", "health")
        .child(el("p").class("page-about").live_text(move || about.get()))
        .child(el("div").live_children(stale))
        .child(el("div").class("health-sections").live_children(sections));
    view! { <Page title>{vec![page_header(title, None, vec![state], Vec::new()), body]}</Page> }
}

/// Asks every few seconds while somebody can see it, and when they come back to it.
fn renew(report: Asked<HealthReport>) {
    let is_seen = || !document().hidden();
    let again = move || {
        if is_seen() {
            report.refetch();
        }
    };
    if let Ok(timer) = set_interval_with_handle(again, EVERY) {
        on_cleanup(move || timer.clear());
    }
    let back = window_event_listener_untyped("visibilitychange", move |_| again());
    on_cleanup(move || back.remove());
}

/// A state: its drawing, its word.
fn shown(state: &Shown) -> El {
    el("span")
        .class(&format!("health-state {}", state.kind))
        .child(icon(state.icon))
        .child(el("span").text(&state.word))
}

/// A state that is kept true.
fn live_state(state: Held<Shown>) -> El {
    el("span").live_children(move || state.with(|state| vec![shown(state)]))
}

/// An age that is kept true, or a word where there is no moment.
fn live_moment(at: Held<Option<i64>>, never: &'static str) -> El {
    let draw = move || match at.get() {
        Some(at) => vec![relative_time(at)],
        None => vec![el("span").class("nothing").text(never)],
    };
    el("span").live_children(draw)
}

/// A part of the page with its name.
fn part(title: &str, about: Option<&str>, content: El) -> El {
    let about = about.map(|about| el("p").class("page-about").text(about));
    el("section").class("card health-part").child(el("h2").text(title)).child_if(about).child(content)
}
