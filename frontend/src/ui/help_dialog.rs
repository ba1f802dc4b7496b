//! The list of keys that work on this page.

use leptos::prelude::*;

use super::{
    Held,
    dialog::dialog,
    element::{El, el},
    field::check_box,
    keyboard::{Shortcut, ShortcutGroup, Shortcuts, key_name},
};

/// The dialog behind `?`.
pub fn help_dialog(open: RwSignal<bool>, shortcuts: Shortcuts) -> El {
    dialog(open, Held::new("Keyboard"), Held::new(true), move || {
        el("div")
            .child(check_box(CHARACTERS, shortcuts.has_characters()))
            .child(el("div").live_children(move || shortcuts.groups().into_iter().map(section).collect()))
    })
}

/// Without them the dialog is still behind the help button.
const CHARACTERS: &str = "Keys of one character, such as / and j, work anywhere on the page";

fn section(group: ShortcutGroup) -> El {
    let entry = |shortcut: Shortcut| {
        let keys = shortcut.keys.iter().map(|key| el("kbd").text(key_name(key))).collect();
        el("div").child(el("dt").children(keys)).child(el("dd").text(shortcut.does))
    };
    let entries = group.shortcuts.into_iter().map(entry).collect();
    el("section").class("keys").child(el("h3").text(group.title)).child(el("dl").children(entries))
}
