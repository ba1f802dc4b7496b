//! One row of the table as elements: cloned from a template, filled with text. Nothing from the cloud ever becomes
//! markup: it goes through text nodes and attribute values only.

use std::collections::HashMap;

use api_types::{ProjectId, servers::StatusKind};
use js_sys::JsString;
use leptos::prelude::document;
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{DocumentFragment, Element, HtmlTemplateElement};

use crate::{
    features::servers::{
        rows::{Column, RowIndex, RowView},
        state, texts,
    },
    ui::{Icon, format},
};

/// The id of the row the keyboard is on, for `aria-activedescendant`.
pub const CURSOR_ID: &str = "server-cursor";

/// Makes rows for one set of columns.
pub struct RowPainter {
    template: Element,
    lock: Element,
    columns: Vec<Column>,
    addresses_shown: usize,
    /// What a server's link begins with.
    link_start: String,
    texts: TextCache,
    /// Seconds since 1970: what ages are told from.
    now: i64,
}

/// A row in the document and what it shows, so that only what differs is written.
pub struct DrawnRow {
    pub element: Element,
    pub row: RowIndex,
    version: u32,
    kind: StatusKind,
    place: usize,
    is_selected: bool,
    has_cursor: bool,
    /// Never painted: what the template leaves empty needs no emptying.
    is_new: bool,
    /// Shows another row than it should.
    is_stale: bool,
    age: u32,
}

/// What a row's content does not say itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its position in the list, from 0.
    pub at: usize,
    pub is_selected: bool,
    pub has_cursor: bool,
}

impl DrawnRow {
    /// Will show this row; what it showed before is overwritten when painted.
    pub fn take_over(&mut self, row: RowIndex) {
        self.row = row;
        self.is_stale = true;
    }

    /// Shows a row of the list no more.
    pub fn let_go(&mut self) {
        self.row = RowIndex::MAX;
        self.is_stale = true;
    }
}

impl RowPainter {
    /// `None` where the document refuses to make elements at all.
    pub fn new(columns: &[Column], addresses_shown: usize, project: &ProjectId) -> Option<Self> {
        Some(Self {
            template: from_markup(&row_markup(columns))?,
            lock: from_markup(&lock_markup())?,
            columns: columns.to_vec(),
            addresses_shown,
            link_start: format!("/projects/{project}/servers/"),
            texts: TextCache::default(),
            now: format::now(),
        })
    }

    /// Ages are told from now on by this clock.
    pub fn set_now(&mut self, now: i64) {
        self.now = now;
    }

    /// A row that shows nothing yet.
    pub fn make(&self) -> Option<DrawnRow> {
        let element = self.template.clone_node_with_deep(true).ok()?.unchecked_into();
        Some(DrawnRow {
            element,
            row: RowIndex::MAX,
            version: 0,
            kind: StatusKind::Running,
            place: usize::MAX,
            is_selected: false,
            has_cursor: false,
            is_new: true,
            is_stale: true,
            age: u32::MAX,
        })
    }

    /// Brings a row up to date: its content where `version` says it changed, its place where that did.
    pub fn paint(&mut self, drawn: &mut DrawnRow, row: RowView<'_>, version: u32, place: Place) {
        if drawn.is_stale || drawn.version != version {
            self.paint_content(drawn, row);
            drawn.is_stale = false;
            drawn.version = version;
        } else if drawn.age != age_key(row.created_at(), self.now) {
            self.paint_ages(drawn, row);
        }
        if drawn.place != place.at {
            drawn.place = place.at;
            // The head is row 1.
            self.texts.set_number(&drawn.element, "aria-rowindex", place.at + 2);
        }
        if drawn.is_selected != place.is_selected {
            drawn.is_selected = place.is_selected;
            let word = if place.is_selected { "true" } else { "false" };
            self.texts.set_attribute(&drawn.element, "aria-selected", word);
            let tick = drawn.element.first_element_child().and_then(|cell| cell.first_element_child());
            if let Some(tick) = tick {
                self.texts.set_attribute(&tick, "aria-checked", word);
            }
        }
        if drawn.has_cursor != place.has_cursor {
            drawn.has_cursor = place.has_cursor;
            if place.has_cursor {
                drawn.element.set_id(CURSOR_ID);
            } else {
                _ = drawn.element.remove_attribute("id");
            }
        }
        drawn.is_new = false;
    }

