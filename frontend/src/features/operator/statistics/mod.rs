//! Graphs of what was measured: all on the same steps, renewed while somebody looks.

mod address;
mod api;
mod chart;
mod moments;
mod scale;
mod texts;

use std::{cell::Cell, time::Duration};

use api_types::operator::statistics::{PERCENTILES, RANGES, Statistics};
use leptos::prelude::*;

use crate::{
    asked::{Asked as Answer, ask},
    router::use_router,
    ui::{
        El, Failure, Held, Icon, Page, derived,
        effect::after_change,
        el,
        element::icon,
        empty_state::empty_state,
        loaded::{failure_state, lines, stale_note},
        page::page_header,
    },
};
use address::Asked;

/// The newest values are asked for as often as there can be any, and not more often than this.
const SOONEST_SECS: u32 = 10;

/// The page.
pub fn statistics_page() -> impl IntoView {
    let search = use_router().search();
    let asked = derived(move || search.with(|search| Asked::read(search)));
    let answer = ask(move |until| Some(Box::pin(api::show_statistics(asked.get(), until))));
    let is_paused = RwSignal::new(false);
    renew(answer, asked, is_paused);
    let cursor = RwSignal::new(None);
    after_change(move || asked.with(|_| ()), move || cursor.set(None));

    let shown = derived(move || answer.with(Shown::of));
    let failure = derived(move || answer.failure().map(Failure::from));
    let retry = Callback::new(move |()| answer.refetch());
    // The graphs are made once and follow the answers: whoever reads one is not interrupted.
    let content = move || match (shown.get(), failure.get()) {
        (Shown::Nothing, Some(failure)) => vec![failure_state(&failure, retry)],
        (Shown::Nothing, None) => vec![lines(8)],
        (Shown::Unconfigured, _) => vec![unconfigured()],
        (Shown::Empty, _) => vec![
            empty_state(Icon::Clock, texts::EMPTY, "no-measurements").child(el("p").text(texts::EMPTY_WHY)),
        ],
        (Shown::Graphs(ids), _) => ids.iter().map(|id| chart::chart(id, answer, cursor)).collect(),
    };
    let stale = move || {
        let failure = failure.get().filter(|_| shown.with(|shown| *shown != Shown::Nothing));
        failure.map(|failure| stale_note(&failure, retry)).into_iter().collect()
    };
    // What is drawn keeps its place until the answer to another question comes, and is seen to be no answer to it.
    let is_former = derived(move || {
        asked.with(|asked| answer.with(|answer| answer.is_some_and(|it| is_of_another(it, *asked))))
    });
    let releases = derived(move || answer.with(|answer| answer.map(releases).unwrap_or_default()));
    let body = el("div")
        .class("page-body statistics-page")
        .attr("data-testid", "statistics")
        .child(controls(asked, answer, cursor, is_paused))
        .child(el("div").attr("role", "status").live_children(stale))
        .child(el("p").class("page-about graph-releases").live_text(move || releases.get()))
        .child(
            el("div")
                .class("graphs")
                .live_attr("aria-busy", move || is_former.get().then(|| "true".to_owned()))
                .live_children(content),
        );
    let title = Signal::stored(texts::TITLE.to_owned());
    view! { <Page title>{vec![page_header(title, None, Vec::new(), Vec::new()), body]}</Page> }
}

/// What there is to show.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    /// No answer so far.
    Nothing,
    Unconfigured,
    Empty,
    /// The graphs, by their ids.
    Graphs(Vec<String>),
}

impl Shown {
    fn of(answer: Option<&Statistics>) -> Self {
        match answer {
            None => Self::Nothing,
            Some(answer) if !answer.is_configured => Self::Unconfigured,
            Some(answer) if answer.graphs.iter().all(|graph| graph.series.is_empty()) => Self::Empty,
            Some(answer) => Self::Graphs(answer.graphs.iter().map(|graph| graph.id.clone()).collect()),
        }
    }
}

