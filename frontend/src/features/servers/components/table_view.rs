//! Draws the list when it changed, keeps the reader's place, moves the keyboard's row. Imperative on purpose: the
//! rows are too many for views and effects; everything around them is Leptos.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use api_types::{ProjectId, ServerId};
use leptos::prelude::{document, request_animation_frame, window};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{
    row_view::CURSOR_ID,
    table_body::{Layout, Sight, TableBody},
};
use crate::features::servers::{
    rows::RowIndex,
    store::{Servers, ServersStore},
    turns::{TURN_MS, Turns, now_ms},
};

/// The table on screen: its elements, what is drawn in them, and where the reader is.
#[derive(Clone)]
pub struct TableView(Rc<Inner>);

struct Inner {
    store: ServersStore,
    /// The box that scrolls; also the grid.
    scroller: HtmlElement,
    canvas: HtmlElement,
    body: RefCell<Option<TableBody>>,
    turns: RefCell<Option<Turns>>,
    sight: Cell<Sight>,
    anchor: Cell<Option<Anchor>>,
    hovered: Cell<Option<Hovered>>,
    is_pointed_at: Cell<bool>,
    /// What was asked for when the table was drawn last; another number is another list, read from its top.
    asked: Cell<u32>,
    is_restoring: Cell<bool>,
    marks: Cell<Marks>,
}

/// A row that keeps its place on screen when others come and go above it.
#[derive(Clone, Copy)]
struct Anchor {
    server: ServerId,
    /// From the top of what is in sight, in pixels.
    offset: f64,
}

#[derive(Clone, Copy)]
struct Hovered {
    server: ServerId,
    moved_at: f64,
}

/// What was told to the browser's performance timeline; each once.
#[derive(Clone, Copy, Default)]
struct Marks {
    first_row: bool,
    complete: bool,
    drawn: bool,
}

/// A pointer that rested so long is not reading: rows may move under it.
const POINTER_RESTS_MS: f64 = 3_000.0;

/// Where a key leads in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Next,
    Previous,
    PageDown,
    PageUp,
    First,
    Last,
}

impl Step {
    /// The step of a key, as `KeyboardEvent::key` names it.
    pub fn of_key(key: &str) -> Option<Self> {
        Some(match key {
            "ArrowDown" | "j" => Self::Next,
            "ArrowUp" | "k" => Self::Previous,
            "PageDown" => Self::PageDown,
            "PageUp" => Self::PageUp,
            "Home" => Self::First,
            "End" => Self::Last,
            _ => return None,
        })
    }

    /// From position `at` of `count` rows, of which `page` are in sight; `None` in an empty list.
    fn from(self, at: Option<usize>, first_in_sight: usize, count: usize, page: usize) -> Option<usize> {
        let last = count.checked_sub(1)?;
        let to = match (self, at) {
            (Self::First, _) => 0,
            (Self::Last, _) => last,
            // No row yet: begin with what is in sight.
            (_, None) => first_in_sight,
            (Self::Next, Some(at)) => at + 1,
            (Self::Previous, Some(at)) => at.saturating_sub(1),
            (Self::PageDown, Some(at)) => at + page.max(1),
            (Self::PageUp, Some(at)) => at.saturating_sub(page.max(1)),
        };
        Some(to.min(last))
    }
}

impl TableView {
    pub fn new(store: ServersStore, scroller: HtmlElement, canvas: HtmlElement) -> Self {
        let place = store.with(|servers| servers.place).unwrap_or_default();
        let view = Self(Rc::new(Inner {
            store,
            scroller,
            canvas,
            body: RefCell::new(None),
            turns: RefCell::new(None),
            sight: Cell::new(Sight { top: place.scroll_top, height: 0.0 }),
            anchor: Cell::new(None),
            hovered: Cell::new(None),
            is_pointed_at: Cell::new(false),
            asked: Cell::new(store.with(|servers| servers.asked).unwrap_or(0)),
            is_restoring: Cell::new(place.scroll_top > 0.0),
            marks: Cell::new(Marks::default()),
        }));
        let this = Rc::downgrade(&view.0);
        *view.0.turns.borrow_mut() = Turns::new(TURN_MS, move |deadline| {
            this.upgrade().is_some_and(|inner| {
                // Whatever comes with the next frame asks for the rest anew.
                if inner.store.is_frame_asked() {
                    return false;
                }
                let has_more = inner.store.with(|servers| {
                    if !servers.is_at_rest() {
                        return false;
                    }
                    let mut body = inner.body.borrow_mut();
                    let Some(body) = body.as_mut() else { return false };
                    let has_more = body.draw_rest(servers, deadline);
                    if !has_more && servers.is_complete() {
                        inner.all_drawn();
                    }
                    has_more
                });
                has_more.unwrap_or(false)
            })
        });
        view
    }

