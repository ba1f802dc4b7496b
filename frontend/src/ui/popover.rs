//! A button that opens a panel beside it: menus, column choices, filters.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{EventTarget, FocusEvent, HtmlElement, KeyboardEvent, Node};

use super::{
    Icon,
    dom::{focus, keep_on_screen, query_all, unique_id},
    effect::after,
    element::{El, el, icon as icon_el},
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
    button: StoredValue<HtmlElement, LocalStorage>,
}

impl PopoverHandle {
    /// Closes the panel and gives the focus back to its button.
    pub fn close(self) {
        self.open.set(false);
        self.button.with_value(focus);
    }
}

/// A button that opens a panel.
pub struct Opener {
    /// What the button is called.
    pub label: Signal<String>,
    /// What it shows.
    pub face: Vec<El>,
    /// The label is not part of what it shows.
    pub is_wordless: bool,
    pub class: &'static str,
    pub align: Align,
    /// The panel's role: `dialog`, or `menu` for a list of things to do.
    pub role: &'static str,
    /// Names the panel where its button's name will not do.
    pub panel_label: MaybeProp<String>,
}

impl Opener {
    /// A button of an icon and a word, or of a quiet icon alone. Its panel keeps to its end.
    pub fn of(label: &str, icon: Icon, is_icon_only: bool, role: &'static str) -> Self {
        let word = (!is_icon_only).then(|| el("span").text(label));
        let face = [icon_el(icon)].into_iter().chain(word).collect();
        let class = if is_icon_only { "button quiet" } else { "button" };
        Self { is_wordless: is_icon_only, class, ..Self::with_face(label, face, role) }
    }

    /// A quiet button that shows something of its own and no word.
    pub fn with_face(label: &str, face: Vec<El>, role: &'static str) -> Self {
        Self {
            label: Signal::stored(label.to_owned()),
            face,
            is_wordless: true,
            class: "button quiet",
            align: Align::End,
            role,
            panel_label: MaybeProp::default(),
        }
    }
}

/// A button and its panel. Closes on Escape, on a press outside, and when the focus leaves it. The content is made
/// anew each time the panel opens.
pub fn popover(opener: Opener, content: impl Fn() -> El + 'static) -> El {
    boxed(opener, Box::new(content))
}

fn boxed(opener: Opener, content: Box<dyn Fn() -> El>) -> El {
    let Opener { label, face, is_wordless, class, align, role, panel_label } = opener;
    let open = RwSignal::new(false);
    let panel_id = unique_id("popover");
    let controls = panel_id.clone();
    let is_icon_only = is_wordless && face.len() == 1;
    let button = el("button").attr("type", "button").class(class);
    let handle = PopoverHandle { open, button: StoredValue::new_local(button.html().clone()) };
    let button = button
        .live_class("icon-only", move || is_icon_only)
        .live_attr("aria-label", move || is_wordless.then(|| label.get()))
        .live_attr("title", move || is_icon_only.then(|| label.get()))
        .attr("aria-haspopup", role)
        .live_attr("aria-expanded", move || Some(open.get().to_string()))
        .live_attr("aria-controls", move || open.get().then(|| controls.clone()))
        .on("click", move |_| open.update(|open| *open = !*open))
        .on("keydown", move |event| {
            if matches!(key_of(&event).as_str(), "ArrowDown" | "ArrowUp") && !open.get_untracked() {
                event.prevent_default();
                open.set(true);
            }
        })
        .children(face);
    let panel = move || {
        provide_context(handle);
        let panel = el("div")
            .attr("id", &panel_id)
            .class(if align == Align::End { "popover-panel end" } else { "popover-panel" })
            .attr("role", role)
            .attr("tabindex", "-1")
            .live_attr("aria-label", move || Some(panel_label.get().unwrap_or_else(|| label.get())))
            .child(untrack(&content));
        let html = send_wrapper::SendWrapper::new(panel.html().clone());
        // Where the focus goes is decided once the panel is in the document.
        after(move || {
            keep_on_screen(&html);
            focus(&first_stop(&html));
        });
        panel
    };
    let root = el("div").class("popover").child(button);
    let inside = send_wrapper::SendWrapper::new(root.html().clone());
    let outside = window_event_listener_untyped("pointerdown", {
        let inside = inside.clone();
        move |event| {
            if open.get_untracked() && !contains(&inside, event.target()) {
                open.set(false);
            }
        }
    });
    on_cleanup(move || outside.remove());
    root.child(el("div").live_children(move || if open.get() { vec![panel()] } else { Vec::new() }))
        .on("keydown", move |event| {
            if key_of(&event) == "Escape" && open.get_untracked() {
                event.stop_propagation();
                event.prevent_default();
                handle.close();
            }
        })
        .on("focusout", move |event| {
            // No related target: a press on something that takes no focus, or the window lost it. Not ours to close.
            let to = event.unchecked_ref::<FocusEvent>().related_target();
            if to.is_some() && !contains(&inside, to) {
                open.set(false);
            }
        })
}

/// What takes the focus when a panel opens: what asks for it, what is chosen, else the first that can.
fn first_stop(panel: &HtmlElement) -> HtmlElement {
    let stops =
        "[autofocus], [aria-checked=true], a[href], button, input, select, textarea, [role^=menuitem]";
    let found = query_all(panel, stops);
    let is_chosen = |stop: &&HtmlElement| {
        stop.has_attribute("autofocus") || stop.get_attribute("aria-checked").as_deref() == Some("true")
    };
    found.iter().find(is_chosen).or(found.first()).unwrap_or(panel).clone()
}

fn contains(root: &HtmlElement, target: Option<EventTarget>) -> bool {
    let target = target.and_then(|target| target.dyn_into::<Node>().ok());
    root.contains(target.as_ref())
}

fn key_of(event: &web_sys::Event) -> String {
    event.unchecked_ref::<KeyboardEvent>().key()
}
