//! The head of the table: what the columns are, and by which the list is sorted.

use std::ops::Range;

use leptos::prelude::*;

use crate::{
    features::servers::{
        rows::{Column, Sort},
        store::use_servers_store,
        texts,
    },
    ui::Icon,
};

#[component]
pub fn TableHead(
    columns: Memo<Vec<Column>>,
    sort: Signal<Sort>,
    on_sort: Callback<Column>,
    rows_in_sight: Callback<(), Range<usize>>,
) -> impl IntoView {
    view! {
        <div class="table-head" role="rowgroup">
            <div class="head-row" role="row" aria-rowindex="1">
                <div class="head-cell select" role="columnheader">
                    <SelectInSight rows_in_sight />
                </div>
                <For each=move || columns.get() key=|column| *column let:column>
                    <HeadCell column sort on_sort />
                </For>
            </div>
        </div>
    }
}

#[component]
fn HeadCell(column: Column, sort: Signal<Sort>, on_sort: Callback<Column>) -> impl IntoView {
    let direction = move || {
        let Sort { column: by, descending } = sort.get();
        (by == column).then_some(if descending { "descending" } else { "ascending" })
    };
    let arrow = move || match direction() {
        Some("descending") => Some(Icon::ArrowDown.view()),
        Some(_) => Some(Icon::ArrowUp.view()),
        None => None,
    };
    let is_number = matches!(column, Column::Vcpus | Column::Ram | Column::Disk);
    view! {
        <div
            class="head-cell"
            class:number=is_number
            role="columnheader"
            data-column=column.key()
            aria-sort=move || direction().unwrap_or("none")
        >
            <button type="button" on:click=move |_| on_sort.run(column)>
                <span>{texts::column(column)}</span>
                {arrow}
            </button>
        </div>
    }
}

/// The box over all boxes: ticks the servers in sight, or lets all go.
#[component]
fn SelectInSight(rows_in_sight: Callback<(), Range<usize>>) -> impl IntoView {
    let store = use_servers_store();
    let ticked = Memo::new(move |_| {
        let counts = |servers: &crate::features::servers::store::Servers| {
            (servers.selection.count(&servers.rows, &servers.view), servers.view.len())
        };
        store.track(counts).unwrap_or((0, 0))
    });
    let are_all = move || matches!(ticked.get(), (ticked, matching) if ticked > 0 && ticked >= matching);
    let are_some = move || ticked.get().0 > 0 && !are_all();
    let press = move |_| {
        let has_any = ticked.get_untracked().0 > 0;
        let sight = rows_in_sight.run(());
        store.update(|servers| {
            if has_any {
                servers.selection.clear();
            } else {
                servers.selection.set_range(&servers.rows, &servers.view, sight, true);
            }
        });
    };
    view! {
        <input
            type="checkbox"
            aria-label=texts::SELECT_IN_SIGHT
            title=texts::SELECT_IN_SIGHT
            prop:checked=are_all
            prop:indeterminate=are_some
            on:change=press
        />
    }
}
