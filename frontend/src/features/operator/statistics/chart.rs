//! One graph: its lines over the same steps as all the others, the values under a crosshair that all graphs share, and
//! the same as a table.

use api_types::operator::statistics::{Graph, GraphSeries, Statistics, Unit};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, KeyboardEvent, PointerEvent};

use super::{
    moments,
    scale::{Scale, classes, colours, drawing, said, share},
    texts,
};
use crate::{
    asked::Asked as Answer,
    ui::{El, Held, derived, effect::live, el},
};

/// Which step is looked at, in all graphs.
pub type Cursor = RwSignal<Option<usize>>;

/// What one graph draws.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    graph: Graph,
    at: Vec<i64>,
    step_secs: u32,
    percentile: u8,
    /// Shares of the width.
    marks: Vec<f64>,
}

/// The graph with this id, kept true.
pub fn chart(id: &str, answer: Answer<Statistics>, cursor: Cursor) -> El {
    let own = id.to_owned();
    let drawn = derived(move || answer.with(|statistics| statistics.and_then(|all| drawn_of(all, &own))));
    let title = texts::title(id);
    let unit = move || {
        let unit = |drawn: &Drawn| texts::unit(drawn.graph.unit, drawn.step_secs, drawn.percentile);
        drawn.with(|drawn| drawn.as_ref().map(unit).unwrap_or_default())
    };
    let head = el("div")
        .class("graph-head")
        .child(el("h2").text(&title))
        .child(el("span").class("graph-unit").live_text(unit));
    let is_empty =
        derived(move || drawn.with(|drawn| drawn.as_ref().is_none_or(|drawn| drawn.graph.series.is_empty())));
    let label = title.clone();
    let body = move || {
        if is_empty.get() {
            return vec![el("p").class("graph-nothing").text(texts::NOTHING_HERE)];
        }
        vec![plot(&label, drawn, cursor), legend(drawn, cursor), table(&label, drawn)]
    };
    el("section")
        .class("card graph")
        .attr("data-testid", &format!("graph-{id}"))
        .attr("aria-label", &title)
        .child(head)
        .child(el("div").class("graph-body").live_children(body))
}

fn drawn_of(all: &Statistics, id: &str) -> Option<Drawn> {
    let graph = all.graphs.iter().find(|graph| graph.id == id)?.clone();
    let (first, last) = (*all.at.first()?, *all.at.last()?);
    let width = (last - first).max(1) as f64;
    let marks = all.releases.iter().map(|mark| (mark.at - first) as f64 / width).collect();
    let (step_secs, percentile) = (all.step_secs, all.percentile);
    Some(Drawn { graph, at: all.at.clone(), step_secs, percentile, marks })
}

