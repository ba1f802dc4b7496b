//! What text may be in the log: bounded, one line, nothing a terminal obeys, no secrets.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex, bytes};

pub const LONGEST_DESCRIPTION: usize = 4096;
/// Names of users, projects, fields and the like.
pub const LONGEST_NAME: usize = 128;
/// The value of one field; a stack of calls fits.
pub const LONGEST_VALUE: usize = 8192;

/// Replaces what looks like a secret by `***`: tokens by their header, their name or their look, passwords, cookies,
/// and who signs in within an address. Its time grows with the text and no faster.
pub fn mask(text: &str) -> Cow<'_, str> {
    if !might_hold_secret(text) {
        return Cow::Borrowed(text);
    }
    let mut masked = Cow::Borrowed(text);
    for pattern in SECRETS.iter() {
        if let Cow::Owned(replaced) = pattern.replace_all(&masked, without_secret) {
            masked = Cow::Owned(replaced);
        }
    }
    masked
}

/// The value of something that has a name: all of it is a secret where the name says so.
pub fn mask_pair<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if !value.is_empty() && SECRET_NAME.is_match(name) { Cow::Borrowed("***") } else { mask(value) }
}

/// Whether there is any sign of a secret; without one, [`mask`] changes nothing.
pub fn might_hold_secret(text: &str) -> bool {
    might_have_sign(text) && SIGN.is_match(text)
}

/// Masks, cuts, and makes one line of it.
pub fn tidy(text: &mut String, longest: usize) {
    if let Cow::Owned(masked) = mask(text) {
        *text = masked;
    }
    clean(text, longest);
}

/// Cuts, makes one line of it, and takes control characters out.
pub fn clean(text: &mut String, longest: usize) {
    if is_plain(text, longest) {
        return;
    }
    let kept = cut(text, longest);
    let is_cut = kept.len() < text.len();
    let mut cleaned: String = kept
        .chars()
        .map(|character| if matches!(character, '\n' | '\t') { ' ' } else { character })
        .filter(|character| !is_control(*character))
        .collect();
    if is_cut {
        cleaned.push('…');
    }
    *text = cleaned;
}

/// Whether [`clean`] would leave it as it is.
pub fn is_plain(text: &str, longest: usize) -> bool {
    text.len() <= longest && (is_printed_ascii(text) || !text.chars().any(is_control))
}

/// Whether it has nothing but what ASCII prints, as most text. Nothing ends the loop early, so that it takes many bytes
/// at a time.
fn is_printed_ascii(text: &str) -> bool {
    text.bytes().fold(true, |is_printed, byte| is_printed & matches!(byte, b' '..=b'~'))
}

/// What moves a cursor, ends a line, colors a terminal, or turns the direction of writing round.
pub fn is_control(character: char) -> bool {
    // The most common ones first: all of ASCII that is printed.
    !(' '..='~').contains(&character)
        && (character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
}

/// The beginning of a text, of at most so many bytes.
pub fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest.min(text.len()))]
}

const SECRET_WORDS: &str =
    "passw(?:or)?d|passphrase|admin_?pass|secret|token|api[_-]?key|credential|signature|authorization|cookie";

static SIGN: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!("(?i:{SECRET_WORDS}|bearer)|gAAAA|eyJ|__Host-|meridian=|://[^/?#\\s\"@]*@"))
});

/// A part of each sign in small letters, rare in other text. All are literals of at most [`LONGEST_PART`] bytes: those are
/// looked for many bytes at a time, while [`SIGN`] goes from one to the next.
static PARTS_OF_SIGNS: LazyLock<bytes::Regex> = LazyLock::new(|| {
    let words = "pass|secr|toke|apik|i_ke|i-ke|cred|natu|riza|cook|bear";
    let pattern = format!("{words}|gaaa|eyj|__ho|ian=");
    bytes::Regex::new(&pattern).unwrap_or_else(|error| panic!("{error}"))
});

const LONGEST_PART: usize = 4;

static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| regex(&format!("(?i){SECRET_WORDS}")));