    /// Draws rows of this look from now on.
    pub fn lay_out(&self, layout: &Layout, project: &ProjectId) {
        let inner = &self.0;
        let before = inner.body.borrow().as_ref().map(TableBody::row_height);
        if let Some(before) = before
            && before != layout.row_height
        {
            let top = inner.sight.get().top / before * layout.row_height;
            inner.scroller.set_scroll_top(top as i32);
        }
        *inner.body.borrow_mut() = TableBody::new(inner.canvas.clone(), layout, project);
        self.measure();
        self.draw();
    }

    /// The box changed its size.
    pub fn measure(&self) {
        let inner = &self.0;
        let head = f64::from(inner.canvas.offset_top());
        let height = (f64::from(inner.scroller.client_height()) - head).max(0.0);
        inner.sight.set(Sight { height, ..inner.sight.get() });
        self.show_sight();
    }

    /// The box was scrolled.
    pub fn scrolled(&self) {
        let inner = &self.0;
        let top = f64::from(inner.scroller.scroll_top());
        if inner.sight.get().top == top || inner.is_restoring.get() {
            return;
        }
        inner.sight.set(Sight { top, ..inner.sight.get() });
        inner.store.keep_scroll(top);
        self.show_sight();
    }

    /// Something changed: draws what is in sight now and what is not in turns.
    pub fn draw(&self) {
        let inner = &self.0;
        let now = crate::ui::format::now();
        _ = inner.store.with(|servers| {
            let mut body = inner.body.borrow_mut();
            let Some(body) = body.as_mut() else { return };
            let is_another_list = inner.asked.replace(servers.asked) != servers.asked;
            let top = self.top_after(servers, body.row_height(), is_another_list);
            body.set_now(now);
            if let Some(top) = top {
                inner.sight.set(Sight { top, ..inner.sight.get() });
            }
            body.set_sight(inner.sight.get());
            let cursor = servers.place.cursor.and_then(|id| servers.rows.find(&id));
            body.draw(servers, cursor);
            if let Some(top) = top {
                inner.scroller.set_scroll_top(top.round() as i32);
                inner.is_restoring.set(false);
            }
            self.announce(servers, body, cursor);
            self.set_anchor(servers, body);
            inner.mark_drawn(servers);
        });
        self.ask_for_rest();
    }

    /// The rows in sight, by their positions.
    pub fn rows_in_sight(&self) -> std::ops::Range<usize> {
        self.0.body.borrow().as_ref().map_or(0..0, TableBody::rows_in_sight)
    }

    /// Moves the keyboard's row and brings it into sight. With `is_extending`, ticks the rows on the way.
    pub fn step(&self, step: Step, is_extending: bool) {
        let inner = &self.0;
        let sight = self.rows_in_sight();
        let moved = inner.store.update(|servers| {
            let at = servers.place.cursor.and_then(|id| position_of(servers, &id));
            let page = sight.len().saturating_sub(2);
            let to = step.from(at, sight.start, servers.view.len(), page)?;
            servers.place.cursor = servers.view.at(to).map(|row| servers.rows.row(row).id());
            if is_extending {
                let from = at.unwrap_or(to);
                let range = from.min(to)..from.max(to) + 1;
                servers.selection.set_range(&servers.rows, &servers.view, range, true);
            }
            Some(to)
        });
        if let Some(to) = moved.flatten() {
            self.bring_into_sight(to);
        }
    }