    fn paint_content(&mut self, drawn: &mut DrawnRow, row: RowView<'_>) {
        let element = drawn.element.clone();
        let id = row.id().to_string();
        _ = element.set_attribute("data-id", &id);
        self.texts.set_attribute(&element, "data-region", row.region().as_str());
        let class = match (row.is_gone(), row.is_degraded()) {
            (true, _) => "row is-gone",
            (false, true) => "row is-degraded",
            (false, false) => "row",
        };
        if !drawn.is_new || class != "row" {
            element.set_class_name(class);
        }
        drawn.age = age_key(row.created_at(), self.now);
        let mut cell = element.first_element_child().and_then(|select| select.next_element_sibling());
        for at in 0..self.columns.len() {
            let Some(here) = cell else { return };
            self.paint_cell(self.columns[at], &here, drawn, row, &id);
            cell = here.next_element_sibling();
        }
    }

    fn paint_cell(
        &mut self,
        column: Column,
        cell: &Element,
        drawn: &mut DrawnRow,
        row: RowView<'_>,
        id: &str,
    ) {
        match column {
            Column::Status => self.paint_status(cell, drawn, row),
            Column::Name => self.paint_name(cell, row, id),
            Column::Tags => self.paint_tags(cell, drawn.is_new, row),
            Column::Addresses => self.paint_addresses(cell, drawn.is_new, row),
            Column::Region => self.texts.set_text(cell, row.region().as_str()),
            Column::Flavor => {
                let flavor = row.flavor();
                let mut parts = Parts::of(cell);
                parts.set(&mut self.texts, flavor.map_or(texts::UNKNOWN, |flavor| flavor.name.as_str()));
                let memory = flavor.map(|flavor| self.texts.memory(flavor.ram_mib));
                parts.set_js(memory.as_ref());
            }
            Column::Image => self.paint_image(cell, row),
            Column::Created => {
                let age = self.texts.age(row.created_at(), self.now);
                set_js(cell, &age);
            }
            Column::Updated => {
                let age = self.texts.age(row.updated_at(), self.now);
                set_js(cell, &age);
            }
            Column::Vcpus => self.paint_number(cell, row.flavor().map(|flavor| flavor.vcpus)),
            Column::Ram => {
                let text = row.flavor().map(|flavor| self.texts.memory(flavor.ram_mib));
                set_js(cell, &text.unwrap_or_else(|| JsString::from(texts::UNKNOWN)));
            }
            Column::Disk => {
                let text = row.flavor().map(|flavor| format!("{} GiB", flavor.disk_gib));
                self.texts.set_text(cell, text.as_deref().unwrap_or(texts::UNKNOWN));
            }
            Column::Zone => self.texts.set_text(cell, row.availability_zone().unwrap_or(texts::UNKNOWN)),
            Column::Id => cell.set_text_content(Some(id)),
        }
    }

    fn paint_status(&mut self, cell: &Element, drawn: &mut DrawnRow, row: RowView<'_>) {
        let kind = row.status_kind();
        let mut parts = Parts::of(cell);
        if let Some(mark) = parts.next()
            && kind != drawn.kind
        {
            drawn.kind = kind;
            self.texts.set_attribute(&mark, "class", state::class_of(kind));
        }
        let word = if row.is_gone() { texts::GONE.into() } else { state::status_word(row.status()) };
        parts.set(&mut self.texts, &word);
        let task = row.task().filter(|_| !row.is_gone());
        match task {
            Some(task) => parts.set(&mut self.texts, &state::task_word(task)),
            None if drawn.is_new => _ = parts.next(),
            None => parts.set(&mut self.texts, ""),
        }
        match (parts.next(), row.is_locked()) {
            (None, true) => {
                if let Ok(lock) = self.lock.clone_node_with_deep(true) {
                    _ = cell.append_child(&lock);
                }
            }
            (Some(lock), false) => lock.remove(),
            _ => {}
        }
    }