/// What stands in `keep` stays, the rest becomes `***`.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    // Around the sign between a name and its value; JSON within text has its quotes escaped.
    let quote = r#"\\*["']?"#;
    vec![
        // Headers whose value has several words.
        regex(&format!(
            r#"(?i)(?<keep>\b(?:authorization|(?:set-)?cookie){quote}\s*[:=]\s*{quote})[^"'\\\r\n]+"#
        )),
        regex(&format!(r#"(?i)(?<keep>\bx-[a-z-]*token{quote}\s*:\s*{quote})[^\s"'\\,;]+"#)),
        regex(&format!(
            r#"(?i)(?<keep>\b[\w-]*(?:{SECRET_WORDS})[\w-]*{quote}\s*=\s*{quote})[^\s"'\\&;,}}]+"#
        )),
        // A member of JSON, whose name is quoted.
        regex(&format!(r#"(?i)(?<keep>(?:{SECRET_WORDS})[\w-]*\\*["']\s*:\s*\\*["'])[^"'\\]+"#)),
        regex(r"(?i)(?<keep>\b(?:password|passwd|passphrase):\s+)\S+"),
        regex(r"(?i)(?<keep>\bbearer\s+)[A-Za-z0-9._~+/-]{8,}=*"),
        regex(r"(?<keep>)gAAAA[A-Za-z0-9_-]{16,}=*"),
        regex(r"(?<keep>)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        regex(r#"(?<keep>\b(?:__Host-[\w-]+|meridian)=)[^\s;"',]+"#),
        regex(r#"(?<keep>://)[^/?#\s"@]+@"#),
    ]
});

/// Whether it is worth looking for a sign with [`SIGN`]: no text that has one is left out.
fn might_have_sign(text: &str) -> bool {
    let text = text.as_bytes();
    // Some letters beyond ASCII are small or capital ones of such within; a user in an address ends with an `@`.
    if !text.is_ascii() || memchr::memchr(b'@', text).is_some() {
        return true;
    }
    let mut room = [0; 1024];
    let mut from = 0;
    loop {
        let piece = &text[from..text.len().min(from + room.len())];
        let small = &mut room[..piece.len()];
        small.copy_from_slice(piece);
        small.make_ascii_lowercase();
        if PARTS_OF_SIGNS.is_match(small) {
            return true;
        }
        if from + piece.len() == text.len() {
            return false;
        }
        // A part may lie across the end of the piece.
        from += piece.len() - (LONGEST_PART - 1);
    }
}

fn without_secret(found: &Captures<'_>) -> String {
    let after = if found[0].ends_with('@') { "@" } else { "" };
    format!("{}***{after}", &found["keep"])
}

/// A pattern of ours, none of which a person can change: a test uses them all.
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample};

    use super::*;

    /// All there are, those of letters beyond ASCII among them.
    const SIGNS: [&str; 25] = [
        "passwd",
        "password",
        "passphrase",
        "adminpass",
        "admin_pass",
        "secret",
        "token",
        "apikey",
        "api_key",
        "api-key",
        "credential",
        "signature",
        "authorization",
        "cookie",
        "bearer",
        "gAAAA",
        "eyJ",
        "__Host-",
        "meridian=",
        "://@",
        "://me:hush@",
        "pa\u{17f}\u{17f}word",
        "\u{17f}ecret",
        "to\u{212a}en",
        "coo\u{212a}ie",
    ];

    #[test]
    fn secrets_are_masked_whatever_they_look_like() {
        let fernet = "gAAAAABl0123456789abcdefghijklmnopqrstuvwxyz_-ABCDEF==";
        for (text, masked) in [
            ("X-Auth-Token: 0123456789abcdef and more", "X-Auth-Token: *** and more"),
            (r#"{"x-subject-token":"abc-def","a":1}"#, r#"{"x-subject-token":"***","a":1}"#),
            (&format!("sent {fernet} to nova"), "sent *** to nova"),
            ("Authorization: Bearer abcdefgh12345678", "Authorization: ***"),
            ("with bearer abcdefgh12345678.", "with bearer ***"),
            ("login?user=a&password=hush&x=1", "login?user=a&password=***&x=1"),
            ("adminPass='hush hush'", "adminPass='*** hush'"),
            (r#"body {"adminPass": "hush", "name": "a"}"#, r#"body {"adminPass": "***", "name": "a"}"#),
            (r#""{\"password\":\"hush\"}""#, r#""{\"password\":\"***\"}""#),
            ("password: hush", "password: ***"),
            ("Cookie: __Host-meridian=abc; other=d", "Cookie: ***"),
            ("set-cookie: a=b; Path=/", "set-cookie: ***"),
            ("got __Host-meridian=abc; other=d", "got __Host-meridian=***; other=d"),
            ("postgres://me:hush@db/meridian is away", "postgres://***@db/meridian is away"),
            ("temp_url_signature=abc&x", "temp_url_signature=***&x"),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
                "***",
            ),
        ] {
            assert_eq!(mask(text), masked, "{text}");
            assert_eq!(mask(masked), masked, "twice: {text}");
        }
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "received compute response - GET http://nova.internal:8774/v2.1/servers/7d9f?limit=5 404",
            "the token is no longer good",
            "nobody who looks has a token that is accepted: token_expired",
            "a mail to alice@example.org",
            "GET http://mail.internal:8080?to=alice@example.org",
            "",
        ] {
            assert!(matches!(mask(text), Cow::Borrowed(_)) || mask(text) == text, "{text}");
            assert_eq!(mask(text), text);
        }
        assert_eq!(mask_pair("session_token", "abc"), "***");
        assert_eq!(mask_pair("status", "abc"), "abc");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        /// The quick look leaves no text out, wherever in it the sign is and however it is written.
        #[test]
        fn no_sign_is_overlooked(
            before in "[ -~]{0,40}",
            length in 0..2_100_usize,
            sign in sample::select(&SIGNS[..]),
            capitals in any::<u32>(),
            after in "\\PC{0,40}",
        ) {
            let with_capitals = |(at, letter): (usize, char)| {
                if capitals >> (at % 32) & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
            };
            let written: String = sign.chars().enumerate().map(with_capitals).collect();
            let plain = "x7 ".repeat(length / 3);
            for sign in [sign, &written] {
                for text in [format!("{before}{plain}{sign}"), format!("{plain}{before}{sign}{plain}{after}")] {
                    prop_assert_eq!(might_hold_secret(&text), SIGN.is_match(&text), "{}", text);
                }
            }
        }
    }

    #[test]
    fn hostile_text_takes_no_longer_than_its_length() {
        let hostile = "password=".repeat(20_000) + &"://a".repeat(20_000) + &"x-".repeat(20_000);
        assert!(mask(&hostile).contains("***"));
    }

    #[test]
    fn a_terminal_is_told_nothing() {
        let mut text = "a\r\nb\u{1b}]0;title\u{7}\tc\u{9b}31m\u{202e}d\u{2028}e".to_owned();
        clean(&mut text, 100);
        assert_eq!(text, "a b]0;title c31mde");
        let mut long = "ä".repeat(100);
        clean(&mut long, 21);
        assert_eq!(long, "ä".repeat(10) + "…");
    }
}
