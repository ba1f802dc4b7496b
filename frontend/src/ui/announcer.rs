//! Tells screen readers what changed where nothing took the focus: a new page, a count, a copy.

use leptos::prelude::*;

use super::element::{El, el};

/// Says sentences aloud, politely. Made once, for the whole document.
#[derive(Clone, Copy)]
pub struct Announcements(RwSignal<String>);

impl Announcements {
    pub fn say(self, sentence: impl Into<String>) {
        self.0.set(sentence.into());
    }
}

/// The place where announcements are heard.
pub fn announcer() -> El {
    let Announcements(sentence) = use_announcer();
    el("div")
        .class("unseen")
        .attr("role", "status")
        .attr("aria-live", "polite")
        .attr("aria-atomic", "true")
        .live_text(move || sentence.get())
}

pub fn provide_announcer() {
    provide_context(Announcements(RwSignal::new(String::new())));
}

/// The announcer of this document.
pub fn use_announcer() -> Announcements {
    use_context().unwrap_or_else(|| Announcements(RwSignal::new(String::new())))
}
