//! The head of the table: what the columns are, and by which the list is sorted.

use std::ops::Range;

use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::{
    features::servers::{
        list_state::ListState,
        rows::{Column, Sort},
        store::{Servers, use_servers_store},
        texts,
    },
    ui::{El, Held, Icon, effect::live, el, element::icon},
};

/// `rows_in_sight` says which rows the box over all boxes is about.
pub fn table_head(
    state: ListState,
    columns: Held<Vec<Column>>,
    rows_in_sight: impl Fn() -> Range<usize> + 'static,
) -> El {
    let select = select_in_sight(rows_in_sight);
    let cells = move || {
        let mut cells =
            vec![el("div").class("head-cell select").attr("role", "columnheader").child(select.clone())];
        cells.extend(columns.get().into_iter().map(|column| cell(state, column)));
        cells
    };
    let row = el("div").class("head-row").attr("role", "row").attr("aria-rowindex", "1").live_children(cells);
    el("div").class("table-head").attr("role", "rowgroup").child(row)
}

fn cell(state: ListState, column: Column) -> El {
    let direction = move || {
        let Sort { column: by, descending } = state.sort().get();
        match (by == column, descending) {
            (false, _) => "none",
            (true, true) => "descending",
            (true, false) => "ascending",
        }
    };
    let arrow = move || match direction() {
        "descending" => vec![icon(Icon::ArrowDown)],
        "ascending" => vec![icon(Icon::ArrowUp)],
        _ => Vec::new(),
    };
    let button = el("button")
        .attr("type", "button")
        .child(el("span").text(texts::column(column)))
        .child(el("span").class("arrow").live_children(arrow))
        .on("click", move |_| state.sort_by(column));
    let is_number = matches!(column, Column::Vcpus | Column::Ram | Column::Disk);
    el("div")
        .class(if is_number { "head-cell number" } else { "head-cell" })
        .attr("role", "columnheader")
        .attr("data-column", column.key())
        .live_attr("aria-sort", move || Some(direction().to_owned()))
        .child(button)
}

/// The box over all boxes: ticks the servers in sight, or lets all go.
fn select_in_sight(rows_in_sight: impl Fn() -> Range<usize> + 'static) -> El {
    let store = use_servers_store();
    let ticked = move |servers: &Servers| servers.selection.count(&servers.rows, &servers.view);
    let input = el("input")
        .attr("type", "checkbox")
        .attr("aria-label", texts::SELECT_IN_SIGHT)
        .attr("title", texts::SELECT_IN_SIGHT);
    let tick = input.element().clone().unchecked_into::<HtmlInputElement>();
    live(Box::new(move || {
        let counts = store.track(|servers| (ticked(servers), servers.matching()));
        let (ticked, matching) = counts.unwrap_or((0, 0));
        tick.set_checked(ticked > 0 && ticked >= matching);
        tick.set_indeterminate(ticked > 0 && ticked < matching);
    }));
    input.on("change", move |_| {
        let sight = rows_in_sight();
        store.update(|servers| {
            if ticked(servers) > 0 {
                servers.selection.clear();
            } else {
                servers.selection.set_range(&servers.rows, &servers.view, sight, true);
            }
        });
    })
}
