//! Text as it is compared: without upper case, and with numbers in their natural order.

use std::cmp::Ordering;

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

/// True where a look is enough to know that the text is its own folded form, as most names are.
#[inline]
pub fn is_folded(text: &str) -> bool {
    // All of it rather than up to the first that is not: several bytes are looked at together.
    let is_odd = |byte: u8| !byte.is_ascii() | byte.is_ascii_uppercase() | (byte == b'\n');
    !text.bytes().fold(false, |odd, byte| odd | is_odd(byte))
}

/// The folded text.
pub fn fold(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    fold_into(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Eight bytes of a folded text's natural order key, from byte `8 * depth` on; with whether the key ends in them. The
/// text ends at a line break, if there is one.
///
/// Keys compare as the texts do for a person: `web-2` before `web-10`. A run of digits becomes `0`, the number of its
/// digits (leading zeros left out) and the digits; past the end there are zeros. Runs of more than 255 digits compare
/// by their first 255.
pub fn natural_key(folded: &[u8], depth: u32) -> (u64, bool) {
    let mut skipped = 8 * depth as usize;
    let (mut word, mut room) = (0u64, 8);
    let mut at = 0;
    while let Some(byte) = folded.get(at).filter(|byte| **byte != b'\n') {
        if !byte.is_ascii_digit() {
            at += 1;
            if skipped > 0 {
                skipped -= 1;
                continue;
            }
            room -= 1;
            word |= u64::from((*byte).max(1)) << (8 * room);
            if room == 0 {
                return (word, false);
            }
            continue;
        }
        let (digits, end) = number(folded, at);
        at = end;
        let length = digits.len() + 2;
        if skipped >= length {
            skipped -= length;
            continue;
        }
        for place in std::mem::take(&mut skipped)..length {
            let byte = match place {
                0 => b'0',
                1 => digits.len() as u8,
                _ => digits[place - 2],
            };
            room -= 1;
            word |= u64::from(byte) << (8 * room);
            if room == 0 {
                return (word, false);
            }
        }
    }
    (word, true)
}

/// The digits of the number that starts here, without leading zeros and at most 255, and where it ends.
fn number(text: &[u8], start: usize) -> (&[u8], usize) {
    let run = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + run;
    let zeros = text[start..end - 1].iter().take_while(|byte| **byte == b'0').count();
    let digits = &text[start + zeros..end];
    (&digits[..digits.len().min(255)], end)
}

/// How long the natural order key of a folded text is.
pub fn natural_key_len(folded: &[u8]) -> usize {
    let (mut length, mut at) = (0, 0);
    while let Some(byte) = folded.get(at).filter(|byte| **byte != b'\n') {
        if byte.is_ascii_digit() {
            let (digits, end) = number(folded, at);
            length += digits.len() + 2;
            at = end;
        } else {
            length += 1;
            at += 1;
        }
    }
    length
}

/// How two folded texts stand in natural order. A text ends at a line break, if there is one.
#[inline(never)] // Or every sort has its own copy, 30 KB of them.
pub fn natural_cmp(left: &[u8], right: &[u8]) -> Ordering {
    let common = common_start(left, right);
    let (left, right) = (&left[common..], &right[common..]);
    for depth in 0.. {
        let ((left, is_last), (right, _)) = (natural_key(left, depth), natural_key(right, depth));
        if left != right || is_last {
            return left.cmp(&right);
        }
    }
    Ordering::Equal
}

/// How many bytes two folded texts begin with in common, without those of a line or a number that goes on.
pub fn common_start(left: &[u8], right: &[u8]) -> usize {
    const STEP: usize = 16;
    let steps = left.chunks_exact(STEP).zip(right.chunks_exact(STEP));
    let far = STEP * steps.take_while(|(left, right)| left == right).count();
    let near = left[far..].iter().zip(&right[far..]).take_while(|(left, right)| left == right).count();
    let line = memchr::memchr(b'\n', &left[..far + near]).unwrap_or(far + near);
    line - left[..line].iter().rev().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
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
            prop_assert!(!is_folded(&part) || fold(&part) == part);
        }

        #[test]
        fn keys_compare_as_parts_of_letters_and_numbers_do(
            left in "[a-b0-2\\-]{0,30}",
            right in "[a-b0-2\\-]{0,30}",
        ) {
            /// Letters one by one, numbers whole; a number stands among them where `0` does.
            fn parts(text: &str) -> Vec<(char, u128)> {
                let mut parts = Vec::new();
                let mut rest = text;
                while let Some(first) = rest.chars().next() {
                    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
                    match rest[..end].parse() {
                        Ok(number) => parts.push(('0', number)),
                        Err(_) => parts.push((first, 0)),
                    }
                    rest = &rest[end.max(1)..];
                }
                parts
            }
            let order = natural_cmp(left.as_bytes(), right.as_bytes());
            prop_assert_eq!(order, parts(&left).cmp(&parts(&right)));
            // The same with something before and something behind.
            let (start, left, right) = ("0123456789-123", format!("{left}\nX"), format!("{right}\n"));
            prop_assert_eq!(natural_cmp(left.as_bytes(), right.as_bytes()), order);
            let (left, right) = (format!("{start}x{left}"), format!("{start}x{right}"));
            prop_assert_eq!(natural_cmp(left.as_bytes(), right.as_bytes()), order);
            let last = (0..).find(|depth| natural_key(left.as_bytes(), *depth).1);
            prop_assert_eq!(last, Some(natural_key_len(left.as_bytes()) as u32 / 8));
        }
    }
}