/// Axes, lines and the crosshair. It takes the keyboard as a slider does: its value is the step looked at.
fn plot(title: &str, drawn: Held<Option<Drawn>>, cursor: Cursor) -> El {
    let read = move |read: &dyn Fn(&Drawn) -> String| {
        drawn.with(|drawn| drawn.as_ref().map(read).unwrap_or_default())
    };
    let values =
        el("div").class("graph-values numbers").attr("aria-hidden", "true").live_children(move || {
            let labels = drawn.with(|drawn| {
                let graph = &drawn.as_ref()?.graph;
                Some(Scale::of(&graph.series, graph.unit).labels(graph.unit))
            });
            labels.unwrap_or_default().iter().map(|label| el("span").text(label)).collect()
        });
    let times = el("div").class("graph-times numbers").attr("aria-hidden", "true").live_children(move || {
        let labels =
            drawn.with(|drawn| drawn.as_ref().map(|drawn| time_labels(&drawn.at)).unwrap_or_default());
        labels.iter().map(|label| el("span").text(label)).collect()
    });
    let picture = el("div").class("graph-picture");
    let target = picture.element().clone();
    live(move || {
        target.set_inner_html(&read(&|drawn| {
            let graph = &drawn.graph;
            let names: Vec<&str> = graph.series.iter().map(|series| series.name.as_str()).collect();
            drawing(&Scale::of(&graph.series, graph.unit), &graph.series, &colours(&names), &drawn.marks)
        }));
    });
    let count = move || drawn.with(|drawn| drawn.as_ref().map_or(0, |drawn| drawn.at.len()));
    let cross = el("div").class("graph-cross").attr("aria-hidden", "true");
    let line = cross.html().clone();
    live(move || {
        let at = cursor.get().map(|at| share(at, count()) * 100.0);
        line.set_hidden(at.is_none());
        if let Some(at) = at {
            // By the object model: a style in markup would be refused by the page's policy.
            _ = line.style().set_property("inset-inline-start", &format!("{at:.2}%"));
        }
    });
    let said = move || {
        let at = cursor.get().unwrap_or_else(|| count().saturating_sub(1));
        read(&|drawn| values_at(drawn, at))
    };
    let area = el("div")
        .class("graph-plot")
        .attr("tabindex", "0")
        .attr("role", "slider")
        .attr("aria-label", &format!("{title}. {}", texts::KEYS))
        .attr("aria-valuemin", "0")
        .live_attr("aria-valuemax", move || Some(count().saturating_sub(1).to_string()))
        .live_attr("aria-valuenow", move || {
            Some(cursor.get().unwrap_or_else(|| count().saturating_sub(1)).to_string())
        })
        .live_attr("aria-valuetext", move || Some(said()))
        .child(picture)
        .child(cross);
    let box_of = area.element().clone();
    let point = move |event: Event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        let bounds = box_of.get_bounding_client_rect();
        let share = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
        let last = count().saturating_sub(1);
        cursor.set(Some((share.clamp(0.0, 1.0) * last as f64).round() as usize));
    };
    let area = area
        .on("pointermove", point.clone())
        .on("pointerdown", point)
        .on("pointerleave", move |_| cursor.set(None))
        .on("blur", move |_| cursor.set(None))
        .on("keydown", move |event| press(&event, cursor, count()));
    el("div").class("graph-chart").child(values).child(area).child(times)
}

fn press(event: &Event, cursor: Cursor, count: usize) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
    let last = count.saturating_sub(1);
    let now = cursor.get_untracked();
    let from = now.unwrap_or(last);
    let to = match event.key().as_str() {
        "ArrowLeft" | "ArrowDown" => Some(from.saturating_sub(1)),
        "ArrowRight" | "ArrowUp" => Some((from + 1).min(last)),
        "PageDown" => Some(from.saturating_sub(10)),
        "PageUp" => Some((from + 10).min(last)),
        "Home" => Some(0),
        "End" => Some(last),
        "Escape" if now.is_some() => None,
        _ => return,
    };
    event.prevent_default();
    cursor.set(to);
}