fn is_of_another(answer: &Statistics, asked: Asked) -> bool {
    answer.is_configured && (answer.step_secs, answer.percentile) != (asked.step(), asked.percentile)
}

fn releases(answer: &Statistics) -> String {
    let told = answer.releases.iter().map(|mark| format!("{} ({})", mark.release, moments::exact(mark.at)));
    let told: Vec<String> = told.collect();
    if told.is_empty() { String::new() } else { texts::releases(&told) }
}

fn unconfigured() -> El {
    empty_state(Icon::Alert, texts::UNCONFIGURED, "no-graphite")
        .child(el("p").text(texts::UNCONFIGURED_WHY))
        .child(el("pre").class("graph-how").attr("tabindex", "0").text(texts::UNCONFIGURED_HOW))
}

/// How far back, which percentile, the moment under the crosshair, and a way to hold still.
fn controls(
    asked: Held<Asked>,
    answer: Answer<Statistics>,
    cursor: chart::Cursor,
    is_paused: RwSignal<bool>,
) -> El {
    let link = move |text: String, change: fn(Asked, u32) -> Asked, value: u32| {
        el("a")
            .class("button")
            .live_attr("href", move || Some(change(asked.get(), value).href()))
            .live_attr("aria-current", move || {
                asked.with(|asked| change(*asked, value) == *asked).then(|| "true".to_owned())
            })
            .text(&text)
    };
    let group = |label: &str, links: Vec<El>| {
        el("div").class("graph-choice").attr("role", "group").attr("aria-label", label).children(links)
    };
    let ranges =
        RANGES.map(|(range, _)| link(texts::range(range), |asked, last| Asked { last, ..asked }, range));
    let percentiles = PERCENTILES.map(|percentile| {
        let change = |asked: Asked, value: u32| Asked {
            percentile: u8::try_from(value).unwrap_or(asked.percentile),
            ..asked
        };
        link(texts::percentile(percentile), change, u32::from(percentile))
    });
    let moment = move || {
        let at = cursor.get().and_then(|at| answer.with(|answer| answer?.at.get(at).copied()));
        at.map_or_else(|| texts::NOW.to_owned(), moments::exact)
    };
    let pause = el("button")
        .attr("type", "button")
        .class("button")
        .live_attr("aria-pressed", move || Some(is_paused.get().to_string()))
        .child(icon(Icon::Pause))
        .text(texts::PAUSE)
        .on("click", move |_| is_paused.update(|is_paused| *is_paused = !*is_paused));
    el("div")
        .class("graph-controls")
        .child(group(texts::RANGES, ranges.into()))
        .child(group(texts::PERCENTILES, percentiles.into()))
        .child(el("p").class("graph-moment numbers").live_text(moment))
        .child(pause)
}

/// Asks again as soon as there can be newer values, while somebody can see them.
fn renew(answer: Answer<Statistics>, asked: Held<Asked>, is_paused: RwSignal<bool>) {
    let waited = Cell::new(0_u32);
    let tick = move || {
        waited.set(waited.get() + SOONEST_SECS);
        if waited.get() >= asked.get_untracked().step().min(60)
            && !document().hidden()
            && !is_paused.get_untracked()
        {
            waited.set(0);
            answer.refetch();
        }
    };
    if let Ok(timer) = set_interval_with_handle(tick, Duration::from_secs(SOONEST_SECS.into())) {
        on_cleanup(move || timer.clear());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_of_another_range_or_percentile_are_no_answer() {
        let asked = Asked::read("last=900&percentile=99");
        let of = |step_secs, percentile| Statistics {
            is_configured: true,
            step_secs,
            percentile,
            ..Statistics::default()
        };
        assert!(!is_of_another(&of(30, 99), asked));
        assert!(is_of_another(&of(60, 99), asked));
        assert!(is_of_another(&of(30, 95), asked));
        assert!(
            !is_of_another(&Statistics::default(), asked),
            "without Graphite there is nothing to wait for"
        );
    }
}