    fn paint_name(&mut self, cell: &Element, row: RowView<'_>, id: &str) {
        let Some(link) = cell.first_element_child() else { return };
        let href = format!("{}{}/{id}", self.link_start, row.region());
        _ = link.set_attribute("href", &href);
        let name = row.name();
        // A name of nothing but blanks would be a link nobody can see or press.
        if name.trim().is_empty() {
            link.set_text_content(Some(&texts::unnamed(id)));
        } else {
            link.set_text_content(Some(name));
        }
    }

    fn paint_tags(&mut self, cell: &Element, is_new: bool, row: RowView<'_>) {
        let tags = row.tags();
        if is_new && tags.len() == 0 {
            return;
        }
        let mut parts = Parts::of(cell);
        let left_out = tags.len().saturating_sub(TAGS_SHOWN);
        let mut tags = tags.take(TAGS_SHOWN);
        for _ in 0..TAGS_SHOWN {
            match tags.next() {
                Some(tag) => parts.set(&mut self.texts, tag),
                None if is_new => _ = parts.next(),
                None => parts.set(&mut self.texts, ""),
            }
        }
        if left_out > 0 || !is_new {
            let more = if left_out > 0 { texts::and_more(left_out) } else { String::new() };
            parts.set(&mut self.texts, &more);
        }
    }

