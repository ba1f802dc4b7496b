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
    /// Also the only one there is has to be pressed: what is chosen takes the place of something.
    is_by_hand: bool,
}

impl Chosen {
    pub fn new() -> Self {
        Self { value: RwSignal::new(String::new()), error: Held::new(None), is_by_hand: false }
    }

    /// Nothing is chosen before somebody presses it.
    pub fn by_hand() -> Self {
        Self { is_by_hand: true, ..Self::new() }
    }

    /// What was chosen; `missing` is said where nothing was.
    pub fn read(self, missing: &str) -> Option<String> {
        let value = self.value.get_untracked();
        self.error.set(value.is_empty().then(|| missing.to_owned()));
        (!value.is_empty()).then_some(value)
    }

    /// The lines are there, perhaps anew: what was chosen stays where it still can be.
    fn keep_to(self, lines: &[Choice]) {
        let kept = self.value.with_untracked(|chosen| kept(chosen, lines, self.is_by_hand));
        if self.value.with_untracked(|chosen| *chosen != kept) {
            self.value.set(kept);
        }
    }
}

/// What is chosen of these lines. One that is the only one need not be pressed.
fn kept(chosen: &str, lines: &[Choice], is_by_hand: bool) -> String {
    let is_able = |line: &&Choice| line.off.is_none();
    let still = lines.iter().filter(is_able).find(|line| line.value == chosen);
    let only = match lines {
        [only] if chosen.is_empty() && !is_by_hand => Some(only).filter(is_able),
        _ => None,
    };
    still.or(only).map(|line| line.value.clone()).unwrap_or_default()
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
    chosen.keep_to(&lines);
    if lines.is_empty() {
        return el("p").class("nothing").text(nothing);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: &str, is_off: bool) -> Choice {
        let off = is_off.then(|| "in use".to_owned());
        Choice { value: value.to_owned(), cells: vec![value.to_owned()], off }
    }

    #[test]
    fn the_only_one_is_chosen_unless_it_has_to_be_meant() {
        assert_eq!(kept("", &[line("a", false)], false), "a");
        assert_eq!(kept("", &[line("a", false)], true), "");
        assert_eq!(kept("", &[line("a", true)], false), "");
        assert_eq!(kept("", &[line("a", false), line("b", true)], false), "");
    }

    #[test]
    fn a_choice_outlives_new_lines_while_it_can_be_made() {
        assert_eq!(kept("b", &[line("a", false), line("b", false)], false), "b");
        assert_eq!(kept("b", &[line("a", false), line("b", true)], false), "");
        assert_eq!(kept("b", &[line("a", false)], false), "", "another is not what was meant");
    }
}
