//! The list of keys that work on this page.

use leptos::prelude::*;

use super::{
    Dialog,
    element::{El, el},
    field::check_box,
    keyboard::{Shortcut, ShortcutGroup, Shortcuts, key_name},
};

/// The dialog behind `?`.
#[component]
pub fn HelpDialog(open: RwSignal<bool>, shortcuts: Shortcuts) -> impl IntoView {
    view! {
        <Dialog open title="Keyboard">
            {el("div")
                .child(check_box(CHARACTERS, shortcuts.has_characters()))
                .child(el("div").live_children(move || shortcuts.groups().into_iter().map(section).collect()))}
        </Dialog>
    }
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
