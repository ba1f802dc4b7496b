//! Text as it is compared: without upper case, and with numbers in their natural order.

/// Appends a text in lower case, as search compares it.
///
/// Unicode's lower case, character by character (so that a part of a text folds to a part of the folded text), with
/// the two lower sigmas as one and a line break as a space: no folded text holds a line break.
pub fn fold_into(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte.to_ascii_lowercase() }));
        return;
    }
    let mut utf8 = [0; 4];
    for lower in text.chars().flat_map(char::to_lowercase) {
        let folded = match lower {
            '\n' => ' ',
            'ς' => 'σ',
            other => other,
        };
        out.extend_from_slice(folded.encode_utf8(&mut utf8).as_bytes());
    }
}

/// The folded text.
pub fn fold(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    fold_into(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Eight bytes of a folded text's natural order key, from byte `8 * depth` on; with whether the key ends in them.
///
/// Keys compare as the texts do for a person: `web-2` before `web-10`. A run of digits becomes `0`, the number of its
/// digits (leading zeros left out) and the digits; past the end there are zeros. Runs of more than 255 digits compare
/// by their first 255.
pub fn natural_key(folded: &[u8], depth: u32) -> (u64, bool) {
    let mut key = NaturalKey { text: folded, digits: &[], length: 0 };
    for _ in 0..depth * 8 {
        if key.next().is_none() {
            return (0, true);
        }
    }
    let mut word = 0;
    for shift in (0..64).step_by(8).rev() {
        let Some(byte) = key.next() else { return (word, true) };
        word |= u64::from(byte) << shift;
    }
    (word, false)
}

/// The bytes of a natural order key, none of them zero.
struct NaturalKey<'a> {
    text: &'a [u8],
    /// Digits of a number still to give.
    digits: &'a [u8],
    /// The number's length, to be given before its digits.
    length: u8,
}

impl Iterator for NaturalKey<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        if self.length > 0 {
            return Some(std::mem::take(&mut self.length));
        }
        if let Some((digit, rest)) = self.digits.split_first() {
            self.digits = rest;
            return Some(*digit);
        }
        let (first, rest) = self.text.split_first()?;
        if !first.is_ascii_digit() {
            self.text = rest;
            return Some((*first).max(1));
        }
        let run = self.text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.text.split_at(run);
        self.text = rest;
        let zeros = digits[..run - 1].iter().take_while(|byte| **byte == b'0').count();
        let digits = &digits[zeros..];
        self.digits = &digits[..digits.len().min(255)];
        self.length = self.digits.len() as u8;
        Some(b'0')
    }
}

/// How two folded texts stand in natural order.
pub fn natural_cmp(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    let key = |text| NaturalKey { text, digits: &[], length: 0 };
    key(left).cmp(key(right))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_names_stand_in_their_natural_order() {
        let mut names =
            ["web-10", "web-9b", "web-2", "web", "web-010a", "web-1000000000000", "web-", "web-0", "wea", ""];
        names.sort_by(|left, right| natural_cmp(left.as_bytes(), right.as_bytes()));
        let sorted =
            ["", "wea", "web", "web-", "web-0", "web-2", "web-9b", "web-10", "web-010a", "web-1000000000000"];
        assert_eq!(names, sorted);
    }

    #[test]
    fn folding_makes_upper_and_lower_case_the_same_in_any_script() {
        assert_eq!(fold("Ärger ΟΔΟΣ"), fold("äRGER οδος"));
        assert_eq!(fold("a\nB"), "a b");
        assert_eq!(fold("İ"), "i\u{307}");
    }

    proptest! {
        #[test]
        fn a_part_of_a_text_folds_to_a_part_of_the_folded_text(head in ".*", part in ".*", tail in ".*") {
            prop_assert_eq!(fold(&format!("{head}{part}{tail}")), fold(&head) + &fold(&part) + &fold(&tail));
            prop_assert_eq!(fold(&fold(&part)), fold(&part));
        }

        #[test]
        fn words_of_a_key_compare_as_the_whole_key(left in "[a-c0-2]{0,30}", right in "[a-c0-2]{0,30}") {
            let words = |text: &str| {
                let mut words = Vec::new();
                for depth in 0.. {
                    let (word, is_last) = natural_key(text.as_bytes(), depth);
                    words.push(word);
                    if is_last {
                        break;
                    }
                }
                words
            };
            let whole = natural_cmp(left.as_bytes(), right.as_bytes());
            let by_words = words(&left).cmp(&words(&right));
            // A key of exactly eight bytes has a second, empty word: longer, but not different.
            prop_assert_eq!(by_words, whole);
            prop_assert_eq!(natural_cmp(right.as_bytes(), left.as_bytes()), whole.reverse());
            if left == right {
                prop_assert_eq!(whole, Ordering::Equal);
            }
        }
    }
}
