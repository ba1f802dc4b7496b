//! Buttons, and links that look like them.

use leptos::{ev::MouseEvent, prelude::*};

use super::Icon;

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
    let press = move |event: MouseEvent| {
        if is_off() {
            event.prevent_default();
        } else if let Some(on_press) = on_press {
            on_press.run(());
        }
    };
    let icon_only = children.is_none();
    view! {
        <button
            type=if submits { "submit" } else { "button" }
            class=class_of(kind)
            class:icon-only=icon_only
            class:busy=busy
            aria-label=move || label.get()
            aria-busy=move || busy.get().then_some("true")
            aria-disabled=move || is_off().then_some("true")
            aria-description=move || disabled_reason.get()
            title=move || disabled_reason.get().or_else(|| label.get())
            on:click=press
        >
            {icon.map(Icon::view)}
            {children.map(|children| children())}
        </button>
    }
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
    children: Children,
) -> impl IntoView {
    view! {
        <a class=class_of(kind) href=href rel=is_external.then_some("external")>
            {icon.map(Icon::view)}
            {children()}
        </a>
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
