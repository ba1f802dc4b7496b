//! Quoting, so that a text arrives as it is wherever the command is pasted.

use std::fmt::Write;

/// A text as one word of a shell (bash, zsh, ksh). Plain words stay as they are; control characters and those that
/// turn the direction of text are written as escapes, since a terminal would act on them while pasting. No program
/// can be given a NUL: it becomes U+FFFD.
pub fn shell(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&byte);
    if !text.is_empty() && !text.starts_with('=') && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    if text.chars().any(|letter| letter != '\n' && is_treacherous(letter)) {
        return escaped(text);
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as a string of Terraform's language.
pub fn hcl(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Otherwise the beginning of an expression.
            '$' | '%' if letters.peek() == Some(&'{') => {
                quoted.push(letter);
                quoted.push(letter);
            }
            letter if is_treacherous(letter) => _ = write!(quoted, "\\u{:04x}", u32::from(letter)),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn is_treacherous(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn escaped(text: &str) -> String {
    let mut quoted = String::from("$'");
    for letter in text.chars() {
        match letter {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\0' => quoted.push('\u{fffd}'),
            // By its bytes: `\u` depends on the shell's locale. Three octal digits end where they end.
            letter if is_treacherous(letter) => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    _ = write!(quoted, "\\{byte:03o}");
                }
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_word_stays_and_everything_else_is_one_word() {
        assert_eq!(shell("web-01.example.org/a:b"), "web-01.example.org/a:b");
        assert_eq!(shell(""), "''");
        assert_eq!(shell("it's; rm -rf $HOME"), r"'it'\''s; rm -rf $HOME'");
        assert_eq!(shell("=ls"), "'=ls'");
        assert_eq!(shell("\u{1b}[31m\\"), r"$'\033[31m\\'");
        assert_eq!(shell("a\u{202e}b"), r"$'a\342\200\256b'");
    }

    #[test]
    fn terraform_sees_no_expression_in_a_text() {
        assert_eq!(hcl("a \"b\" ${c} %{d} $e \\"), r#""a \"b\" $${c} %%{d} $e \\""#);
        assert_eq!(hcl("\u{7}\n"), "\"\\u0007\\n\"");
    }

    /// What bash makes of a word.
    fn read_by_bash(word: &str) -> String {
        let output = Command::new("bash")
            .args(["--norc", "-c", &format!("printf %s {word}")])
            .output()
            .expect("bash runs");
        assert!(output.status.success(), "{word}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What Terraform makes of a quoted string, by its language's rules; `None` where an expression would begin or the
    /// string would end early.
    fn read_by_terraform(quoted: &str) -> Option<String> {
        let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let (mut text, mut letters) = (String::new(), inner.chars().peekable());
        while let Some(letter) = letters.next() {
            match letter {
                '"' | '\n' => return None,
                '\\' => match letters.next()? {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    same @ ('"' | '\\') => text.push(same),
                    'u' => {
                        let digits: String = letters.by_ref().take(4).collect();
                        text.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    _ => return None,
                },
                '$' | '%' => {
                    let rest: String = letters.clone().take(2).collect();
                    if rest.starts_with('{') {
                        return None;
                    }
                    text.push(letter);
                    // Doubled before a bracket, it stands for itself.
                    if rest == format!("{letter}{{") {
                        letters.next();
                        letters.next();
                        text.push('{');
                    }
                }
                letter => text.push(letter),
            }
        }
        Some(text)
    }

    proptest! {
        #[test]
        fn terraform_reads_back_any_text(text in "\\PC{0,12}|[${}%\"\\\\n\\x01-\\x1f]{0,12}|[^\\x00]{0,12}") {
            prop_assert_eq!(read_by_terraform(&hcl(&text)), Some(text));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn bash_reads_back_any_text(text in "\\PC{0,12}|[\\x01-\\x1f '\"$`\\\\!~*#=-]{0,12}|[^\\x00]{0,12}") {
            prop_assert_eq!(read_by_bash(&shell(&text)), text);
        }
    }
}
