//! The lines as a table whose rows open: the newest first, and those that come where they belong.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use api_types::operator::logs::{LogLine, LogQuery};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement};

use super::{
    line::{as_text, line_detail, line_row},
    texts,
};
use crate::ui::{
    El, Held,
    announcer::Announcements,
    copy_button::copy_text,
    dom::{focus, focused, query_all},
    el, use_announcer,
};

/// What is known of the lines on screen. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Results {
    lines: StoredValue<Rc<RefCell<HashMap<i64, LogLine>>>, LocalStorage>,
    /// What came by itself, and what was looked for.
    came: StoredValue<Rc<RefCell<(LogQuery, ByTime)>>, LocalStorage>,
    marked: Held<BTreeSet<i64>>,
    /// The table, and the owner of what is opened in it. `None` while there is none.
    place: StoredValue<Option<Place>, LocalStorage>,
    announcer: Announcements,
}

#[derive(Clone)]
struct Place {
    table: Element,
    owner: Owner,
    open: Rc<RefCell<HashMap<i64, Owner>>>,
}

/// Lines by time and id, the oldest first.
type ByTime = BTreeMap<(i64, i64), LogLine>;

/// So many rows stay in the document while new ones come.
const MOST_ROWS: usize = 1_000;

pub fn provide_results() -> Results {
    Results {
        lines: StoredValue::new_local(Rc::default()),
        came: StoredValue::new_local(Rc::default()),
        marked: Held::new(BTreeSet::new()),
        place: StoredValue::new_local(None),
        announcer: use_announcer(),
    }
}

impl Results {
    /// The table of what was found, and of what came by itself since this is looked for.
    pub fn table(self, query: &LogQuery, found: &[LogLine]) -> El {
        let mut lines: ByTime = found.iter().map(|line| (position(line), line.clone())).collect();
        if let Some(came) = self.came.try_get_value() {
            let mut came = came.borrow_mut();
            if came.0 != *query {
                *came = (query.clone(), ByTime::new());
            }
            lines.extend(came.1.clone());
        }
        *self.known().borrow_mut() = lines.values().map(|line| (line.id, line.clone())).collect();
        self.marked.set(BTreeSet::new());
        let head = |name: &str| el("th").attr("scope", "col").text(name);
        let heads = [
            texts::TIME_HEAD,
            texts::LEVEL,
            texts::FACILITY,
            texts::USER,
            texts::MESSAGE,
            texts::HOST,
            texts::REQUEST,
        ];
        let heads = el("tr").children(heads.iter().map(|name| head(name)).collect());
        let table = el("table")
            .class("table log-table")
            .attr("data-testid", "log-table")
            .attr("aria-label", texts::LINES)
            .child(el("thead").child(heads))
            .children(lines.values().rev().map(line_row).collect())
            .on("click", move |event| self.pressed(&event));
        let owner = Owner::current().unwrap_or_default();
        self.place.set_value(Some(Place { table: table.element().clone(), owner, open: Rc::default() }));
        table
    }

    /// No table is on screen, so nothing is put into one.
    pub fn put_away(self) {
        self.place.try_set_value(None);
        self.known().borrow_mut().clear();
        self.marked.set_if_new(BTreeSet::new());
    }

    /// Forgets what came by itself: nobody follows any more.
    pub fn forget_what_came(self) {
        if let Some(came) = self.came.try_get_value() {
            came.take();
        }
    }

    /// Puts a line where it belongs, once. Nodes write in batches, so it may be older than those already there.
    pub fn add(self, line: LogLine) {
        if let Some(came) = self.came.try_get_value() {
            let came = &mut came.borrow_mut().1;
            came.insert(position(&line), line.clone());
            if came.len() > MOST_ROWS {
                came.pop_first();
            }
        }
        let Some(place) = self.place.try_get_value().flatten() else { return };
        let lines = self.known();
        if lines.borrow().contains_key(&line.id) {
            return;
        }
        let row = line_row(&line);
        let below = self.first_older(&place, position(&line));
        lines.borrow_mut().insert(line.id, line);
        _ = place.table.insert_before(row.element(), below.as_deref());
        _ = row.element().class_list().add_1("is-new");
        if lines.borrow().len() > MOST_ROWS {
            self.drop_last(&place);
        }
    }

    /// How many lines are marked.
    pub fn marked(self) -> usize {
        self.marked.with(BTreeSet::len)
    }

