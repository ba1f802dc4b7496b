//! Sets of small numbers.

use std::ops::Range;

use super::block::BLOCK_ROWS;

/// Rows of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockBits([u64; BLOCK_ROWS / 64]);

/// Codes or row indexes, as far as the largest ever put in.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    words: Vec<u64>,
}

impl BlockBits {
    pub const NONE: Self = Self([0; BLOCK_ROWS / 64]);
    pub const ALL: Self = Self([u64::MAX; BLOCK_ROWS / 64]);

    #[inline]
    pub fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    #[inline]
    pub fn contains(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 != 0
    }

    /// Puts in those of `places` that `test` picks; those that are in are not asked for.
    #[inline]
    pub fn insert_where(&mut self, places: Range<usize>, mut test: impl FnMut(usize) -> bool) {
        for at in places {
            if !self.contains(at) && test(at) {
                self.insert(at);
            }
        }
    }

    /// Keeps those that are in `other` too, or those that are not.
    pub fn keep(&mut self, other: &Self, is_negated: bool) {
        let flip = if is_negated { u64::MAX } else { 0 };
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other ^ flip;
        }
    }
}

impl Bits {
    #[inline]
    pub fn contains(&self, at: u32) -> bool {
        self.words.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 != 0)
    }

    /// True if it was not in.
    pub fn insert(&mut self, at: u32) -> bool {
        let word = at as usize / 64;
        if word >= self.words.len() {
            // A little more than asked for, as numbers are counted up.
            self.words.resize(word + 1 + word / 4, 0);
        }
        let before = self.words[word];
        self.words[word] |= 1 << (at % 64);
        before != self.words[word]
    }

    /// True if it was in.
    pub fn remove(&mut self, at: u32) -> bool {
        let Some(word) = self.words.get_mut(at as usize / 64) else { return false };
        let before = *word;
        *word &= !(1 << (at % 64));
        before != *word
    }

    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    pub fn size_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
