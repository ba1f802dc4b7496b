//! One row of the table as elements: cloned from a template, filled with text. Nothing from the cloud ever becomes
//! markup: it goes through text nodes and attribute values only.

use api_types::{ProjectId, servers::StatusKind};
use js_sys::JsString;
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{DocumentFragment, Element, HtmlTemplateElement};

use super::row_texts::{OwnTexts, RowTexts, age_key, fill, set_attribute, set_number, set_text};
use crate::{
    features::servers::{
        rows::{Column, FlavorInfo, ImageKind, RowIndex, RowView},
        state, texts,
    },
    ui::{Icon, format},
};

/// The id of the row the keyboard is on, for `aria-activedescendant`.
pub const CURSOR_ID: &str = "server-cursor";

/// Makes rows for one set of columns.
pub struct RowPainter {
    template: Element,
    parts: Parts,
    names: Names,
    columns: Vec<Column>,
    addresses_shown: usize,
    /// What a server's link begins with.
    link_start: String,
    texts: RowTexts,
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
    /// Keys of how long ago it was created and updated.
    ages: (u32, u32),
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

    /// The keyboard went elsewhere.
    pub fn lose_cursor(&mut self) {
        if std::mem::take(&mut self.has_cursor) {
            _ = self.element.remove_attribute("id");
        }
    }

    /// Shows a row of the list no more.
    pub fn let_go(&mut self) {
        self.row = RowIndex::MAX;
        self.is_stale = true;
    }
}

impl RowPainter {
    /// `None` where the document refuses to make elements at all.
    pub fn new(
        columns: &[Column],
        addresses_shown: usize,
        has_button: bool,
        project: &ProjectId,
    ) -> Option<Self> {
        Some(Self {
            template: from_markup(&row_markup(columns, has_button))?,
            parts: Parts::new()?,
            names: Names::default(),
            columns: columns.to_vec(),
            addresses_shown,
            link_start: format!("/projects/{project}/servers/"),
            texts: RowTexts::default(),
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
            ages: (u32::MAX, u32::MAX),
        })
    }

    /// True where painting will need what the row alone says.
    pub fn needs_content(drawn: &DrawnRow, version: u32) -> bool {
        drawn.is_stale || drawn.version != version
    }

    /// Brings a row up to date: its content where `version` says it changed, its place where that did.
    pub fn paint(&mut self, drawn: &mut DrawnRow, row: RowView<'_>, version: u32, place: Place) {
        if Self::needs_content(drawn, version) {
            self.paint_content(drawn, row);
            drawn.is_stale = false;
            drawn.version = version;
        } else if drawn.ages != self.ages(row) {
            self.paint_ages(drawn, row);
        }
        if drawn.place != place.at {
            drawn.place = place.at;
            // The head is row 1.
            set_number(&drawn.element, &self.names.row_index, place.at + 2);
        }
        if drawn.is_selected != place.is_selected {
            drawn.is_selected = place.is_selected;
            let word = if place.is_selected { "true" } else { "false" };
            _ = drawn.element.set_attribute("aria-selected", word);
            let tick = drawn.element.first_element_child().and_then(|cell| cell.first_element_child());
            if let Some(tick) = tick {
                _ = tick.set_attribute("aria-checked", word);
            }
        }
        if !place.has_cursor {
            drawn.lose_cursor();
        } else if !drawn.has_cursor {
            drawn.has_cursor = true;
            drawn.element.set_id(CURSOR_ID);
        }
        drawn.is_new = false;
    }

