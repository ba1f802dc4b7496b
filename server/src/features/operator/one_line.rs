//! What operators write: why they do something, and names. All of it goes to the log and to other people's pages.

use std::ops::RangeInclusive;

use crate::error::ApiError;

/// Longest reason and longest name, in characters.
pub const LONGEST: usize = 300;

/// The text without the blanks around it, where it has as many characters as wanted and none that would write over
/// other lines: it is shown on terminals too.
pub fn one_line(text: &str, lengths: RangeInclusive<usize>) -> Option<&str> {
    let text = text.trim();
    (lengths.contains(&text.chars().count()) && !text.chars().any(char::is_control)).then_some(text)
}

/// A text that may be empty.
///
/// Errors: 400 with the code of whoever asks.
pub fn text<'a>(text: &'a str, code: &'static str) -> Result<&'a str, ApiError> {
    one_line(text, 0..=LONGEST).ok_or_else(|| ApiError::Invalid {
        code,
        message: "This is too long, or has control characters.".to_owned(),
    })
}

/// Why something is changed.
///
/// Errors: 400 with the code of whoever asks.
pub fn because<'a>(because: &'a str, code: &'static str) -> Result<&'a str, ApiError> {
    match text(because, code)? {
        "" => Err(ApiError::Invalid {
            code,
            message: "Please say why, for those who find it later.".to_owned(),
        }),
        because => Ok(because),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_a_text_count_for_nothing() {
        assert_eq!(one_line(" a reason\n", 1..=8), Some("a reason"));
        assert_eq!(one_line(" \t\n", 1..=8), None);
        assert_eq!(one_line("", 0..=8), Some(""));
    }

    #[test]
    fn a_texts_length_is_counted_in_characters() {
        assert_eq!(one_line("größer", 6..=6), Some("größer"));
        assert_eq!(one_line("größer", 7..=9), None);
        assert_eq!(one_line("größer", 1..=5), None);
    }

    #[test]
    fn what_would_write_over_other_lines_is_refused() {
        for wrong in ["a\nb", "a\rb", "a\u{0}b", "a\u{1b}[2Jb", "a\u{9b}b"] {
            assert_eq!(one_line(wrong, 0..=9), None, "{wrong:?}");
        }
        assert_eq!(one_line("für Łukasz, 日本 🙂", 0..=99), Some("für Łukasz, 日本 🙂"));
    }

    #[test]
    fn a_reason_is_no_empty_one() {
        let told = |wrong: &str| because(wrong, "invalid_x").expect_err("a refusal").to_string();
        assert!(told("  ").contains("say why"), "{}", told("  "));
        assert!(told(&"a".repeat(LONGEST + 1)).contains("too long"));
        assert_eq!(because(" ticket 17 ", "invalid_x").expect("a reason"), "ticket 17");
        assert_eq!(text("  ", "invalid_x").expect("a text"), "");
    }
}