    /// Copies the marked lines as text, the oldest first.
    pub fn copy_marked(self) {
        let lines = self.known();
        let marked: BTreeMap<(i64, i64), String> = {
            let lines = lines.borrow();
            let marked = self.marked.get_untracked();
            let marked = marked.iter().filter_map(|id| lines.get(id));
            marked.map(|line| ((line.at_us, line.id), as_text(line))).collect()
        };
        let text = marked.into_values().collect::<Vec<_>>().join("\n");
        spawn_local(async move {
            self.announcer.say(if copy_text(&text).await { texts::COPIED } else { texts::NO_COPY });
        });
    }

    /// Moves the keyboard to the next row, or the one before.
    pub fn step(self, by: isize) {
        let Some(place) = self.place.try_get_value().flatten() else { return };
        let rows = query_all(&place.table, ".log-toggle");
        let at = focused().and_then(|focused| rows.iter().position(|row| *row == focused));
        let to = match at {
            Some(at) => at.saturating_add_signed(by).min(rows.len().saturating_sub(1)),
            None => 0,
        };
        if let Some(row) = rows.get(to) {
            focus(row);
        }
    }

    /// Marks the row that has the keyboard, or takes the mark away.
    pub fn mark(self) {
        let Some(entry) = focused().and_then(|focused| entry_of(&focused)) else { return };
        let Some(id) = id_of(&entry) else { return };
        let is_marked = self.marked.with_untracked(|marked| !marked.contains(&id));
        self.marked.update(|marked| {
            if is_marked {
                marked.insert(id);
            } else {
                marked.remove(&id);
            }
        });
        _ = entry.class_list().toggle_with_force("is-marked", is_marked);
        self.announcer.say(if is_marked { "Marked" } else { "Not marked" });
    }

    fn pressed(self, event: &Event) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
            return;
        };
        let is_inside = |what: &str| target.closest(what).ok().flatten().is_some();
        let is_button = is_inside(".log-toggle");
        // A link leads away, and a text that was marked is to be copied.
        let is_row = is_inside(".log-line") && !is_inside("a") && !has_selection();
        if !(is_button || is_row) {
            return;
        }
        if let Some(entry) = entry_of(&target) {
            self.toggle(&entry);
        }
    }

    fn toggle(self, entry: &Element) {
        let Some(place) = self.place.try_get_value().flatten() else { return };
        let Some(id) = id_of(entry) else { return };
        let button = entry.query_selector(".log-toggle").ok().flatten();
        let tell = |is_open: bool| {
            if let Some(button) = &button {
                _ = button.set_attribute("aria-expanded", if is_open { "true" } else { "false" });
            }
        };
        if let Some(detail) = entry.query_selector(".log-detail").ok().flatten() {
            detail.remove();
            if let Some(owner) = place.open.borrow_mut().remove(&id) {
                owner.cleanup();
            }
            tell(false);
            return;
        }
        let Some(line) = self.known().borrow().get(&id).cloned() else { return };
        let owner = place.owner.with(Owner::new);
        let detail = owner.with(|| {
            let cell = el("td").attr("colspan", "7").child(line_detail(&line));
            el("tr").class("log-detail").child(cell)
        });
        _ = entry.append_child(detail.element());
        place.open.borrow_mut().insert(id, owner);
        tell(true);
    }

    /// The first row of a line older than this.
    fn first_older(self, place: &Place, than: (i64, i64)) -> Option<Element> {
        let lines = self.known();
        let lines = lines.borrow();
        let is_older = |row: &Element| {
            id_of(row).and_then(|id| lines.get(&id)).is_some_and(|line| position(line) < than)
        };
        let first = place.table.query_selector("tbody").ok().flatten();
        std::iter::successors(first, Element::next_element_sibling).find(is_older)
    }

    fn drop_last(self, place: &Place) {
        let rows = query_all(&place.table, "tbody");
        let Some(last) = rows.last() else { return };
        if let Some(id) = id_of(last) {
            self.known().borrow_mut().remove(&id);
            if let Some(owner) = place.open.borrow_mut().remove(&id) {
                owner.cleanup();
            }
        }
        last.remove();
    }

    fn known(self) -> Rc<RefCell<HashMap<i64, LogLine>>> {
        self.lines.try_get_value().unwrap_or_default()
    }
}

fn position(line: &LogLine) -> (i64, i64) {
    (line.at_us, line.id)
}

fn entry_of(inside: &Element) -> Option<HtmlElement> {
    inside.closest(".log-entry").ok()??.dyn_into().ok()
}

fn id_of(entry: &Element) -> Option<i64> {
    entry.get_attribute("data-line")?.parse().ok()
}

fn has_selection() -> bool {
    let selected = window().get_selection().ok().flatten();
    selected.is_some_and(|selection| !selection.is_collapsed())
}
