//! The facets beside the list: the values of each over the whole set, and how many servers each would give.
//!
//! Their elements are kept and changed by hand: counts change with every letter typed and with every frame of a list
//! that loads, and none of it may move what somebody is about to press.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, FocusEvent, HtmlElement, HtmlInputElement};

use crate::{
    features::servers::{
        list_state::ListState,
        rows::{Facet, FacetCount, FacetSelection},
        state::status_word,
        store::{ServersStore, use_servers_store},
        texts,
    },
    ui::{El, derived, effect::live, el, format},
};

/// Values shown before "N more" is pressed, and after.
const VALUES_SHOWN: usize = 5;
const VALUES_SHOWN_AT_MOST: usize = 200;

pub fn facet_panel(state: ListState) -> El {
    let store = use_servers_store();
    let groups: Vec<Group> = Facet::ALL.into_iter().map(Group::new).collect();
    let has_values = derived(move || store.track_beside(|servers| servers.is_caught_up) == Some(true));
    let clear = el("button")
        .attr("type", "button")
        .class("facet-clear")
        .text(texts::CLEAR_FILTERS)
        .live_attr("hidden", move || state.facets().with(FacetSelection::is_empty).then(String::new))
        .on("click", move |_| state.clear_facets());
    let is_counting = derived(move || store.track(|servers| servers.view.is_counting()) == Some(true));
    let panel = el("div")
        .class("facets")
        .child(clear)
        // Until the values are known there is one grey place for all of them, so that none is pushed down later.
        .child(skeleton().live_attr("hidden", move || has_values.get().then(String::new)))
        .children(groups.iter().map(|group| group.root.clone()).collect());
    let root = panel.html().clone();
    let counted = root.clone();
    live(Box::new(move || {
        // The rows are those of the answer already; the counts follow them, and until then are those of before.
        if is_counting.get() {
            _ = counted.set_attribute("aria-busy", "true");
        }
    }));
    let opened = RwSignal::new(0u32);
    let groups = send_wrapper::SendWrapper::new(std::rc::Rc::new(groups));
    let shown = groups.clone();
    live(Box::new(move || {
        opened.track();
        state.facets().with(|_| ());
        if has_values.get() {
            store.track_beside(|_| ());
            // Under the pointer and the focus the values keep their places: what one is about to press must not
            // move, and what moves in the document loses the focus.
            let is_held = root.matches(":hover, :focus-within").unwrap_or(false);
            for group in shown.iter() {
                group.update(state, store, is_held);
            }
            if store.with(|servers| servers.view.is_counting()) == Some(false) {
                _ = root.remove_attribute("aria-busy");
            }
        }
    }));
    let panel = panel.on("change", move |event| choose(state, &event)).on("focusout", move |event| {
        let to = event.unchecked_ref::<FocusEvent>().related_target();
        let to = to.and_then(|to| to.dyn_into::<Element>().ok());
        if to.is_none_or(|to| to.closest(".facets").ok().flatten().is_none()) {
            // Nobody is about to press one: they may stand in their order again.
            opened.update(|opened| *opened += 1);
        }
    });
    panel.on("click", move |event| {
        let more = target(&event).and_then(|target| target.closest(".facet-more").ok().flatten());
        if let Some(more) = more {
            let open = |group: &&Group| group.more.element() == &more;
            if let Some(group) = groups.iter().find(open) {
                let is_open = !group.is_open.get();
                group.is_open.set(is_open);
                _ = more.set_attribute("aria-expanded", if is_open { "true" } else { "false" });
                opened.update(|opened| *opened += 1);
            }
        }
    })
}

/// One facet.
struct Group {
    facet: Facet,
    root: El,
    more: El,
    is_open: Cell<bool>,
    /// As it was drawn last.
    was_open: Cell<bool>,
    lines: RefCell<Vec<Line>>,
}

/// One value and what its line shows.
struct Line {
    value: String,
    root: HtmlElement,
    input: HtmlInputElement,
    count: HtmlElement,
    counted: Option<u32>,
}

impl Group {
    fn new(facet: Facet) -> Self {
        let more = el("button")
            .attr("type", "button")
            .class("button quiet facet-more")
            .attr("aria-expanded", "false");
        let root = el("div")
            .class("facet")
            .attr("role", "group")
            .attr("aria-label", texts::facet(facet))
            .attr("data-facet", facet.key())
            .attr("hidden", "")
            .child(el("h3").text(texts::facet(facet)))
            .child(more.clone());
        Self {
            facet,
            root,
            more,
            is_open: Cell::new(false),
            was_open: Cell::new(false),
            lines: RefCell::new(Vec::new()),
        }
    }

    fn update(&self, state: ListState, store: ServersStore, is_held: bool) {
        _ = store.with(|servers| {
            let values = servers.view.facets().values(self.facet);
            let is_open = self.is_open.get();
            // More or fewer lines were asked for: those come and go.
            let is_held = self.was_open.replace(is_open) == is_open && is_held;
            let limit = if is_open { VALUES_SHOWN_AT_MOST } else { VALUES_SHOWN };
            let chosen = values.iter().take_while(|value| value.is_selected).count();
            let shown = &values[..values.len().min(limit.max(chosen))];
            self.arrange(shown, is_held);
            self.count(values, state);
            let beyond = servers.view.facets().beyond(self.facet);
            self.offer_more(beyond + without_line(values, shown.len(), &self.lines.borrow()));
            set_hidden(self.root.html(), values.is_empty());
        });
    }