    fn paint_addresses(&mut self, cell: &Element, is_new: bool, row: RowView<'_>) {
        let mut first = None;
        let mut second = None;
        let mut count = 0usize;
        for address in row.addresses() {
            count += 1;
            // The floating one is how the server is reached from outside: it comes first.
            if address.is_floating
                && first.is_none_or(|held: crate::features::servers::rows::AddressView<'_>| !held.is_floating)
            {
                second = first.or(second);
                first = Some(address);
            } else if first.is_none() {
                first = Some(address);
            } else if second.is_none() {
                second = Some(address);
            }
        }
        let second = second.filter(|_| self.addresses_shown > 1);
        let mut parts = Parts::of(cell);
        for address in [first, second] {
            match address {
                Some(address) => parts.set_text(&address.ip_text()),
                None if is_new => _ = parts.next(),
                None => parts.set_text(""),
            }
        }
        let left_out = count.saturating_sub(self.addresses_shown);
        if left_out > 0 || !is_new {
            let more = if left_out > 0 { texts::and_more(left_out) } else { String::new() };
            parts.set(&mut self.texts, &more);
        }
    }

    fn paint_image(&mut self, cell: &Element, row: RowView<'_>) {
        use crate::features::servers::rows::ImageKind;
        let text = match row.image_kind() {
            ImageKind::Volume => texts::VOLUME.into(),
            ImageKind::Named => std::borrow::Cow::Borrowed(row.image_name()),
            ImageKind::Unnamed => texts::unnamed_image(row.image_name()).into(),
        };
        self.texts.set_text(cell, &text);
    }

    fn paint_number(&mut self, cell: &Element, number: Option<u32>) {
        match number {
            Some(number) => self.texts.set_text(cell, &number.to_string()),
            None => self.texts.set_text(cell, texts::UNKNOWN),
        }
    }

    fn paint_ages(&mut self, drawn: &mut DrawnRow, row: RowView<'_>) {
        drawn.age = age_key(row.created_at(), self.now);
        let mut cell = drawn.element.first_element_child().and_then(|select| select.next_element_sibling());
        for at in 0..self.columns.len() {
            let Some(here) = cell else { return };
            match self.columns[at] {
                Column::Created => set_js(&here, &self.texts.age(row.created_at(), self.now)),
                Column::Updated => set_js(&here, &self.texts.age(row.updated_at(), self.now)),
                _ => {}
            }
            cell = here.next_element_sibling();
        }
    }
}

/// Every kind of status, for those who make something for each.
pub const KINDS: [StatusKind; 6] = [
    StatusKind::Running,
    StatusKind::Changing,
    StatusKind::Resting,
    StatusKind::Waiting,
    StatusKind::Failed,
    StatusKind::Unknown,
];

/// Tags that stand in a row; the others are counted.
const TAGS_SHOWN: usize = 2;

/// What most rows do not have is made for those that do.
fn lock_markup() -> String {
    format!("<span class=\"lock\" role=\"img\" aria-label=\"{}\">{}</span>", texts::LOCKED, Icon::Lock.svg())
}

fn row_markup(columns: &[Column]) -> String {
    let mut markup = format!(
        "<div role=\"row\" class=\"row\" aria-selected=\"false\"><div role=\"gridcell\" class=\"cell select\">\
         <span class=\"tick\" role=\"checkbox\" aria-checked=\"false\" aria-label=\"{}\"></span></div>",
        texts::SELECT
    );
    for column in columns {
        let inside = match column {
            Column::Status => format!(
                "<span class=\"{}\" aria-hidden=\"true\"></span><span class=\"word\"></span>\
                 <span class=\"task\"></span>",
                state::class_of(StatusKind::Running),
            ),
            Column::Name => "<a class=\"foreign\" tabindex=\"-1\"></a>".to_owned(),
            Column::Tags => format!(
                "{}<span class=\"more\"></span>",
                "<span class=\"tag foreign\"></span>".repeat(TAGS_SHOWN)
            ),
            Column::Addresses => "<span class=\"ip\"></span><span class=\"ip also\"></span>\
                                  <span class=\"more\"></span>"
                .to_owned(),
            Column::Flavor => "<span class=\"flavor foreign\"></span><span class=\"also\"></span>".to_owned(),
            _ => String::new(),
        };
        let class = match column {
            Column::Image => "cell foreign",
            Column::Vcpus | Column::Ram | Column::Disk => "cell number",
            Column::Id => "cell mono",
            _ => "cell",
        };
        let key = column.key();
        markup.push_str(&format!(
            "<div role=\"gridcell\" class=\"{class}\" data-column=\"{key}\">{inside}</div>"
        ));
    }
    markup.push_str("</div>");
    markup
}

fn from_markup(markup: &str) -> Option<Element> {
    let template: HtmlTemplateElement = document().create_element("template").ok()?.unchecked_into();
    template.set_inner_html(markup);
    let content: DocumentFragment = template.content();
    // A template's content belongs to a document of its own: what is cloned from it would be moved over, row by row.
    document().import_node_with_deep(content.first_element_child()?.as_ref(), true).ok()?.dyn_into().ok()
}

/// The children of a cell, one after the other.
struct Parts {
    next: Option<Element>,
}

impl Parts {
    fn of(cell: &Element) -> Self {
        Self { next: cell.first_element_child() }
    }

    fn next(&mut self) -> Option<Element> {
        let here = self.next.take()?;
        self.next = here.next_element_sibling();
        Some(here)
    }

    fn set(&mut self, texts: &mut TextCache, text: &str) {
        if let Some(part) = self.next() {
            texts.set_text(&part, text);
        }
    }

    /// For text that is hardly ever the same twice.
    fn set_text(&mut self, text: &str) {
        if let Some(part) = self.next() {
            part.set_text_content(Some(text));
        }
    }

