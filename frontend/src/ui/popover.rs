//! A button that opens a panel beside it: menus, column choices, filters.

use leptos::{
    ev::{FocusEvent, KeyboardEvent, MouseEvent, PointerEvent},
    html,
    prelude::*,
};
use wasm_bindgen::JsCast;
use web_sys::Node;

use super::{
    Icon,
    dom::{focus, query_all, unique_id},
};

/// Which edge of its button the panel keeps to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    #[default]
    Start,
    End,
}

/// Lets what is inside a panel close it.
#[derive(Clone, Copy)]
pub struct PopoverHandle {
    open: RwSignal<bool>,
    button: NodeRef<html::Button>,
}

impl PopoverHandle {
    /// Closes the panel and gives the focus back to its button.
    pub fn close(self) {
        self.open.set(false);
        if let Some(button) = self.button.get_untracked() {
            focus(&button);
        }
    }
}

/// A button and its panel. Closes on Escape, on a press outside, and when the focus leaves it.
#[component]
pub fn Popover(
    /// What the button is called, and shown unless `icon_only`.
    #[prop(into)]
    label: Signal<String>,
    #[prop(into, optional)] icon: Option<Icon>,
    #[prop(optional)] icon_only: bool,
    /// Further classes of the button; without any it looks like every button.
    #[prop(default = "button")]
    button_class: &'static str,
    /// What the button shows instead of icon and label.
    #[prop(into, optional)]
    face: Option<ViewFn>,
    #[prop(optional)] align: Align,
    /// The panel's role: `dialog`, or `menu` for a list of things to do.
    #[prop(default = "dialog")]
    role: &'static str,
    /// Names the panel where its button's name will not do.
    #[prop(into, optional)]
    panel_label: MaybeProp<String>,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let panel = NodeRef::<html::Div>::new();
    let handle = PopoverHandle { open, button };
    let panel_id = unique_id("popover");
    let controls = panel_id.clone();

    // Where the focus goes is decided once the panel is there.
    Effect::new(move || {
        if open.get()
            && let Some(panel) = panel.get()
            && let Some(first) = first_stop(&panel)
        {
            focus(&first);
        }
    });
    let outside = window_event_listener(leptos::ev::pointerdown, move |event: PointerEvent| {
        if open.get_untracked() && !contains(root, event.target()) {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());

    let key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.stop_propagation();
            event.prevent_default();
            handle.close();
        }
    };
    let leave = move |event: FocusEvent| {
        // No related target: a press on something that takes no focus, or the window lost it. Not ours to close.
        if event.related_target().is_some() && !contains(root, event.related_target()) {
            open.set(false);
        }
    };
    let press = move |_: MouseEvent| open.update(|open| *open = !*open);
    let arrow = move |event: KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowDown" | "ArrowUp") && !open.get_untracked() {
            event.prevent_default();
            open.set(true);
        }
    };
    let has_face = face.is_some();
    view! {
        <div class="popover" node_ref=root on:keydown=key on:focusout=leave>
            <button
                type="button"
                node_ref=button
                class=button_class
                class:icon-only=icon_only
                aria-label=move || (icon_only || has_face).then(|| label.get())
                title=move || icon_only.then(|| label.get())
                aria-haspopup=role
                aria-expanded=move || open.get().to_string()
                aria-controls=move || open.get().then(|| controls.clone())
                on:click=press
                on:keydown=arrow
            >
                {match face {
                    Some(face) => face.run(),
                    None => {
                        view! {
                            {icon.map(Icon::view)}
                            {(!icon_only).then(|| view! { <span>{move || label.get()}</span> })}
                        }
                            .into_any()
                    }
                }}
            </button>
            <Show when=move || open.get()>
                <div
                    id=panel_id.clone()
                    class="popover-panel"
                    class:end=align == Align::End
                    node_ref=panel
                    role=role
                    tabindex="-1"
                    aria-label=move || panel_label.get().unwrap_or_else(|| label.get())
                >
                    <Inside handle children=children.clone() />
                </div>
            </Show>
        </div>
    }
}

/// Gives the panel's content its handle.
#[component]
fn Inside(handle: PopoverHandle, children: ChildrenFn) -> impl IntoView {
    provide_context(handle);
    children()
}

fn first_stop(panel: &web_sys::HtmlDivElement) -> Option<web_sys::HtmlElement> {
    let stops =
        "[autofocus], [aria-checked=true], a[href], button, input, select, textarea, [role^=menuitem]";
    let found = query_all(panel, stops);
    let chosen = found.iter().find(|stop| {
        stop.has_attribute("autofocus") || stop.get_attribute("aria-checked").as_deref() == Some("true")
    });
    chosen.or(found.first()).cloned().or_else(|| panel.clone().dyn_into().ok())
}

fn contains(root: NodeRef<html::Div>, target: Option<web_sys::EventTarget>) -> bool {
    let target = target.and_then(|target| target.dyn_into::<Node>().ok());
    root.get_untracked().is_some_and(|root| root.contains(target.as_ref()))
}