    /// Makes the lines those of `shown`, reusing what is there. While held, lines neither move nor go.
    fn arrange(&self, shown: &[FacetCount], is_held: bool) {
        let mut lines = self.lines.borrow_mut();
        let is_as_shown = lines.len() == shown.len()
            && lines.iter().zip(shown).all(|(line, value)| line.value == value.value);
        if is_as_shown {
            return;
        }
        lines.retain(|line| {
            let stays = is_held || shown.iter().any(|value| value.value == line.value);
            if !stays {
                line.root.remove();
            }
            stays
        });
        for (at, value) in shown.iter().enumerate() {
            let held = lines.iter().position(|line| line.value == value.value);
            let line = match held {
                Some(_) if is_held => continue,
                Some(held) if held == at => continue,
                Some(held) => lines.remove(held),
                None => Line::new(self.facet, &value.value),
            };
            let at = if is_held { lines.len() } else { at };
            let before = lines.get(at).map_or(self.more.html(), |line| &line.root);
            _ = self.root.element().insert_before(&line.root, Some(before));
            lines.insert(at, line);
        }
    }

    fn count(&self, values: &[FacetCount], state: ListState) {
        state.facets().with_untracked(|chosen| {
            for line in self.lines.borrow_mut().iter_mut() {
                let count =
                    values.iter().find(|value| value.value == line.value).map_or(0, |value| value.count);
                line.show(count, chosen.contains(self.facet, &line.value));
            }
        });
    }

    fn offer_more(&self, left_out: usize) {
        let words = match (self.is_open.get(), left_out) {
            (false, left_out) => texts::more_values(left_out),
            (true, 0) => texts::FEWER.to_owned(),
            (true, left_out) => texts::fewer_of(left_out),
        };
        set_hidden(self.more.html(), left_out == 0 && !self.is_open.get());
        if self.more.element().text_content().as_deref() != Some(&words) {
            self.more.element().set_text_content(Some(&words));
        }
    }
}

impl Line {
    fn new(facet: Facet, value: &str) -> Self {
        let name = value_name(facet, value);
        let input = el("input").attr("type", "checkbox");
        let count = el("span").class("facet-count numbers");
        let root = el("label")
            .class("facet-value")
            .attr("data-value", value)
            .child(input.clone())
            .child(el("span").class("facet-name foreign").attr("title", &name).text(&name))
            .child(count.clone());
        Self {
            value: value.to_owned(),
            root: root.html().clone(),
            input: input.element().clone().unchecked_into(),
            count: count.html().clone(),
            counted: None,
        }
    }

    fn show(&mut self, count: u32, is_chosen: bool) {
        if self.counted != Some(count) {
            self.counted = Some(count);
            self.count.set_text_content(Some(&format::number(u64::from(count))));
            _ = self.count.set_attribute("data-count", &count.to_string());
            _ = self.root.class_list().toggle_with_force("none", count == 0);
        }
        if self.input.checked() != is_chosen {
            self.input.set_checked(is_chosen);
        }
    }
}

/// How many of the values have no line, given that the first `shown` have one.
fn without_line(values: &[FacetCount], shown: usize, lines: &[Line]) -> usize {
    let others = &values[shown..];
    if lines.len() == shown {
        return others.len();
    }
    others.iter().filter(|value| lines.iter().all(|line| line.value != value.value)).count()
}

fn choose(state: ListState, event: &Event) {
    let Some(input) = target(event).and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
        return;
    };
    let attribute = |selector: &str, name: &str| input.closest(selector).ok()??.get_attribute(name);
    let facet = attribute("[data-facet]", "data-facet").as_deref().and_then(Facet::from_key);
    if let (Some(facet), Some(value)) = (facet, attribute("[data-value]", "data-value")) {
        state.choose(facet, &value, input.checked());
    }
}

fn skeleton() -> El {
    let line = || el("span").class("skeleton");
    let group = || el("div").class("facet").children((0..4).map(|_| line()).collect());
    el("div").class("facet-skeleton").attr("aria-hidden", "true").children((0..4).map(|_| group()).collect())
}

/// What a value is called.
pub fn value_name(facet: Facet, value: &str) -> String {
    match (facet, value) {
        (Facet::Image, "") => texts::VOLUME.to_owned(),
        (Facet::Tag, "") => texts::NO_TAG.to_owned(),
        (Facet::Zone, "") => texts::NO_ZONE.to_owned(),
        (_, "") => texts::NOT_SAID.to_owned(),
        (Facet::Ram, mib) => mib.parse().map_or_else(|_| mib.to_owned(), format::memory),
        (Facet::Status, status) => status_word(status).into_owned(),
        _ => value.to_owned(),
    }
}

fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

fn set_hidden(element: &HtmlElement, is_hidden: bool) {
    if element.hidden() != is_hidden {
        element.set_hidden(is_hidden);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_names_people_know_and_absence_has_one_too() {
        assert_eq!(value_name(Facet::Ram, "8192"), "8 GiB");
        assert_eq!(value_name(Facet::Ram, "much"), "much");
        assert_eq!(value_name(Facet::Image, ""), "Volume");
        assert_eq!(value_name(Facet::Tag, ""), "No tag");
        assert_eq!(value_name(Facet::Status, "ACTIVE"), "Active");
        assert_eq!(value_name(Facet::Region, "RegionOne"), "RegionOne");
    }
}
