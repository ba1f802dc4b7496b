//! The texts that repeat in a region's rows, each kept once.

use std::{collections::HashMap, sync::Arc};

use api_types::servers::frame::Interner;

/// Texts by code and codes by text. A code means the same for as long as the dictionary lives.
#[derive(Default)]
pub struct Dictionary {
    texts: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, u32>,
    text_bytes: usize,
}

impl Dictionary {
    /// How many texts there are; the highest code.
    pub fn len(&self) -> u32 {
        self.texts.len() as u32
    }

    /// The text of a code; codes start at 1.
    pub fn text(&self, code: u32) -> Option<&str> {
        let place = (code as usize).checked_sub(1)?;
        self.texts.get(place).map(|text| &**text)
    }

    /// The texts after the first `known` up to the code `needed`, in the order of their codes.
    pub fn texts_between(&self, known: u32, needed: u32) -> &[Arc<str>] {
        self.texts.get(known as usize..needed as usize).unwrap_or_default()
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        let text = size_of::<Arc<str>>();
        // An Arc's two counters stand before its text; a hash table is filled to seven eighths at most, and has
        // just doubled in the worst case.
        let entry = (text + size_of::<u32>() + 4 + 1) * 8 / 7;
        self.text_bytes + self.texts.len() * 16 + self.texts.capacity() * text + self.codes.capacity() * entry
    }
}

impl Interner for Dictionary {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let text: Arc<str> = text.into();
        self.text_bytes += text.len();
        self.texts.push(text.clone());
        let code = self.texts.len() as u32;
        self.codes.insert(text, code);
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_code_and_later_texts_can_be_told_apart() {
        let mut dictionary = Dictionary::default();
        assert_eq!(dictionary.code("ACTIVE"), 1);
        assert_eq!(dictionary.code("nova"), 2);
        assert_eq!(dictionary.code("ACTIVE"), 1);
        assert_eq!(dictionary.text(2), Some("nova"));
        assert_eq!((dictionary.text(0), dictionary.text(3)), (None, None));
        let later: Vec<&str> = dictionary.texts_between(1, 2).iter().map(|text| &**text).collect();
        assert_eq!(later, ["nova"]);
        for (known, needed) in [(2, 2), (2, 1), (9, 12)] {
            assert!(dictionary.texts_between(known, needed).is_empty());
        }
    }
}
