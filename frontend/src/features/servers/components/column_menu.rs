//! Which columns there are, in which order, and how high a row is.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlInputElement};

use crate::{
    features::servers::{list_state::ListState, rows::Column, texts},
    ui::{
        El, Icon, Opener,
        dom::{focus, query_all},
        el,
        element::icon,
        popover,
    },
};

pub fn column_menu(state: ListState) -> El {
    popover(Opener::of(texts::COLUMNS, Icon::Columns, false, "dialog"), move || choice(state))
}

fn choice(state: ListState) -> El {
    let columns = state.columns();
    // The chosen ones in their order, then the others.
    let lines = move || {
        let chosen = columns.get();
        let count = chosen.len();
        let others = Column::ALL.into_iter().filter(|column| !chosen.contains(column));
        let shown = chosen.iter().enumerate().map(|(at, column)| line(*column, Some((at, count))));
        shown.chain(others.map(|column| line(column, None))).collect::<Vec<_>>()
    };
    let compact = tick(texts::COMPACT, state.is_compact().get_untracked());
    let reset = el("button")
        .attr("type", "button")
        .class("button quiet")
        .text(texts::DEFAULT_COLUMNS)
        .on("click", move |_| state.set_columns(Column::DEFAULT.to_vec()));
    el("div")
        .class("column-choice")
        .child(
            el("ul")
                .live_children(lines)
                .on("change", move |event| ticked(state, &event))
                .on("click", move |event| moved(state, &event)),
        )
        .child(el("div").class("menu-separator"))
        .child(compact.on("change", move |event| {
            if let Some(input) = target::<HtmlInputElement>(&event) {
                state.set_compact(input.checked());
            }
        }))
        .child(reset)
}

/// `place`: where it stands among so many, if it is shown.
fn line(column: Column, place: Option<(usize, usize)>) -> El {
    let name = texts::column(column);
    let line = el("li").attr("data-column", column.key()).child(tick(name, place.is_some()));
    let Some((at, count)) = place else { return line };
    let step = |by: &str, of: Icon, label: String, reason: Option<&str>| {
        el("button")
            .attr("type", "button")
            .class("button quiet icon-only")
            .attr("data-by", by)
            .attr("aria-label", &label)
            .attr("title", reason.unwrap_or(&label))
            .attr_if("aria-disabled", reason.map(|_| "true"))
            .attr_if("aria-description", reason)
            .child(icon(of))
    };
    let first = (at == 0).then_some(texts::IS_FIRST);
    let last = (at + 1 == count).then_some(texts::IS_LAST);
    line.child(step("-1", Icon::ArrowUp, texts::move_up(name), first)).child(step(
        "1",
        Icon::ArrowDown,
        texts::move_down(name),
        last,
    ))
}

fn tick(name: &str, is_ticked: bool) -> El {
    let input = el("input").attr("type", "checkbox");
    input.element().unchecked_ref::<HtmlInputElement>().set_checked(is_ticked);
    el("label").class("check").child(input).child(el("span").class("check-label").text(name))
}

fn ticked(state: ListState, event: &Event) {
    let Some(input) = target::<HtmlInputElement>(event) else { return };
    let Some((column, list)) = column_of(&input) else { return };
    let mut columns = state.columns().get_untracked();
    if input.checked() {
        columns.push(column);
    } else {
        columns.retain(|other| *other != column);
    }
    // Without a name nobody could tell one server from another, nor open it.
    if !columns.contains(&Column::Name) {
        columns.insert(0, Column::Name);
    }
    state.set_columns(columns);
    focus_again(&list, column, "input");
}

fn moved(state: ListState, event: &Event) {
    let button = target::<Element>(event).and_then(|element| element.closest("[data-by]").ok().flatten());
    let Some(button) = button else { return };
    let Some((column, list)) = column_of(&button) else { return };
    let by = button.get_attribute("data-by").unwrap_or_default();
    let mut columns = state.columns().get_untracked();
    let Some(from) = columns.iter().position(|shown| *shown == column) else { return };
    let to = by.parse().ok().and_then(|by| from.checked_add_signed(by));
    if let Some(to) = to.filter(|to| *to < columns.len()) {
        columns.swap(from, to);
        state.set_columns(columns);
        focus_again(&list, column, &format!("[data-by='{by}']"));
    }
}

/// The lines were made anew: the focus stays with the column, for the next press.
fn focus_again(list: &Element, column: Column, part: &str) {
    let (list, selector) = (list.clone(), format!("[data-column={}] {part}", column.key()));
    request_animation_frame(move || {
        if let Some(part) = query_all(&list, &selector).first() {
            focus(part);
        }
    });
}

fn column_of(part: &Element) -> Option<(Column, Element)> {
    let line = part.closest("[data-column]").ok()??;
    Some((Column::from_key(&line.get_attribute("data-column")?)?, line.parent_element()?))
}

fn target<T: JsCast>(event: &Event) -> Option<T> {
    event.target()?.dyn_into().ok()
}