    /// Hands over what these rows alone say, all at once. They are to be painted next, in this order.
    pub fn read_ahead<'r>(&mut self, rows: impl Iterator<Item = RowView<'r>>) {
        self.texts.read_ahead(rows, self.addresses_shown);
    }

    fn paint_content(&mut self, drawn: &mut DrawnRow, row: RowView<'_>) {
        let element = drawn.element.clone();
        let own = self.texts.own(row, self.addresses_shown);
        let region = self.texts.shared(row.region().as_str());
        set_attribute(&element, &self.names.id, &own.id);
        set_attribute(&element, &self.names.region, &region);
        let class = match (row.is_gone(), row.is_degraded()) {
            (true, _) => "row is-gone",
            (false, true) => "row is-degraded",
            (false, false) => "row",
        };
        if !drawn.is_new || class != "row" {
            element.set_class_name(class);
        }
        drawn.ages = self.ages(row);
        let mut cell = element.first_element_child().and_then(|select| select.next_element_sibling());
        for at in 0..self.columns.len() {
            let Some(here) = cell else { return };
            let column = self.columns[at];
            self.paint_cell(
                column,
                Cell { element: &here, is_new: drawn.is_new },
                &mut drawn.kind,
                row,
                &own,
            );
            cell = here.next_element_sibling();
        }
    }

    fn paint_cell(
        &mut self,
        column: Column,
        cell: Cell<'_>,
        kind: &mut StatusKind,
        row: RowView<'_>,
        own: &OwnTexts,
    ) {
        let texts = &mut self.texts;
        match column {
            Column::Status => self.paint_status(cell, kind, row),
            Column::Name => self.paint_name(cell, row, own),
            Column::Tags => self.paint_tags(cell, row),
            Column::Addresses => self.paint_addresses(cell, own),
            Column::Region => cell.set(&texts.shared(row.region().as_str())),
            Column::Flavor => {
                let flavor = row.flavor();
                cell.set(&texts.shared(flavor.map_or(texts::UNKNOWN, |flavor| flavor.name.as_str())));
                if let Some(flavor) = flavor {
                    let memory = texts.memory(flavor.ram_mib);
                    self.parts.append(cell, &self.parts.also, &memory);
                }
            }
            Column::Image => match row.image_kind() {
                ImageKind::Volume => cell.set(&texts.shared(texts::VOLUME)),
                ImageKind::Named => cell.set(&texts.shared(row.image_name())),
                ImageKind::Unnamed => cell.set(&texts.shared(&texts::unnamed_image(row.image_name()))),
            },
            Column::Created => cell.set(&texts.age(row.created_at(), self.now)),
            Column::Updated => cell.set(&texts.age(row.updated_at(), self.now)),
            Column::Vcpus => self.paint_number(cell, row, |flavor| flavor.vcpus.to_string()),
            Column::Ram => self.paint_number(cell, row, |flavor| format::memory(flavor.ram_mib.into())),
            Column::Disk => self.paint_number(cell, row, |flavor| format!("{} GiB", flavor.disk_gib)),
            Column::Zone => cell.set(&texts.shared(row.availability_zone().unwrap_or(texts::UNKNOWN))),
            Column::Id => cell.set(&own.id),
        }
    }

    fn paint_status(&mut self, cell: Cell<'_>, shown: &mut StatusKind, row: RowView<'_>) {
        let kind = row.status_kind();
        if kind != *shown {
            *shown = kind;
            cell.element.set_class_name(&format!("cell {}", state::class_of(kind)));
        }
        let word = if row.is_gone() { texts::GONE.into() } else { state::status_word(row.status()) };
        cell.set(&self.texts.shared(&word));
        if row.is_locked()
            && let Ok(lock) = self.parts.lock.clone_node_with_deep(true)
        {
            _ = cell.element.append_child(&lock);
        }
        // Last: it stands on a line of its own, below the word and the lock.
        if let Some(task) = row.task().filter(|_| !row.is_gone()) {
            let task = self.texts.shared(&state::task_word(task));
            self.parts.append(cell, &self.parts.task, &task);
        }
    }

    fn paint_name(&mut self, cell: Cell<'_>, row: RowView<'_>, own: &OwnTexts) {
        let Some(link) = cell.element.first_element_child() else { return };
        let start = self.texts.shared(&format!("{}{}/", self.link_start, row.region()));
        set_attribute(&link, &self.names.href, &start.concat(&own.id));
        Cell { element: &link, ..cell }.set(&own.name);
    }

    fn paint_tags(&mut self, cell: Cell<'_>, row: RowView<'_>) {
        let tags = row.tags();
        if cell.is_new && tags.len() == 0 {
            return;
        }
        let left_out = tags.len().saturating_sub(TAGS_SHOWN);
        if !cell.is_new {
            cell.element.set_text_content(None);
        }
        for tag in tags.take(TAGS_SHOWN) {
            let tag = self.texts.shared(tag);
            self.parts.append(cell, &self.parts.tag, &tag);
        }
        self.paint_more(cell, left_out);
    }

    fn paint_addresses(&mut self, cell: Cell<'_>, own: &OwnTexts) {
        let [first, second] = &own.addresses;
        match first {
            Some(first) => cell.set(first),
            None => cell.set(&self.texts.shared("")),
        }
        if let Some(second) = second {
            self.parts.append(cell, &self.parts.also, second);
        }
        self.paint_more(cell, own.address_count.saturating_sub(self.addresses_shown));
    }

    /// Says how many there are beside those shown.
    fn paint_more(&mut self, cell: Cell<'_>, left_out: usize) {
        if left_out > 0 {
            let more = self.texts.shared(&texts::and_more(left_out));
            self.parts.append(cell, &self.parts.more, &more);
        }
    }

    fn paint_number(&mut self, cell: Cell<'_>, row: RowView<'_>, number: fn(&FlavorInfo) -> String) {
        let text = row.flavor().map(number);
        cell.set(&self.texts.shared(text.as_deref().unwrap_or(texts::UNKNOWN)));
    }

    fn ages(&self, row: RowView<'_>) -> (u32, u32) {
        (age_key(row.created_at(), self.now), age_key(row.updated_at(), self.now))
    }

    fn paint_ages(&mut self, drawn: &mut DrawnRow, row: RowView<'_>) {
        drawn.ages = self.ages(row);
        let mut cell = drawn.element.first_element_child().and_then(|select| select.next_element_sibling());
        for at in 0..self.columns.len() {
            let Some(here) = cell else { return };
            match self.columns[at] {
                Column::Created => set_text(&here, &self.texts.age(row.created_at(), self.now)),
                Column::Updated => set_text(&here, &self.texts.age(row.updated_at(), self.now)),
                _ => {}
            }
            cell = here.next_element_sibling();
        }
    }
}

