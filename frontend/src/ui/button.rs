//! Buttons, and links that look like them.

use leptos::prelude::*;

use super::{
    Icon,
    element::{El, el, icon as icon_el},
};

/// How much a button asks to be pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// The one thing this page or dialog is for; at most one in sight.
    Primary,
    #[default]
    Plain,
    /// Among many of its kind: toolbars, rows, corners.
    Quiet,
    /// Something that is hard to take back.
    Danger,
}

/// A button. One that cannot be pressed now stays where it is, takes focus and says why.
#[component]
pub fn Button(
    #[prop(optional)] kind: ButtonKind,
    #[prop(into, optional)] icon: Option<Icon>,
    /// What an icon-only button is called; also its tooltip.
    #[prop(into, optional)]
    label: MaybeProp<String>,
    /// Why it cannot be pressed now; `None` when it can.
    #[prop(into, optional)]
    disabled_reason: MaybeProp<String>,
    /// True while what it started is under way.
    #[prop(into, optional)]
    busy: Signal<bool>,
    /// Sends the form it is in.
    #[prop(optional)]
    submits: bool,
    #[prop(into, optional)] on_press: Option<Callback<()>>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let is_off = move || busy.get() || disabled_reason.get().is_some();
    let press = move |event: web_sys::Event| {
        if is_off() {
            event.prevent_default();
        } else if let Some(on_press) = on_press {
            on_press.run(());
        }
    };
    let class = class_of(kind);
    let class = if children.is_none() { format!("{class} icon-only") } else { class.to_owned() };
    let button = el("button")
        .attr("type", if submits { "submit" } else { "button" })
        .class(&class)
        .live_class("busy", move || busy.get())
        .live_attr("aria-label", move || label.get())
        .live_attr("aria-busy", move || busy.get().then(yes))
        .live_attr("aria-disabled", move || is_off().then(yes))
        .live_attr("aria-description", move || disabled_reason.get())
        .live_attr("title", move || disabled_reason.get().or_else(|| label.get()))
        .on("click", press)
        .child_if(icon.map(icon_el));
    with_children(button, children)
}

/// A link that looks like a button.
#[component]
pub fn LinkButton(
    #[prop(into)] href: Signal<String>,
    #[prop(optional)] kind: ButtonKind,
    #[prop(into, optional)] icon: Option<Icon>,
    /// Leads out of the panel's pages, so the browser loads it anew.
    #[prop(optional)]
    is_external: bool,
    /// Opens beside this page.
    #[prop(optional)]
    is_beside: bool,
    children: Children,
) -> impl IntoView {
    el("a")
        .class(class_of(kind))
        .live_attr("href", move || Some(href.get()))
        .attr_if("rel", is_external.then_some("external"))
        .attr_if("target", is_beside.then_some("_blank"))
        .child_if(icon.map(icon_el))
        .view(children())
}

fn with_children(element: El, children: Option<Children>) -> El {
    match children {
        Some(children) => element.view(children()),
        None => element,
    }
}

fn class_of(kind: ButtonKind) -> &'static str {
    match kind {
        ButtonKind::Primary => "button primary",
        ButtonKind::Plain => "button",
        ButtonKind::Quiet => "button quiet",
        ButtonKind::Danger => "button danger",
    }
}

fn yes() -> String {
    "true".to_owned()
}