    /// Ticks or unticks the keyboard's row.
    pub fn toggle_cursor(&self) {
        self.0.store.update(|servers| {
            let Some(row) = servers.place.cursor.and_then(|id| servers.rows.find(&id)) else { return };
            let row = servers.rows.row(row);
            let is_selected = servers.selection.contains(row);
            servers.selection.set(row, !is_selected);
        });
    }

    /// The box that scrolls; also the grid.
    pub fn scroller(&self) -> &HtmlElement {
        &self.0.scroller
    }

    /// The link of the keyboard's row.
    pub fn cursor_link(&self) -> Option<HtmlElement> {
        let body = self.0.body.borrow();
        let row = self.0.store.with(|servers| servers.rows.find(&servers.place.cursor?))??;
        body.as_ref()?.element_of(row)?.query_selector("a[href]").ok()??.dyn_into().ok()
    }

    /// The keyboard's row, if it has one, and where it is in the window: left, top, bottom.
    pub fn cursor_place(&self) -> Option<(ServerId, (f64, f64, f64))> {
        let body = self.0.body.borrow();
        let found = self.0.store.with(|servers| {
            let id = servers.place.cursor?;
            servers.rows.find(&id).map(|row| (id, row))
        });
        let (id, row) = found??;
        let place = body.as_ref()?.element_of(row)?.get_bounding_client_rect();
        Some((id, (place.left(), place.top(), place.bottom())))
    }

    /// Rows stay where they are while the pointer is among them or the keyboard is.
    pub fn keep_hold(&self) {
        self.0.store.hold(self.0.is_pointed_at.get() || self.has_focus());
    }

    /// The pointer came to the rows, or left them.
    pub fn point(&self, is_pointed_at: bool) {
        if self.0.is_pointed_at.replace(is_pointed_at) && is_pointed_at {
            return;
        }
        if !is_pointed_at {
            self.0.hovered.set(None);
        }
        self.keep_hold();
    }

    /// The pointer is over this row, or over none.
    pub fn point_at(&self, server: Option<ServerId>) {
        self.0.hovered.set(server.map(|server| Hovered { server, moved_at: now_ms() }));
    }

    fn bring_into_sight(&self, position: usize) {
        let inner = &self.0;
        let Some(row_height) = inner.body.borrow().as_ref().map(TableBody::row_height) else { return };
        let sight = inner.sight.get();
        let top = position as f64 * row_height;
        let to = if top < sight.top {
            top
        } else if top + row_height > sight.top + sight.height {
            top + row_height - sight.height
        } else {
            return;
        };
        // What the keyboard moved is not to be moved back by an anchor.
        inner.anchor.set(None);
        inner.scroller.set_scroll_top(to.ceil() as i32);
        self.scrolled();
    }

    fn show_sight(&self) {
        let inner = &self.0;
        _ = inner.store.with(|servers| {
            let mut body = inner.body.borrow_mut();
            let Some(body) = body.as_mut() else { return };
            body.set_sight(inner.sight.get());
            body.draw_sight(servers);
            self.set_anchor(servers, body);
        });
        self.ask_for_rest();
    }

    /// Draws what is out of sight, in turns.
    pub fn ask_for_rest(&self) {
        if let Some(turns) = &*self.0.turns.borrow() {
            turns.ask();
        }
    }

    /// Where the box is to be scrolled to before the list is drawn; `None` leaves it.
    fn top_after(&self, servers: &Servers, row_height: f64, is_another_list: bool) -> Option<f64> {
        let inner = &self.0;
        let sight = inner.sight.get();
        if is_another_list {
            inner.anchor.set(None);
            return (sight.top > 0.0).then_some(0.0);
        }
        let highest = (servers.view.len() as f64 * row_height - sight.height).max(0.0);
        if inner.is_restoring.get() {
            // The rows from before are here again; until then there is nothing to scroll.
            return (!servers.view.is_empty()).then_some(sight.top.min(highest));
        }
        let anchor = inner.anchor.get()?;
        let position = position_of(servers, &anchor.server)?;
        let top = (position as f64 * row_height - anchor.offset).clamp(0.0, highest);
        ((top - sight.top).abs() >= 1.0).then_some(top)
    }

