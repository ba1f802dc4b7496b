//! One of several things of the cloud, in a table: what cannot be chosen says why.

use leptos::prelude::*;

use crate::{
    asked::Asked,
    ui::{
        El, Held,
        choice::{radio, text_input},
        derived,
        dom::unique_id,
        el,
    },
};

/// A line of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is sent when it is chosen.
    pub value: String,
    pub cells: Vec<String>,
    /// Why it cannot be chosen.
    pub off: Option<String>,
}

/// What was chosen, and what to say where nothing was.
#[derive(Clone, Copy)]
pub struct Chosen {
    value: RwSignal<String>,
    error: Held<Option<String>>,
}

impl Chosen {
    pub fn new() -> Self {
        Self { value: RwSignal::new(String::new()), error: Held::new(None) }
    }

    /// What was chosen; `missing` is said where nothing was.
    pub fn read(self, missing: &str) -> Option<String> {
        let value = self.value.get_untracked();
        self.error.set(value.is_empty().then(|| missing.to_owned()));
        (!value.is_empty()).then_some(value)
    }

    pub fn clear(self) {
        self.value.set(String::new());
    }
}

/// The table, once its lines are there. `heads` names their cells.
pub fn choices<T: 'static>(
    label: &'static str,
    heads: &'static [&'static str],
    asked: Asked<T>,
    lines: impl Fn(&T) -> Vec<Choice> + 'static,
    nothing: &'static str,
    chosen: Chosen,
) -> El {
    let error = chosen.error;
    let note = el("p")
        .class("field-note error")
        .live_attr("hidden", move || error.with(Option::is_none).then(String::new))
        .live_text(move || error.get().unwrap_or_default());
    let table = asked.drawn(move |answer| drawn(label, heads, lines(answer), nothing, chosen));
    el("div").class("field choices").child(table).child(note)
}

/// More lines than these can be searched.
const A_FEW: usize = 8;

fn drawn(
    label: &'static str,
    heads: &'static [&'static str],
    lines: Vec<Choice>,
    nothing: &'static str,
    chosen: Chosen,
) -> El {
    if lines.is_empty() {
        return el("p").class("nothing").text(nothing);
    }
    // One that is the only one need not be pressed.
    let mut able = lines.iter().filter(|line| line.off.is_none());
    if let (Some(only), None) = (able.next(), able.next())
        && lines.len() == 1
    {
        chosen.value.set(only.value.clone());
    }
    let group = unique_id("choice");
    let sought = RwSignal::new(String::new());
    let search = (lines.len() > A_FEW).then(|| {
        let input = el("input").attr("type", "search").attr("aria-label", SEARCH).attr("placeholder", SEARCH);
        text_input(input, move || sought.get(), move |text| sought.set(text))
    });
    let found = derived(move || {
        let sought = sought.get().to_ascii_lowercase();
        let is_found =
            |line: &&Choice| line.cells.iter().any(|cell| cell.to_ascii_lowercase().contains(&sought));
        lines.iter().filter(is_found).cloned().collect::<Vec<_>>()
    });
    let head = |head: &&str| el("th").attr("scope", "col").text(head);
    let heads = el("tr")
        .child(el("th").child(el("span").class("unseen").text(CHOICE)))
        .children(heads.iter().map(head).collect());
    let body = el("tbody").live_children(move || {
        found.with(|found| found.iter().map(|choice| line(choice, &group, chosen)).collect())
    });
    let table = el("table").class("table").child(el("thead").child(heads)).child(body);
    let scroller =
        el("div").class("choices-box").attr("role", "radiogroup").attr("aria-label", label).child(table);
    el("div").class("choices-whole").child_if(search).child(scroller)
}

fn line(choice: &Choice, group: &str, chosen: Chosen) -> El {
    let (value, own) = (choice.value.clone(), choice.value.clone());
    let id = unique_id("line");
    let pressed = choice.off.is_none().then(|| choice.value.clone());
    let input = radio(
        group,
        move || chosen.value.with(|chosen| *chosen == value),
        move || {
            chosen.value.set(own.clone());
            chosen.error.set(None);
        },
    )
    .attr("value", &choice.value)
    .attr("aria-labelledby", &id)
    .attr_if("disabled", choice.off.as_ref().map(|_| ""));
    let mut cells = choice.cells.iter();
    let first = cells.next().map(String::as_str).unwrap_or_default();
    let off = choice.off.as_deref().map(|off| el("span").class("field-note").text(off));
    let name = el("th")
        .attr("scope", "row")
        .attr("id", &id)
        .child(el("span").class("foreign").text(first))
        .child_if(off);
    let row = el("tr").attr("data-value", &choice.value).live_class("off", {
        let is_off = choice.off.is_some();
        move || is_off
    });
    row.child(el("td").child(input))
        .child(name)
        .children(cells.map(|cell| el("td").class("foreign").text(cell)).collect())
        .on("click", move |_| {
            if let Some(value) = &pressed {
                chosen.value.set(value.clone());
                chosen.error.set(None);
            }
        })
}

const SEARCH: &str = "Search";
const CHOICE: &str = "Choice";