    fn set_js(&mut self, text: Option<&JsString>) {
        if let Some(part) = self.next() {
            match text {
                Some(text) => set_js(&part, text),
                None => part.set_text_content(None),
            }
        }
    }
}

/// Texts that were handed to the browser before: handing one over again is a look-up, not a copy.
#[derive(Default)]
struct TextCache {
    texts: HashMap<Box<str>, JsString>,
    memories: HashMap<u32, JsString>,
    ages: HashMap<u32, JsString>,
}

/// A cloud with more distinct texts than this shares none worth keeping.
const TEXTS_KEPT: usize = 4_096;

impl TextCache {
    fn set_text(&mut self, element: &Element, text: &str) {
        set_js(element, &self.text(text));
    }

    fn set_attribute(&mut self, element: &Element, name: &'static str, value: &str) {
        let (name, value) = (self.text(name), self.text(value));
        element.unchecked_ref::<FastElement>().set_attribute(&name, &value);
    }

    fn set_number(&mut self, element: &Element, name: &'static str, value: usize) {
        let name = self.text(name);
        element.unchecked_ref::<FastElement>().set_number_attribute(&name, value as f64);
    }

    fn text(&mut self, text: &str) -> JsString {
        if let Some(held) = self.texts.get(text) {
            return held.clone();
        }
        let made = JsString::from(text);
        if self.texts.len() >= TEXTS_KEPT {
            self.texts.clear();
        }
        self.texts.insert(text.into(), made.clone());
        made
    }

    fn memory(&mut self, mib: u32) -> JsString {
        self.memories.entry(mib).or_insert_with(|| JsString::from(format::memory(mib))).clone()
    }

    fn age(&mut self, at: u32, now: i64) -> JsString {
        if at == 0 {
            return self.text(texts::UNKNOWN);
        }
        if self.ages.len() >= TEXTS_KEPT {
            self.ages.clear();
        }
        let made = || JsString::from(format::ago(i64::from(at), now));
        self.ages.entry(age_key(at, now)).or_insert_with(made).clone()
    }
}

/// Moments with the same key have the same age in words: the units are those of [`format::ago`].
fn age_key(at: u32, now: i64) -> u32 {
    const HOUR: u32 = 3_600;
    const DAY: u32 = 24 * HOUR;
    let age = now.saturating_sub(i64::from(at)).clamp(0, i64::from(u32::MAX)) as u32;
    let (unit, value) = match age {
        0..60 => (0, age),
        60..HOUR => (1, age / 60),
        HOUR..DAY => (2, age / HOUR),
        _ if age < 45 * DAY => (3, age / DAY),
        _ if age < 365 * DAY => (4, age / (30 * DAY)),
        _ => (5, age / (365 * DAY)),
    };
    unit * 1_000 + value
}

fn set_js(element: &Element, text: &JsString) {
    element.unchecked_ref::<FastElement>().set_text(text);
}

/// What `web_sys::Element` has too, but taking texts the browser holds already.
#[wasm_bindgen]
extern "C" {
    type FastElement;

    #[wasm_bindgen(method, setter, js_name = textContent)]
    fn set_text(this: &FastElement, text: &JsString);

    #[wasm_bindgen(method, js_name = setAttribute)]
    fn set_attribute(this: &FastElement, name: &JsString, value: &JsString);

    #[wasm_bindgen(method, js_name = setAttribute)]
    fn set_number_attribute(this: &FastElement, name: &JsString, value: f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_share_a_key_only_while_their_age_reads_the_same() {
        let now = 2_000_000_000;
        let mut last: Option<(u32, String)> = None;
        for age in (0..40_000).chain((40_000..100_000_000).step_by(997)) {
            let at = (now - age) as u32;
            let (key, words) = (age_key(at, now), format::ago(i64::from(at), now));
            if let Some((last_key, last_words)) = &last
                && *last_key == key
            {
                assert_eq!(*last_words, words, "{age} s");
            }
            last = Some((key, words));
        }
    }

    #[test]
    fn a_template_has_one_cell_for_the_tick_and_one_for_each_column() {
        let markup = row_markup(&Column::ALL);
        assert_eq!(markup.matches("role=\"gridcell\"").count(), 1 + Column::ALL.len());
        assert!(!markup.contains("style="));
    }
}
