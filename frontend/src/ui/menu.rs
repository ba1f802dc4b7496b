//! Menus: things to do, behind one button. Arrow keys move, Enter does, Escape leaves.

use leptos::{ev::KeyboardEvent, html, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    Align, Icon, Popover,
    dom::{focus, focused, query_all},
    popover::PopoverHandle,
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
    let list = NodeRef::<html::Div>::new();
    let children = StoredValue::new(children);
    let content = move || {
        view! {
            <div class="menu" role="presentation" node_ref=list on:keydown=move |event| move_focus(&event, list)>
                {children.with_value(|children| children())}
            </div>
        }
    };
    let face = face.unwrap_or_else(|| {
        ViewFn::from(move || {
            view! {
                {icon.map(Icon::view)}
                {(!icon_only).then(|| view! { <span>{move || label.get()}</span> })}
            }
        })
    });
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
        if disabled_reason.get_untracked().is_some() {
            return;
        }
        if let Some(handle) = handle {
            handle.close();
        }
        on_select.run(());
    };
    view! {
        <button
            type="button"
            class="menu-item"
            role="menuitem"
            tabindex="-1"
            aria-disabled=move || disabled_reason.get().map(|_| "true")
            aria-description=move || disabled_reason.get()
            title=move || disabled_reason.get()
            on:click=select
        >
            {icon.map(Icon::view)}
            <span>{children()}</span>
        </button>
    }
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
        if let Some(handle) = handle {
            handle.close();
        }
        on_select.run(());
    };
    view! {
        <button
            type="button"
            class="menu-item"
            role="menuitemradio"
            tabindex="-1"
            aria-checked=move || chosen.get().to_string()
            on:click=select
        >
            {icon.map(Icon::view)}
            <span>{children()}</span>
            <span class="menu-tick">{move || chosen.get().then(|| Icon::Check.view())}</span>
        </button>
    }
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
    view! {
        <a
            class="menu-item"
            role="menuitem"
            tabindex="-1"
            href=href
            rel=is_external.then_some("external noopener")
            target=is_external.then_some("_blank")
            on:click=move |_| {
                if let Some(handle) = handle {
                    handle.close();
                }
            }
        >
            {icon.map(Icon::view)}
            <span>{children()}</span>
        </a>
    }
}

/// Names the group of items that follows.
#[component]
pub fn MenuHeading(children: Children) -> impl IntoView {
    view! {
        <div class="menu-heading" role="presentation">
            {children()}
        </div>
    }
}

#[component]
pub fn MenuSeparator() -> impl IntoView {
    view! { <div class="menu-separator" role="separator"></div> }
}

fn move_focus(event: &KeyboardEvent, list: NodeRef<html::Div>) {
    let Some(list) = list.get_untracked() else { return };
    let items = query_all(&list, "[role^=menuitem]");
    let at = focused().and_then(|focused| items.iter().position(|item| *item == focused));
    let typed = event.key();
    let Some(to) = next_item(&typed, at, items.len()).or_else(|| {
        let starts = |item: &web_sys::HtmlElement| {
            item.text_content()
                .is_some_and(|text| text.trim().to_lowercase().starts_with(&typed.to_lowercase()))
        };
        let is_letter = typed.chars().count() == 1 && typed != " " && !event.ctrl_key() && !event.meta_key();
        let from = at.map_or(0, |at| at + 1);
        let order = (from..items.len()).chain(0..from.min(items.len()));
        is_letter.then(|| order.into_iter().find(|at| starts(&items[*at]))).flatten()
    }) else {
        return;
    };
    event.prevent_default();
    event.stop_propagation();
    if let Some(item) = items.get(to).and_then(|item| item.dyn_ref()) {
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
