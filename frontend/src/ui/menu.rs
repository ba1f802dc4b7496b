//! Menus: things to do, behind one button. Arrow keys move, Enter does, Escape leaves.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::{
    Align, El, Icon,
    dom::{focus, focused, query_all},
    element::{el, icon as icon_el},
    popover::{Opener, PopoverHandle, popover},
};

/// A button with a menu: the items are made anew each time it opens.
pub fn menu(opener: Opener, items: impl Fn() -> Vec<El> + 'static) -> El {
    popover(opener, move || {
        el("div")
            .class("menu")
            .attr("role", "presentation")
            .children(items())
            .on("keydown", |event| move_focus(event.unchecked_ref()))
    })
}

/// A quiet button of one icon with a menu, as the top bar has them.
pub fn icon_menu(
    icon: impl Fn() -> Icon + 'static,
    label: &'static str,
    align: Align,
    items: impl Fn() -> Vec<El> + 'static,
) -> El {
    let face = vec![el("span").class("icon-holder").live_children(move || vec![icon_el(icon())])];
    menu(Opener { align, ..Opener::with_face(label, face, "menu") }, items)
}

/// Something to do, in a menu.
pub fn menu_item(icon: Icon, text: &str, run: impl Fn() + 'static) -> El {
    let handle = use_context::<PopoverHandle>();
    item("button", "menuitem")
        .attr("type", "button")
        .on("click", move |_| {
            close(handle);
            run();
        })
        .child(icon_el(icon))
        .child(el("span").text(text))
}

/// Something that cannot be done now, and why. It can be reached, so that the reason can be heard.
pub fn menu_item_off(text: &str, reason: &str) -> El {
    item("button", "menuitem")
        .attr("type", "button")
        .attr("aria-disabled", "true")
        .attr("aria-description", reason)
        .attr("title", reason)
        .text(text)
}

/// One of several choices, of which one is taken.
pub fn menu_choice(icon: Icon, text: &str, is_chosen: bool, run: impl Fn() + 'static) -> El {
    let handle = use_context::<PopoverHandle>();
    item("button", "menuitemradio")
        .attr("type", "button")
        .attr("aria-checked", if is_chosen { "true" } else { "false" })
        .on("click", move |_| {
            close(handle);
            run();
        })
        .child(icon_el(icon))
        .child(el("span").text(text))
        .child(el("span").class("menu-tick").child_if(is_chosen.then(|| icon_el(Icon::Check))))
}

/// Somewhere to go. What leads out of the panel opens beside it.
pub fn menu_link(icon: Icon, text: &str, href: &str, is_external: bool) -> El {
    let handle = use_context::<PopoverHandle>();
    item("a", "menuitem")
        .attr("href", href)
        .attr_if("rel", is_external.then_some("external noopener"))
        .attr_if("target", is_external.then_some("_blank"))
        .on("click", move |_| close(handle))
        .child(icon_el(icon))
        .child(el("span").text(text))
}

/// Names the group of items that follows.
pub fn menu_heading() -> El {
    el("div").class("menu-heading").attr("role", "presentation")
}

pub fn menu_separator() -> El {
    el("div").class("menu-separator").attr("role", "separator")
}

fn item(tag: &str, role: &str) -> El {
    el(tag).class("menu-item").attr("role", role).attr("tabindex", "-1")
}

fn close(handle: Option<PopoverHandle>) {
    if let Some(handle) = handle {
        handle.close();
    }
}

/// What the arrow keys and letters do in a list of menu items.
pub fn move_focus(event: &KeyboardEvent) {
    let Some(list) = event.current_target().and_then(|list| list.dyn_into::<Element>().ok()) else { return };
    let items = query_all(&list, "[role^=menuitem]");
    let at = focused().and_then(|focused| items.iter().position(|item| *item == focused));
    let typed = event.key();
    let to = next_item(&typed, at, items.len()).or_else(|| {
        let is_letter = typed.chars().count() == 1 && typed != " " && !event.ctrl_key() && !event.meta_key();
        is_letter.then(|| next_by_letter(&typed, at, &items)).flatten()
    });
    if let Some(item) = to.and_then(|to| items.get(to)) {
        event.prevent_default();
        event.stop_propagation();
        focus(item);
    }
}

/// Where a key leads from item `at` of `count`; `None` for keys that do not move.
fn next_item(key: &str, at: Option<usize>, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match (key, at) {
        ("ArrowDown", Some(at)) if at < last => Some(at + 1),
        ("ArrowDown", _) | ("Home", _) => Some(0),
        ("ArrowUp", Some(at)) if at > 0 => Some(at - 1),
        ("ArrowUp", _) | ("End", _) => Some(last),
        _ => None,
    }
}

fn next_by_letter(letter: &str, at: Option<usize>, items: &[HtmlElement]) -> Option<usize> {
    let starts = |at: &usize| {
        let text = items[*at].text_content().unwrap_or_default();
        let text = text.trim_start();
        text.get(..letter.len()).is_some_and(|start| start.eq_ignore_ascii_case(letter))
    };
    let from = at.map_or(0, |at| at + 1);
    (from..items.len()).chain(0..from.min(items.len())).find(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_round_a_menu_and_home_and_end_to_its_ends() {
        assert_eq!(next_item("ArrowDown", None, 3), Some(0));
        assert_eq!(next_item("ArrowDown", Some(2), 3), Some(0));
        assert_eq!(next_item("ArrowUp", Some(0), 3), Some(2));
        assert_eq!(next_item("End", Some(0), 3), Some(2));
        assert_eq!(next_item("x", Some(0), 3), None);
        assert_eq!(next_item("ArrowDown", None, 0), None);
    }
}
