//! The serial line, as a terminal of 80 by 25.

use std::{
    cell::{Cell, RefCell},
    num::NonZeroU16,
    rc::Rc,
};

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, HtmlElement, KeyboardEvent, PointerEvent};

use super::{
    frame::status,
    keys::{Pressed, leaves, terminal_bytes},
    link::{Event, Link},
    runs::{Run, runs},
    texts,
    touch_keyboard::{keyboard_button, touch_keyboard},
};
use crate::ui::{
    El,
    copy_button::clipboard_text,
    dom::{focus, focused},
    el, use_toasts,
};

/// The serial line behind an own path.
pub fn terminal(path: String) -> El {
    let lines = el("pre")
        .class("terminal")
        .attr("tabindex", "0")
        .attr("role", "group")
        .attr("aria-label", texts::TERMINAL_LABEL)
        .attr("data-testid", "terminal");
    let drawing = Rc::new(Drawing::new(lines.html().clone()));
    let drawn = drawing.clone();
    let link = Link::open(path, move |event| match event {
        Event::Opened => drawn.begin(),
        Event::Said(bytes) => drawn.take(&bytes),
        Event::Lost => {}
    });
    let (touching, touched) = (link.clone(), drawing.clone());
    let keyboard = touch_keyboard(texts::TERMINAL_LABEL, move |typed| {
        touched.to_the_end();
        touching.send(typed.as_bytes());
    });
    let field = keyboard.html().clone();
    let lines = opens_by_touch(lines, field.clone());
    let holder = el("div").class("terminal-holder").child(lines).child(keyboard);
    let holder = listen_to_paste(listen_to_keys(holder, &link, &drawing), &link, &drawing);
    let bar = el("div")
        .class("console-bar")
        .child(status(&link))
        .child(paste_button(link, drawing))
        .child(keyboard_button(field))
        .child(el("p").class("hint").text(texts::KEYS_HINT));
    el("div").class("live-console").child(bar).child(holder)
}

fn listen_to_keys(holder: El, link: &Link, drawing: &Rc<Drawing>) -> El {
    let (typing, typed) = (link.clone(), drawing.clone());
    holder.on("keydown", move |event| {
        let event: &KeyboardEvent = event.unchecked_ref();
        let key = event.key();
        let is_application = typed.parser.borrow().screen().application_cursor();
        let pressed = Pressed { is_application, ..Pressed::of(event, &key) };
        if leaves(pressed) {
            event.prevent_default();
            leave();
            return;
        }
        if pressed.is_shift && matches!(pressed.key, "PageUp" | "PageDown") {
            event.prevent_default();
            typed.scroll(pressed.key == "PageUp");
            return;
        }
        // Marked text is copied as everywhere.
        let is_copying = pressed.is_ctrl && pressed.key == "c" && has_marked_text();
        let is_pasting = pressed.is_ctrl && pressed.key == "v";
        if is_copying || is_pasting || event.is_composing() {
            return;
        }
        if let Some(bytes) = terminal_bytes(pressed) {
            event.prevent_default();
            event.stop_propagation();
            typed.to_the_end();
            typing.send(&bytes);
        }
    })
}

fn listen_to_paste(holder: El, link: &Link, drawing: &Rc<Drawing>) -> El {
    let (pasting, pasted) = (link.clone(), drawing.clone());
    holder.on("paste", move |event| {
        let event: &ClipboardEvent = event.unchecked_ref();
        event.prevent_default();
        let text = event.clipboard_data().and_then(|data| data.get_data("text").ok()).unwrap_or_default();
        pasting.send(&pasted.paste(&text));
    })
}

/// A finger on the lines asks for the keyboard; a mouse leaves them to be marked.
fn opens_by_touch(lines: El, field: HtmlElement) -> El {
    let is_touch = Rc::new(Cell::new(false));
    let touched = is_touch.clone();
    let lines = lines.on("pointerdown", move |event| {
        let event: &PointerEvent = event.unchecked_ref();
        is_touch.set(event.pointer_type() == "touch");
    });
    // Not when the finger comes down: it may be there to scroll.
    lines.on("click", move |_| {
        if touched.get() {
            focus(&field);
        }
    })
}