    /// Chooses the row that stays where it is: the one the keyboard or a moving pointer is on, else the first in
    /// sight; at the top of the list none, so that what is new shows.
    fn set_anchor(&self, servers: &Servers, body: &TableBody) {
        let inner = &self.0;
        let sight = inner.sight.get();
        let pointed = inner.hovered.get().filter(|hovered| now_ms() - hovered.moved_at < POINTER_RESTS_MS);
        let in_sight = body.rows_in_sight();
        let first = in_sight.start;
        let candidates =
            [pointed.map(|hovered| hovered.server), servers.place.cursor.filter(|_| self.has_focus())];
        let chosen = candidates.into_iter().flatten().find_map(|server| {
            let position = position_of(servers, &server)?;
            in_sight.contains(&position).then_some((server, position))
        });
        let first_row = || Some((servers.rows.row(servers.view.at(first)?).id(), first));
        let chosen = chosen.or_else(|| if sight.top > 0.0 { first_row() } else { None });
        inner.anchor.set(chosen.map(|(server, position)| Anchor {
            server,
            offset: position as f64 * body.row_height() - sight.top,
        }));
    }

    fn has_focus(&self) -> bool {
        document()
            .active_element()
            .is_some_and(|focused| focused == *self.0.scroller.unchecked_ref::<Element>())
    }

    /// Says in attributes what the grid holds.
    fn announce(&self, servers: &Servers, body: &TableBody, cursor: Option<RowIndex>) {
        let scroller = &self.0.scroller;
        set(scroller, "aria-rowcount", &(servers.view.len() + 1).to_string());
        set(scroller, "data-total", &servers.view.total().to_string());
        set(scroller, "data-matching", &servers.matching().to_string());
        if !servers.is_complete() {
            set(scroller, "data-state", "loading");
        }
        match cursor.and_then(|row| body.element_of(row)) {
            Some(_) => set(scroller, "aria-activedescendant", CURSOR_ID),
            None => _ = scroller.remove_attribute("aria-activedescendant"),
        }
    }
}

impl Inner {
    /// What is in sight was drawn: tells the timeline once its frame is on screen.
    fn mark_drawn(&self, servers: &Servers) {
        let mut marks = self.marks.get();
        if !marks.first_row && !servers.view.is_empty() {
            marks.first_row = true;
            request_animation_frame(|| mark("servers:first-row"));
        }
        if !marks.complete && servers.is_complete() {
            marks.complete = true;
            mark("servers:complete");
        }
        self.marks.set(marks);
    }

    fn all_drawn(&self) {
        set(&self.scroller, "data-state", "complete");
        let mut marks = self.marks.get();
        if !marks.drawn {
            marks.drawn = true;
            self.marks.set(marks);
            mark("servers:drawn");
        }
    }
}

fn position_of(servers: &Servers, server: &ServerId) -> Option<usize> {
    servers.view.position_of(servers.rows.find(server)?)
}

fn set(element: &HtmlElement, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        _ = element.set_attribute(name, value);
    }
}

fn mark(name: &str) {
    if let Some(performance) = window().performance() {
        _ = performance.mark(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_within_the_list_and_begin_with_what_is_in_sight() {
        assert_eq!(Step::Next.from(None, 120, 1_000, 20), Some(120));
        assert_eq!(Step::Next.from(Some(5), 0, 1_000, 20), Some(6));
        assert_eq!(Step::Next.from(Some(999), 0, 1_000, 20), Some(999));
        assert_eq!(Step::PageDown.from(Some(990), 0, 1_000, 20), Some(999));
        assert_eq!(Step::PageUp.from(Some(5), 0, 1_000, 20), Some(0));
        assert_eq!(Step::Last.from(None, 0, 1_000, 20), Some(999));
        assert_eq!(Step::Next.from(None, 0, 0, 20), None);
    }

    #[test]
    fn letters_that_mean_nothing_here_are_left_alone() {
        assert_eq!(Step::of_key("j"), Some(Step::Next));
        assert_eq!(Step::of_key("q"), None);
    }
}
