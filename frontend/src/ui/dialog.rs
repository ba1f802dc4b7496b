//! Modal dialogs, on the browser's own `<dialog>`: it traps the focus, gives it back, and closes on Escape where it
//! may.

use std::rc::Rc;

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, KeyboardEvent};

use super::{
    Held, Icon,
    dom::unique_id,
    effect::after,
    element::{El, el, icon},
};

/// A modal dialog. Its content is made anew each time it opens, so no field keeps an old value. One that is not
/// closable has to be answered: no cross, and Escape does nothing.
pub fn dialog(
    open: RwSignal<bool>,
    title: Held<&'static str>,
    is_closable: Held<bool>,
    content: impl Fn() -> El + 'static,
) -> El {
    boxed(open, "dialog", Box::new(move || title.get().to_owned()), is_closable, Box::new(content))
}

/// The same with a title made when it opens, and looks of its own (`dialog wide`). It can always be closed.
pub fn titled_dialog(
    open: RwSignal<bool>,
    class: &'static str,
    title: impl Fn() -> String + 'static,
    content: impl Fn() -> El + 'static,
) -> El {
    boxed(open, class, Box::new(title), Held::new(true), Box::new(content))
}

fn boxed(
    open: RwSignal<bool>,
    class: &'static str,
    title: Box<dyn Fn() -> String>,
    is_closable: Held<bool>,
    content: Box<dyn Fn() -> El>,
) -> El {
    let title: Rc<dyn Fn() -> String> = title.into();
    let title_id = unique_id("dialog");
    let labelled_by = title_id.clone();
    let head = move || {
        let title = title.clone();
        let title = el("h2").attr("id", &title_id).class("foreign").live_text(move || title());
        let head = el("header").class("dialog-head").child(title);
        if is_closable.get() { head.child(cross(open)) } else { head }
    };
    let body = move || el("div").class("dialog-body").child(untrack(&content));
    let dialog = el("dialog")
        .class(class)
        .attr("aria-labelledby", &labelled_by)
        .child(el("div").live_children(move || if open.get() { vec![head()] } else { Vec::new() }))
        .child(el("div").live_children(move || if open.get() { vec![body()] } else { Vec::new() }))
        .on("cancel", move |event| {
            // Selects and the like inside the dialog send `cancel` too; only the dialog's own counts.
            if !is_closable.get_untracked() && event.target() == event.current_target() {
                event.prevent_default();
            }
        })
        .on("keydown", move |event| {
            if !is_closable.get_untracked() && event.unchecked_ref::<KeyboardEvent>().key() == "Escape" {
                event.prevent_default();
            }
        });
    let element: HtmlDialogElement = dialog.element().clone().unchecked_into();
    let element = SendWrapper::new(element);
    let closed = element.clone();
    let dialog = dialog.on("close", move |_| {
        // Chromium closes on a second Escape, or a second step back, whatever `cancel` was answered.
        if open.get_untracked() && !is_closable.get_untracked() {
            _ = closed.show_modal();
        } else {
            open.set(false);
        }
    });
    // After the content: it must be there when the browser looks for what to focus first.
    after(move || {
        let is_open = open.get();
        if is_open {
            show(element.clone(), open);
        } else if element.open() {
            element.close();
        }
    });
    dialog
}

/// Shows it, as soon as it is in the document: what opens while a part is on its way is made before the part is put in
/// its place.
fn show(element: SendWrapper<HtmlDialogElement>, open: RwSignal<bool>) {
    if open.try_get_untracked() != Some(true) || element.open() {
        return;
    }
    if element.is_connected() {
        _ = element.show_modal();
    } else {
        request_animation_frame(move || show(element, open));
    }
}

fn cross(open: RwSignal<bool>) -> El {
    el("button")
        .attr("type", "button")
        .class("button quiet icon-only")
        .attr("aria-label", "Close")
        .attr("title", "Close")
        .child(icon(Icon::Close))
        .on("click", move |_| open.set(false))
}
