//! The way from a row to all that can be done to it: the button at its end, the pointer's other button, the keyboard.

use leptos::prelude::window;
use web_sys::{Element, HtmlElement, MouseEvent};

use super::{
    row_view::{from_markup, more_markup},
    server_table::{server_of, target},
    table_view::TableView,
};
use crate::features::servers::{
    acting::{Acting, Whom},
    store::ServersStore,
};
use api_types::ServerId;

/// The button of the row that is pointed at: one for ten thousand rows.
pub struct RowMore(Option<Element>);

impl RowMore {
    pub fn new() -> Self {
        Self(from_markup(&more_markup()))
    }

    /// The pointer is on this element of a row.
    pub fn show(&self, target: &Element) {
        let Some(row) = target.closest(".row").ok().flatten() else { return };
        let has_one = row.last_element_child().is_some_and(|last| last.class_list().contains("row-more"));
        if let (false, Some(more)) = (has_one, &self.0) {
            _ = row.append_child(more);
        }
    }
}

/// Opens the menu where the pointer's other button was pressed, or for the keyboard's row. Links and marked text keep
/// the browser's own menu, and Shift brings it anywhere.
pub fn open_at_pointer(event: &MouseEvent, acting: Acting, store: ServersStore, table: &HtmlElement) {
    let Some(target) = target(event) else { return };
    let is_link = target.closest("a[href]").is_ok_and(|link| link.is_some());
    let Some(server) = server_of(&target).filter(|_| !is_link && !event.shift_key() && !is_text_marked())
    else {
        return;
    };
    event.prevent_default();
    store.update(|servers| servers.place.cursor = Some(server));
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    acting.open_menu_at(whom(store, server), (x, y, y), table);
}

/// Opens the menu at the keyboard's row.
pub fn open_at_cursor(view: &TableView, acting: Acting, store: ServersStore) {
    let Some((server, (left, top, bottom))) = view.cursor_place() else { return };
    // Below the name, where the eye is, not at the edge of the window.
    const INDENT: f64 = 56.0;
    acting.open_menu_at(whom(store, server), (left + INDENT, top, bottom), view.scroller());
}

/// A ticked row stands for all that are ticked.
fn whom(store: ServersStore, server: ServerId) -> Whom {
    let is_ticked = store.with(|servers| {
        let row = servers.rows.find(&server);
        row.is_some_and(|row| servers.selection.contains(servers.rows.row(row)))
    });
    if is_ticked == Some(true) { Whom::Ticked } else { Whom::Row(server) }
}

fn is_text_marked() -> bool {
    window().get_selection().ok().flatten().is_some_and(|marked| !marked.is_collapsed())
}