/// Gives the focus to what comes after.
fn leave() {
    if let Some(focused) = focused() {
        _ = focused.blur();
    }
}

fn paste_button(link: Link, drawing: Rc<Drawing>) -> El {
    let toasts = use_toasts();
    el("button").attr("type", "button").class("button").text(texts::PASTE).on("click", move |_| {
        let (link, drawing) = (link.clone(), drawing.clone());
        spawn_local(async move {
            match clipboard_text().await {
                Some(text) => {
                    link.send(&drawing.paste(&text));
                    _ = drawing.element.focus();
                }
                None => toasts.fail(texts::CANNOT_PASTE, None),
            }
        });
    })
}

fn has_marked_text() -> bool {
    window().get_selection().ok().flatten().is_some_and(|marked| !marked.is_collapsed())
}

const ROWS: NonZeroU16 = NonZeroU16::new(25).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();
/// Rows that can be scrolled back to.
const KEPT: usize = 2_000;
const PAGE: usize = 20;

/// The terminal's rows in the document, redrawn once a frame and only where they changed.
struct Drawing {
    element: HtmlElement,
    parser: RefCell<vt100::Parser>,
    rows: RefCell<Vec<Vec<Run>>>,
    is_frame_asked: Cell<bool>,
}

impl Drawing {
    fn new(element: HtmlElement) -> Self {
        for _ in 0..ROWS.get() {
            _ = element.append_child(el("div").class("terminal-row").element());
        }
        Self {
            element,
            parser: RefCell::new(vt100::Parser::new(ROWS, COLUMNS, KEPT)),
            rows: RefCell::new(vec![Vec::new(); usize::from(ROWS.get())]),
            is_frame_asked: Cell::new(false),
        }
    }

    fn begin(self: &Rc<Self>) {
        *self.parser.borrow_mut() = vt100::Parser::new(ROWS, COLUMNS, KEPT);
        self.ask_frame();
    }

    fn take(self: &Rc<Self>, bytes: &[u8]) {
        self.parser.borrow_mut().process(bytes);
        self.ask_frame();
    }

    fn scroll(self: &Rc<Self>, is_up: bool) {
        {
            let mut parser = self.parser.borrow_mut();
            let at = parser.screen().scrollback();
            let to = if is_up { at + PAGE } else { at.saturating_sub(PAGE) };
            parser.screen_mut().set_scrollback(to);
        }
        self.ask_frame();
    }

    fn to_the_end(self: &Rc<Self>) {
        self.parser.borrow_mut().screen_mut().set_scrollback(0);
        self.ask_frame();
    }

    /// A pasted text as a terminal gets it: a line ends as Enter does.
    fn paste(self: &Rc<Self>, text: &str) -> Vec<u8> {
        self.to_the_end();
        let text = text.replace("\r\n", "\r").replace('\n', "\r");
        match self.parser.borrow().screen().bracketed_paste() {
            // What is pasted must not be able to end the brackets.
            true => format!("\u{1b}[200~{}\u{1b}[201~", text.replace('\u{1b}', "")).into_bytes(),
            false => text.into_bytes(),
        }
    }

    fn ask_frame(self: &Rc<Self>) {
        if !self.is_frame_asked.replace(true) {
            let drawing = self.clone();
            request_animation_frame(move || {
                drawing.is_frame_asked.set(false);
                drawing.draw();
            });
        }
    }

    fn draw(&self) {
        let parser = self.parser.borrow();
        let mut drawn = self.rows.borrow_mut();
        let elements = self.element.children();
        for row in 0..ROWS.get() {
            let now = runs(parser.screen(), row);
            let (Some(before), Some(element)) =
                (drawn.get_mut(usize::from(row)), elements.item(u32::from(row)))
            else {
                continue;
            };
            if *before != now {
                element.set_text_content(None);
                for run in &now {
                    _ = element.append_child(span(run).element());
                }
                *before = now;
            }
        }
    }
}

fn span(run: &Run) -> El {
    let span = el("span").class(&run.look.classes()).text(&run.text);
    let (fore, back) = run.look.rgb();
    let style = span.html().style();
    for (property, value) in [("color", fore), ("background-color", back)] {
        if let Some(value) = value {
            _ = style.set_property(property, &value);
        }
    }
    span
}