/// "14:05: succeeded 3, wrong credentials 0".
fn values_at(drawn: &Drawn, at: usize) -> String {
    let time = drawn.at.get(at).map(|at| moments::exact(*at)).unwrap_or_default();
    let one = |series: &GraphSeries| {
        format!("{} {}", texts::line(&drawn.graph.id, &series.name), value_at(series, at, drawn.graph.unit))
    };
    format!("{time}: {}", drawn.graph.series.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn value_at(series: &GraphSeries, at: usize, unit: Unit) -> String {
    let value = series.values.get(at).copied().flatten();
    value.map_or_else(|| texts::NO_VALUE.to_owned(), |value| said(value, unit))
}

/// Each line's colour, name and value: under the crosshair, else all of it together where it is counted, else the newest.
fn legend(drawn: Held<Option<Drawn>>, cursor: Cursor) -> El {
    // Made anew only when there are other lines; the values follow.
    let lines = derived(move || {
        drawn.with(|drawn| {
            let graph = &drawn.as_ref()?.graph;
            let names: Vec<String> = graph.series.iter().map(|series| series.name.clone()).collect();
            Some((graph.id.clone(), names, graph.has_more))
        })
    });
    let items = move || {
        let Some((id, names, has_more)) = lines.get() else { return Vec::new() };
        let colours = colours(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut items: Vec<El> = Vec::new();
        for (number, (name, colour)) in names.iter().zip(colours).enumerate() {
            let swatch =
                el("span").class(&format!("graph-swatch {}", classes(colour))).attr("aria-hidden", "true");
            let value = move || {
                drawn
                    .with(|drawn| {
                        let graph = drawn.as_ref().map(|drawn| &drawn.graph);
                        let series = graph.and_then(|graph| graph.series.get(number));
                        graph
                            .zip(series)
                            .map(|(graph, series)| legend_value(series, cursor.get(), graph.unit))
                    })
                    .unwrap_or_default()
            };
            let name = el("span").class("graph-name foreign").text(&texts::line(&id, name));
            let value = el("span").class("graph-value numbers").live_text(value);
            items.push(el("li").child(swatch).child(name).child(value));
        }
        if has_more {
            items.push(el("li").class("graph-more").text(texts::MORE_LINES));
        }
        items
    };
    el("ul").class("graph-legend").live_children(items)
}

fn legend_value(series: &GraphSeries, cursor: Option<usize>, unit: Unit) -> String {
    if let Some(at) = cursor {
        return value_at(series, at, unit);
    }
    if unit == Unit::Count {
        let sum = series.values.iter().flatten().sum();
        return format!("{} {}", said(sum, unit), texts::IN_ALL);
    }
    let newest = series.values.iter().rev().flatten().next();
    newest.map_or_else(|| texts::NO_VALUE.to_owned(), |value| said(*value, unit))
}

/// The same values for who cannot see the lines, or wants the numbers. Made when it is opened.
fn table(title: &str, drawn: Held<Option<Drawn>>) -> El {
    let is_open = RwSignal::new(false);
    let caption = title.to_owned();
    let rows = move || {
        if !is_open.get() {
            return Vec::new();
        }
        drawn.with(|drawn| drawn.iter().map(|drawn| table_of(&caption, drawn)).collect())
    };
    // It scrolls, so the keyboard has to reach it.
    let shelf = el("div").class("graph-rows").attr("tabindex", "0").attr("role", "region");
    let shelf = shelf.attr("aria-label", &format!("{title}, {}", texts::TABLE.to_ascii_lowercase()));
    let details = el("details").class("graph-table").child(el("summary").text(texts::TABLE));
    let own = details.element().clone();
    details.on("toggle", move |_| is_open.set(own.has_attribute("open"))).child(shelf.live_children(rows))
}

fn table_of(title: &str, drawn: &Drawn) -> El {
    let heading = |text: &str| el("th").attr("scope", "col").text(text);
    let names = drawn.graph.series.iter().map(|series| heading(&texts::line(&drawn.graph.id, &series.name)));
    let head = el("tr").child(heading(texts::TIME)).children(names.collect());
    let row = |(at, second): (usize, &i64)| {
        let values = drawn.graph.series.iter();
        let cell = |series: &GraphSeries| el("td").text(&value_at(series, at, drawn.graph.unit));
        let time = el("th").attr("scope", "row").text(&moments::exact(*second));
        el("tr").child(time).children(values.map(cell).collect())
    };
    // The newest first, as people look for them.
    let rows: Vec<El> = drawn.at.iter().enumerate().rev().map(row).collect();
    el("table")
        .class("numbers")
        .child(el("caption").class("unseen").text(title))
        .child(el("thead").child(head))
        .child(el("tbody").children(rows))
}

/// Five moments, evenly over the width.
fn time_labels(at: &[i64]) -> Vec<String> {
    let Some(((first, last), count)) = at.first().zip(at.last()).zip(at.len().checked_sub(1)) else {
        return Vec::new();
    };
    let is_long = last - first > 2 * 86_400;
    (0..=4).filter_map(|part| at.get(count * part / 4)).map(|at| moments::short(*at, is_long)).collect()
}
