//! Keys that work anywhere on a page, and the list of them that `?` shows.

use leptos::{ev::KeyboardEvent, prelude::*};

use super::{
    Held,
    dom::{focused, is_dialog_open, takes_text},
    effect::after,
};

/// A key and what it does.
#[derive(Clone)]
pub struct Shortcut {
    /// The keys that do it, each as [`KeyboardEvent::key`] names it: `/`, `?`, `ArrowDown`, `j`.
    pub keys: &'static [&'static str],
    /// What it does, as the help dialog says it: "Search".
    pub does: &'static str,
    /// `None` where a component listens for itself and the entry is only for the help dialog.
    pub run: Option<Callback<()>>,
}

/// Shortcuts of one part of the page.
#[derive(Clone)]
pub struct ShortcutGroup {
    id: u32,
    pub title: &'static str,
    pub shortcuts: Vec<Shortcut>,
}

/// All shortcuts that work now.
#[derive(Clone, Copy)]
pub struct Shortcuts {
    groups: Held<Vec<ShortcutGroup>>,
    next: StoredValue<u32>,
    has_characters: RwSignal<bool>,
}

impl Shortcuts {
    pub fn groups(self) -> Vec<ShortcutGroup> {
        self.groups.get()
    }

    /// Whether keys of one character do anything. People who speak to their machine, or brush a key, turn them off
    /// (WCAG 2.1.4); the browser remembers it.
    pub fn has_characters(self) -> RwSignal<bool> {
        self.has_characters
    }
}

/// Offers shortcuts for as long as the calling component lives. Single keys leave text fields alone.
pub fn use_shortcuts(title: &'static str, shortcuts: Vec<Shortcut>) {
    let Some(all) = use_context::<Shortcuts>() else { return };
    let id = all.next.get_value();
    all.next.set_value(id.wrapping_add(1));
    all.groups.update(|groups| groups.push(ShortcutGroup { id, title, shortcuts }));
    on_cleanup(move || all.groups.update(|groups| groups.retain(|group| group.id != id)));
}

/// Listens for the whole document. Called once, where the panel starts.
pub fn provide_shortcuts() -> Shortcuts {
    let has_characters = RwSignal::new(!is_kept_off());
    let all = Shortcuts { groups: Held::new(Vec::new()), next: StoredValue::new(0), has_characters };
    provide_context(all);
    after(move || keep(has_characters.get()));
    let listener = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        if event.default_prevented()
            || event.ctrl_key()
            || event.meta_key()
            || event.alt_key()
            || event.is_composing()
            || is_dialog_open()
            || focused().is_some_and(|element| takes_text(&element))
        {
            return;
        }
        let key = event.key();
        if is_character(&key) && !has_characters.get_untracked() {
            return;
        }
        let run = all.groups.with_untracked(|groups| {
            // The latest that came wins: a page over the frame, a component over its page.
            let mut shortcuts = groups.iter().rev().flat_map(|group| &group.shortcuts);
            shortcuts.find(|shortcut| shortcut.keys.contains(&key.as_str())).and_then(|shortcut| shortcut.run)
        });
        if let Some(run) = run {
            event.prevent_default();
            run.run(());
        }
    });
    on_cleanup(move || listener.remove());
    all
}

/// The key writes something, rather than having a name such as `Escape`.
fn is_character(key: &str) -> bool {
    key.chars().count() == 1
}

const CHARACTERS: &str = "meridian.character-keys";

/// Storage that is closed keeps nothing.
fn is_kept_off() -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.and_then(|storage| storage.get_item(CHARACTERS).ok().flatten()).is_some_and(|kept| kept == "off")
}

fn keep(has_characters: bool) {
    if let Ok(Some(storage)) = window().local_storage() {
        _ = match has_characters {
            true => storage.remove_item(CHARACTERS),
            false => storage.set_item(CHARACTERS, "off"),
        };
    }
}

/// A key as people know it.
pub fn key_name(key: &str) -> &str {
    match key {
        "ArrowDown" => "↓",
        "ArrowUp" => "↑",
        "ArrowLeft" => "←",
        "ArrowRight" => "→",
        "Escape" => "Esc",
        " " => "Space",
        "PageDown" => "Page down",
        "PageUp" => "Page up",
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_writes_is_a_character_and_a_named_one_is_not() {
        for key in ["/", "?", "j", "ü", " "] {
            assert!(is_character(key), "{key:?}");
        }
        for key in ["Escape", "ArrowDown", "F1", ""] {
            assert!(!is_character(key), "{key:?}");
        }
    }
}
