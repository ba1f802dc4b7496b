//! Menus: things to do, behind one button. Arrow keys move, Enter does, Escape leaves.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::{
    Align, Icon, Popover,
    dom::{focus, focused, query_all},
    element::{el, icon as icon_el},
    popover::{PopoverHandle, menu_item},
};

/// A button with a menu of [`MenuItem`]s, [`MenuLink`]s and [`MenuChoice`]s.
#[component]
pub fn Menu(
    #[prop(into)] label: Signal<String>,
    #[prop(into, optional)] icon: Option<Icon>,
    #[prop(optional)] icon_only: bool,
    #[prop(default = "button")] button_class: &'static str,
    #[prop(into, optional)] face: Option<ViewFn>,
    #[prop(optional)] align: Align,
    children: ChildrenFn,
) -> impl IntoView {
    let face = face.unwrap_or_else(|| {
        ViewFn::from(move || {
            let text = (!icon_only).then(|| el("span").live_text(move || label.get()));
            vec![icon.map(icon_el), text]
        })
    });
    let children = StoredValue::new(children);
    let content = move || {
        el("div")
            .class("menu")
            .attr("role", "presentation")
            .view(children.with_value(|children| children()))
            .on("keydown", |event| move_focus(event.unchecked_ref()))
    };
    view! {
        <Popover label icon_only button_class align role="menu" face>
            {content()}
        </Popover>
    }
}

/// Something to do.
#[component]
pub fn MenuItem(
    #[prop(into, optional)] icon: Option<Icon>,
    #[prop(into, optional)] disabled_reason: MaybeProp<String>,
    #[prop(into)] on_select: Callback<()>,
    children: Children,
) -> impl IntoView {
    let handle = use_context::<PopoverHandle>();
    let select = move |_| {
        if disabled_reason.get_untracked().is_none() {
            close(handle);
            on_select.run(());
        }
    };
    menu_item("button", "menuitem")
        .attr("type", "button")
        .live_attr("aria-disabled", move || disabled_reason.get().map(|_| "true".to_owned()))
        .live_attr("aria-description", move || disabled_reason.get())
        .live_attr("title", move || disabled_reason.get())
        .on("click", select)
        .child_if(icon.map(icon_el))
        .child(el("span").view(children()))
}

/// One of several choices, of which one is taken.
#[component]
pub fn MenuChoice(
    #[prop(into, optional)] icon: Option<Icon>,
    #[prop(into)] chosen: Signal<bool>,
    #[prop(into)] on_select: Callback<()>,
    children: Children,
) -> impl IntoView {
    let handle = use_context::<PopoverHandle>();
    let select = move |_| {
        close(handle);
        on_select.run(());
    };
    let tick = move || if chosen.get() { vec![icon_el(Icon::Check)] } else { Vec::new() };
    menu_item("button", "menuitemradio")
        .attr("type", "button")
        .live_attr("aria-checked", move || Some(chosen.get().to_string()))
        .on("click", select)
        .child_if(icon.map(icon_el))
        .child(el("span").view(children()))
        .child(el("span").class("menu-tick").live_children(tick))
}

/// Somewhere to go.
#[component]
pub fn MenuLink(
    #[prop(into)] href: Signal<String>,
    #[prop(into, optional)] icon: Option<Icon>,
    /// Leads out of the panel's pages; opens beside it.
    #[prop(optional)]
    is_external: bool,
    children: Children,
) -> impl IntoView {
    let handle = use_context::<PopoverHandle>();
    menu_item("a", "menuitem")
        .live_attr("href", move || Some(href.get()))
        .attr_if("rel", is_external.then_some("external noopener"))
        .attr_if("target", is_external.then_some("_blank"))
        .on("click", move |_| close(handle))
        .child_if(icon.map(icon_el))
        .child(el("span").view(children()))
}

/// Names the group of items that follows.
#[component]
pub fn MenuHeading(children: Children) -> impl IntoView {
    el("div").class("menu-heading").attr("role", "presentation").view(children())
}

#[component]
pub fn MenuSeparator() -> impl IntoView {
    el("div").class("menu-separator").attr("role", "separator")
}

fn close(handle: Option<PopoverHandle>) {
    if let Some(handle) = handle {
        handle.close();
    }
}

fn move_focus(event: &KeyboardEvent) {
    let Some(list) = event.current_target().and_then(|list| list.dyn_into::<Element>().ok()) else { return };
    let items = query_all(&list, "[role^=menuitem]");
    let at = focused().and_then(|focused| items.iter().position(|item| *item == focused));
    let typed = event.key();
    let to = next_item(&typed, at, items.len()).or_else(|| {
        let is_letter = typed.chars().count() == 1 && typed != " " && !event.ctrl_key() && !event.meta_key();
        is_letter.then(|| next_by_letter(&typed.to_lowercase(), at, &items)).flatten()
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
        items[*at].text_content().is_some_and(|text| text.trim().to_lowercase().starts_with(letter))
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
