//! Which columns there are, in which order, and how high a row is.

use leptos::prelude::*;

use crate::{
    features::servers::{list_state::ListState, rows::Column, texts},
    ui::{Align, Button, ButtonKind, CheckBox, Icon, Popover},
};

#[component]
pub fn ColumnMenu(state: ListState) -> impl IntoView {
    view! {
        <Popover label=texts::COLUMNS icon=Icon::Columns align=Align::End>
            <ColumnChoice state />
        </Popover>
    }
}

#[component]
fn ColumnChoice(state: ListState) -> impl IntoView {
    let columns = state.columns();
    // The chosen ones in their order, then the others.
    let offered = Memo::new(move |_| {
        let mut offered = columns.get();
        offered.extend(Column::ALL.into_iter().filter(|column| !columns.read().contains(column)));
        offered
    });
    view! {
        <div class="column-choice">
            <ul>
                <For each=move || offered.get() key=|column| *column let:column>
                    <ColumnLine state column />
                </For>
            </ul>
            <div class="menu-separator"></div>
            <CheckBox
                checked=state.is_compact()
                on_change=Callback::new(move |is_compact| state.set_compact(is_compact))
            >
                {texts::COMPACT}
            </CheckBox>
            <Button
                kind=ButtonKind::Quiet
                on_press=Callback::new(move |()| state.set_columns(Column::DEFAULT.to_vec()))
            >
                {texts::DEFAULT_COLUMNS}
            </Button>
        </div>
    }
}

#[component]
fn ColumnLine(state: ListState, column: Column) -> impl IntoView {
    let columns = state.columns();
    let name = texts::column(column);
    let at = move || columns.read().iter().position(|shown| *shown == column);
    let is_shown = Signal::derive(move || at().is_some());
    let show = move |shown: bool| {
        let mut columns = columns.get_untracked();
        if shown {
            columns.push(column);
        } else {
            columns.retain(|other| *other != column);
        }
        // Without a name nobody could tell one server from another, nor open it.
        if !columns.contains(&Column::Name) {
            columns.insert(0, Column::Name);
        }
        state.set_columns(columns);
    };
    let moved = move |by: isize| {
        Callback::new(move |()| {
            let mut columns = columns.get_untracked();
            let Some(from) = columns.iter().position(|shown| *shown == column) else { return };
            if let Some(to) = from.checked_add_signed(by).filter(|to| *to < columns.len()) {
                columns.swap(from, to);
                state.set_columns(columns);
            }
        })
    };
    let up_reason = move || (at() == Some(0)).then(|| texts::IS_FIRST.to_owned());
    let down_reason = move || {
        let last = columns.read().len().checked_sub(1);
        (at().is_some() && at() == last).then(|| texts::IS_LAST.to_owned())
    };
    view! {
        <li>
            <CheckBox checked=is_shown on_change=Callback::new(show)>
                {name}
            </CheckBox>
            <Show when=move || is_shown.get()>
                <Button
                    kind=ButtonKind::Quiet
                    icon=Icon::ArrowUp
                    label=texts::move_up(name)
                    disabled_reason=Signal::derive(up_reason)
                    on_press=moved(-1)
                />
                <Button
                    kind=ButtonKind::Quiet
                    icon=Icon::ArrowDown
                    label=texts::move_down(name)
                    disabled_reason=Signal::derive(down_reason)
                    on_press=moved(1)
                />
            </Show>
        </li>
    }
}
