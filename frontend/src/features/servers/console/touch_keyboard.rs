//! Typing without keys: phones show their keyboard only for a field, and write whole words into it.
//!
//! The field is out of sight. What stands in it is what was sent; each change is sent as the letters, and the steps back,
//! that make it so. A word that the keyboard corrects is taken back and typed anew.

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::event_target_value;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, InputEvent};

use super::texts;
use crate::ui::{El, dom::focus, el};

/// What always stands in the field: without it, there would be nothing a step back could take away.
const START: &str = "________";

/// The field. `on_typed` gets letters, `\r` for a new line and `\u{7f}` for a step back.
pub fn touch_keyboard(label: &str, on_typed: impl Fn(&str) + 'static) -> El {
    let field = el("textarea")
        .class("touch-keyboard")
        // The keys of a real keyboard have their own place beside it.
        .attr("tabindex", "-1")
        .attr("aria-label", label)
        .attr("autocapitalize", "none")
        .attr("autocomplete", "off")
        .attr("autocorrect", "off")
        .attr("spellcheck", "false")
        .attr("data-testid", "touch-keyboard");
    // All fields that hold text have a value by the same name.
    let value: HtmlInputElement = field.element().clone().unchecked_into();
    value.set_value(START);
    let sent = Rc::new(RefCell::new(START.to_owned()));
    let on_typed = Rc::new(on_typed);
    let (ended_value, ended_sent, ended_typed) = (value.clone(), sent.clone(), on_typed.clone());
    field
        .on("input", move |event| {
            tell(&sent, event_target_value(&event), &*on_typed);
            let event: &InputEvent = event.unchecked_ref();
            // A word under way is the keyboard's until it is done with it.
            if !event.is_composing() {
                begin_anew(&value, &sent);
            }
        })
        .on("compositionend", move |event| {
            tell(&ended_sent, event_target_value(&event), &*ended_typed);
            begin_anew(&ended_value, &ended_sent);
        })
}

/// A button for it, where fingers do what elsewhere a mouse does.
pub fn keyboard_button(field: HtmlElement) -> El {
    el("button")
        .attr("type", "button")
        .class("button for-touch")
        .text(texts::KEYBOARD)
        .on("click", move |_| focus(&field))
}

fn tell(sent: &RefCell<String>, now: String, on_typed: &dyn Fn(&str)) {
    let typed = typed_between(&sent.replace(now.clone()), &now);
    if !typed.is_empty() {
        on_typed(&typed);
    }
}

fn begin_anew(field: &HtmlInputElement, sent: &RefCell<String>) {
    field.set_value(START);
    START.clone_into(&mut sent.borrow_mut());
}

/// What has to be typed to make one text of another, at its end.
fn typed_between(before: &str, now: &str) -> String {
    let same = before.chars().zip(now.chars()).take_while(|(before, now)| before == now).count();
    let back = before.chars().count() - same;
    let typed = std::iter::repeat_n('\u{7f}', back).chain(now.chars().skip(same));
    typed.map(|letter| if letter == '\n' { '\r' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_as_what_has_to_be_typed() {
        assert_eq!(typed_between("__", "__ls"), "ls");
        assert_eq!(typed_between("__ls", "__ls\n"), "\r");
        assert_eq!(typed_between("__", "_"), "\u{7f}");
        assert_eq!(typed_between("__teh", "__the "), "\u{7f}\u{7f}he ");
        assert_eq!(typed_between("__ä", "__äß"), "ß");
        assert_eq!(typed_between("__ls", "__ls"), "");
    }
}