/// A cell to be painted.
#[derive(Clone, Copy)]
struct Cell<'e> {
    element: &'e Element,
    /// As the template has it: nothing but a blank.
    is_new: bool,
}

impl Cell<'_> {
    /// Makes this text its whole content.
    fn set(self, text: &JsString) {
        if self.is_new {
            fill(self.element, text);
        } else {
            set_text(self.element, text);
        }
    }
}

/// What only some rows have: copied for those that do.
struct Parts {
    tag: Element,
    task: Element,
    also: Element,
    more: Element,
    lock: Element,
}

impl Parts {
    fn new() -> Option<Self> {
        let span = |class: &str| from_markup(&format!("<span class=\"{class}\"> </span>"));
        let lock = format!(
            "<span class=\"lock\" role=\"img\" aria-label=\"{}\">{}</span>",
            texts::LOCKED,
            Icon::Lock.svg()
        );
        Some(Self {
            tag: span("tag foreign")?,
            task: span("task")?,
            also: span("also")?,
            more: span("more")?,
            lock: from_markup(&lock)?,
        })
    }

    fn append(&self, cell: Cell<'_>, part: &Element, text: &JsString) {
        let Ok(copy) = part.clone_node_with_deep(true) else { return };
        fill(copy.unchecked_ref(), text);
        _ = cell.element.append_child(&copy);
    }
}

/// Names of attributes, handed over once.
struct Names {
    id: JsString,
    region: JsString,
    href: JsString,
    row_index: JsString,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            id: "data-id".into(),
            region: "data-region".into(),
            href: "href".into(),
            row_index: "aria-rowindex".into(),
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

/// The cell at a row's end with the button of all that can be done to its server.
pub fn more_markup() -> String {
    format!(
        "<div role=\"gridcell\" class=\"cell row-more\"><button type=\"button\" tabindex=\"-1\" aria-haspopup=\"menu\" \
         aria-label=\"{0}\" title=\"{0}\"></button></div>",
        texts::ACTIONS
    )
}

fn row_markup(columns: &[Column], has_button: bool) -> String {
    let mut markup = format!(
        "<div role=\"row\" class=\"row\" aria-selected=\"false\"><div role=\"gridcell\" class=\"cell select\">\
         <span class=\"tick\" role=\"checkbox\" aria-checked=\"false\" aria-label=\"{}\"></span></div>",
        texts::SELECT
    );
    for column in columns {
        // A blank where text will be: to set it is quicker than to put a new one in.
        let inside = match column {
            Column::Name => "<a class=\"foreign\" tabindex=\"-1\"> </a>",
            Column::Tags => "",
            _ => " ",
        };
        let class = match column {
            Column::Status => format!("cell {}", state::class_of(StatusKind::Running)),
            Column::Image | Column::Flavor => "cell foreign".to_owned(),
            Column::Vcpus | Column::Ram | Column::Disk => "cell number".to_owned(),
            Column::Id => "cell mono".to_owned(),
            _ => "cell".to_owned(),
        };
        let key = column.key();
        markup.push_str(&format!(
            "<div role=\"gridcell\" class=\"{class}\" data-column=\"{key}\">{inside}</div>"
        ));
    }
    if has_button {
        markup.push_str(&more_markup());
    }
    markup.push_str("</div>");
    markup
}

pub fn from_markup(markup: &str) -> Option<Element> {
    let template: HtmlTemplateElement = document().create_element("template").ok()?.unchecked_into();
    template.set_inner_html(markup);
    let content: DocumentFragment = template.content();
    // A template's content belongs to a document of its own: what is cloned from it would be moved over, row by row.
    document().import_node_with_deep(content.first_element_child()?.as_ref(), true).ok()?.dyn_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_one_cell_for_the_tick_and_one_for_each_column() {
        let markup = row_markup(&Column::ALL, false);
        assert_eq!(markup.matches("role=\"gridcell\"").count(), 1 + Column::ALL.len());
        let with_button = row_markup(&Column::ALL, true);
        assert_eq!(with_button.matches("role=\"gridcell\"").count(), 2 + Column::ALL.len());
        assert!(!markup.contains("style="));
    }
}
