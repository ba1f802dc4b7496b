//! The word to type where much is at stake: the name of the server that loses data, or a word for many.

use api_types::jobs::{Confirmation, confirmation};
use leptos::prelude::*;

use super::texts;
use crate::{
    features::servers::acting::ActionWanted,
    ui::{El, Held, el, field::text_field},
};

pub struct Word {
    /// What is sent once it was typed.
    word: String,
    /// What is to be typed.
    wanted: String,
    typed: RwSignal<String>,
    error: Held<Option<String>>,
}

impl Word {
    /// `None` where none is asked for.
    pub fn of(wanted: &ActionWanted) -> Option<Self> {
        let Confirmation::Word { word } = confirmation(wanted.kind, wanted.servers.len()) else {
            return None;
        };
        let name = match &*wanted.servers {
            [one] => typed_name(&one.name),
            _ => None,
        };
        let wanted = name.unwrap_or_else(|| word.clone());
        Some(Self { word, wanted, typed: RwSignal::new(String::new()), error: Held::new(None) })
    }

    pub fn field(&self, has_focus: bool) -> El {
        let label = texts::type_to_confirm(&self.wanted);
        let input = el("input")
            .attr("autocomplete", "off")
            .attr("spellcheck", "false")
            .attr_if("autofocus", has_focus.then_some(""))
            .attr("name", "word");
        text_field(&label, input, self.typed, self.error)
    }

    /// The word, where what is wanted was typed; else says so at the field.
    pub fn read(&self) -> Option<String> {
        let is_right = self.typed.with_untracked(|typed| is_it(typed, &self.wanted));
        self.error.set((!is_right).then(|| texts::type_the_word(&self.wanted)));
        is_right.then(|| self.word.clone())
    }
}

/// A name as it is typed; `None` where nobody would: it has none, it is a long one, or there are letters in it that are
/// not seen.
fn typed_name(name: &str) -> Option<String> {
    const LONGEST: usize = 64;
    let is_seen = |letter: char| {
        let is_unseen = matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
            || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        !letter.is_control() && !is_unseen
    };
    let name = single_spaced(name);
    ((1..=LONGEST).contains(&name.chars().count()) && name.chars().all(is_seen)).then_some(name)
}

/// Capitals do not matter, nor how many blanks: a page shows several as one.
fn is_it(typed: &str, wanted: &str) -> bool {
    single_spaced(typed).eq_ignore_ascii_case(wanted)
}

fn single_spaced(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_typed_as_it_is_seen() {
        assert_eq!(typed_name(" web  01 ").as_deref(), Some("web 01"));
        assert_eq!(typed_name("köln-名").as_deref(), Some("köln-名"));
        assert!(is_it(" Web 01", "web 01") && !is_it("web-01", "web 01") && !is_it("", "web 01"));
    }

    #[test]
    fn what_nobody_could_type_needs_the_word_instead() {
        for name in ["", "  ", "a\u{200b}b", "\u{202e}evil", "\u{1b}[31m", &"a".repeat(65)] {
            assert_eq!(typed_name(name), None, "{name:?}");
        }
    }
}
