//! The start of an id.

use api_types::ServerId;

/// The first digits of a UUID, as typed or pasted: with its hyphens, or without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdPrefix {
    digits: u32,
    value: u128,
    mask: u128,
}

impl IdPrefix {
    /// Reads folded text; `None` if no id starts so.
    pub fn parse(text: &str) -> Option<Self> {
        let has_hyphens = text.contains('-');
        let (mut digits, mut value) = (0, 0u128);
        for (at, letter) in text.chars().enumerate() {
            let wants_hyphen = has_hyphens && matches!(at, 8 | 13 | 18 | 23);
            match letter.to_digit(16) {
                Some(digit) if !wants_hyphen && digits < 32 => {
                    value |= u128::from(digit) << (124 - 4 * digits);
                    digits += 1;
                }
                None if wants_hyphen && letter == '-' => {}
                _ => return None,
            }
        }
        let mask = if digits == 0 { 0 } else { u128::MAX << (128 - 4 * digits) };
        (digits > 0).then_some(Self { digits, value, mask })
    }

    /// True if it is long enough to be meant as an id: one id in sixteen starts with a given digit.
    pub fn is_telling(&self) -> bool {
        self.digits >= 4
    }

    #[inline]
    pub fn matches(&self, id: &ServerId) -> bool {
        u128::from_be_bytes(id.0) & self.mask == self.value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_matches_what_its_text_starts_with(bytes: [u8; 16], length in 1usize..37, other in "[0-9a-f-]{1,36}") {
            let id = ServerId(bytes);
            let (text, bare) = (id.to_string(), id.to_string().replace('-', ""));
            let matches = |typed: &str| IdPrefix::parse(typed).is_some_and(|prefix| prefix.matches(&id));
            prop_assert!(matches(&text[..length]));
            prop_assert!(matches(&bare[..length.min(32)]));
            prop_assert_eq!(matches(&other), text.starts_with(&other) || bare.starts_with(&other));
        }
    }
}
