//! Texts that many rows share, as numbers.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::{fold::natural_cmp, texts::Texts};

/// Distinct texts with their codes: from 1 in the order they came; 0 is "none", as is the empty text.
#[derive(Default)]
pub struct Dictionary {
    texts: Texts,
    /// Places in `texts`, by hash.
    table: HashTable<u32>,
    hasher: RandomState,
}

/// The natural order of a dictionary's texts, brought up to date when asked for.
#[derive(Default)]
pub struct Ranks {
    /// Codes in order.
    sorted: Vec<u32>,
    /// By code, 0 included; the first has rank 1, and texts that differ in case only have the same.
    ranks: Vec<u32>,
}

impl Dictionary {
    /// How many texts there are: the highest code.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The code of a text, a new one if it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let hash = self.hasher.hash_one(text);
        let Self { texts, table, hasher } = self;
        if let Some(place) = table.find(hash, |place| texts.get(*place as usize) == text) {
            return place + 1;
        }
        let place = texts.len() as u32;
        texts.push(text);
        table.insert_unique(hash, place, |place| hasher.hash_one(texts.get(*place as usize)));
        place + 1
    }

    /// The code of a text that was interned before.
    pub fn find(&self, text: &str) -> Option<u32> {
        let is_it = |place: &u32| self.texts.get(*place as usize) == text;
        self.table.find(self.hasher.hash_one(text), is_it).map(|place| place + 1)
    }

    /// The text of a code; empty for "none".
    pub fn get(&self, code: u32) -> &str {
        if code == 0 { "" } else { self.texts.get(code as usize - 1) }
    }

    /// The text of a code as search sees it.
    pub fn folded(&self, code: u32) -> &[u8] {
        if code == 0 { &[] } else { self.texts.folded(code as usize - 1) }
    }

    /// The texts; a code less one is a text's place.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    pub fn size_bytes(&self) -> usize {
        self.texts.size_bytes() + self.table.allocation_size()
    }
}

impl Ranks {
    /// Takes in texts that came since the last call. Ranks of others shift, but keep their order.
    pub fn refresh(&mut self, dictionary: &Dictionary) {
        let known = self.sorted.len();
        if known == dictionary.len() {
            return;
        }
        self.sorted.extend((known + 1..=dictionary.len()).map(|code| code as u32));
        // The sort finds the sorted part by itself and merges.
        self.sorted.sort_by(|left, right| natural_cmp(dictionary.folded(*left), dictionary.folded(*right)));
        self.ranks.resize(dictionary.len() + 1, 0);
        let (mut rank, mut previous) = (0, None);
        for code in &self.sorted {
            let text = dictionary.folded(*code);
            if previous.is_none_or(|previous| natural_cmp(previous, text).is_ne()) {
                rank += 1;
            }
            self.ranks[*code as usize] = rank;
            previous = Some(text);
        }
    }

    /// Where a code stands among all; 0 for "none".
    #[inline]
    pub fn get(&self, code: u32) -> u32 {
        self.ranks.get(code as usize).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_the_same_code_and_its_natural_rank() {
        let mut dictionary = Dictionary::default();
        let mut ranks = Ranks::default();
        let ten = dictionary.intern("v10");
        ranks.refresh(&dictionary);
        assert_eq!(ranks.get(ten), 1);
        let two = dictionary.intern("V2");
        let same = dictionary.intern("v02");
        assert_eq!(dictionary.intern(""), 0);
        assert_eq!(dictionary.intern("v10"), ten);
        assert_eq!((dictionary.get(two), dictionary.folded(two)), ("V2", b"v2".as_slice()));
        assert_eq!((dictionary.find("V2"), dictionary.find("v2")), (Some(two), None));
        ranks.refresh(&dictionary);
        assert_eq!((ranks.get(0), ranks.get(two), ranks.get(same), ranks.get(ten)), (0, 1, 1, 2));
    }
}
