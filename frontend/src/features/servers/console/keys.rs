//! Keys of a keyboard as the two kinds of console want them. Values in, values out.

use web_sys::KeyboardEvent;

/// A key that was pressed, as the browser tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed<'a> {
    /// `KeyboardEvent.key`.
    pub key: &'a str,
    pub is_ctrl: bool,
    pub is_alt: bool,
    pub is_shift: bool,
    pub is_meta: bool,
    /// The terminal is in application cursor mode (DECCKM).
    pub is_application: bool,
}

impl<'a> Pressed<'a> {
    /// The key of an event, for a console without an application cursor mode. `key` is the event's own, kept by the
    /// caller.
    pub fn of(event: &KeyboardEvent, key: &'a str) -> Self {
        Self {
            key,
            is_ctrl: event.ctrl_key(),
            is_alt: event.alt_key(),
            is_shift: event.shift_key(),
            is_meta: event.meta_key(),
            is_application: false,
        }
    }
}

/// The keys that give the focus back, so that nobody is caught in a console.
pub fn leaves(pressed: Pressed<'_>) -> bool {
    pressed.key == "Escape" && pressed.is_ctrl && pressed.is_alt
}

/// What a terminal sends for a key; `None` for those that are the browser's own, or mean nothing by themselves.
/// Source: xterm control sequences, "PC-Style Function Keys".
pub fn terminal_bytes(pressed: Pressed<'_>) -> Option<Vec<u8>> {
    let Pressed { key, is_ctrl, is_alt, is_shift, is_meta, is_application } = pressed;
    if is_meta || (is_ctrl && is_shift && key.chars().count() == 1) {
        return None;
    }
    let modifier = 1 + u8::from(is_shift) + 2 * u8::from(is_alt) + 4 * u8::from(is_ctrl);
    let cursor = |letter: char| match (modifier, is_application) {
        (1, true) => format!("\u{1b}O{letter}"),
        (1, false) => format!("\u{1b}[{letter}"),
        (modifier, _) => format!("\u{1b}[1;{modifier}{letter}"),
    };
    let tilde = |number: u8| match modifier {
        1 => format!("\u{1b}[{number}~"),
        modifier => format!("\u{1b}[{number};{modifier}~"),
    };
    let text = match key {
        "Enter" => "\r".to_owned(),
        "Backspace" => "\u{7f}".to_owned(),
        "Tab" if is_shift => "\u{1b}[Z".to_owned(),
        "Tab" => "\t".to_owned(),
        "Escape" => "\u{1b}".to_owned(),
        "ArrowUp" => cursor('A'),
        "ArrowDown" => cursor('B'),
        "ArrowRight" => cursor('C'),
        "ArrowLeft" => cursor('D'),
        "Home" => cursor('H'),
        "End" => cursor('F'),
        "Insert" => tilde(2),
        "Delete" => tilde(3),
        "PageUp" => tilde(5),
        "PageDown" => tilde(6),
        "F1" => "\u{1b}OP".to_owned(),
        "F2" => "\u{1b}OQ".to_owned(),
        "F3" => "\u{1b}OR".to_owned(),
        "F4" => "\u{1b}OS".to_owned(),
        "F5" => tilde(15),
        "F6" => tilde(17),
        "F7" => tilde(18),
        "F8" => tilde(19),
        "F9" => tilde(20),
        "F10" => tilde(21),
        "F11" => tilde(23),
        "F12" => tilde(24),
        letter if letter.chars().count() == 1 => return letter_bytes(letter, is_ctrl, is_alt),
        _ => return None,
    };
    Some(text.into_bytes())
}

fn letter_bytes(letter: &str, is_ctrl: bool, is_alt: bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // AltGr comes as both: then the letter is what was meant.
    if is_alt && !is_ctrl {
        bytes.push(0x1b);
    }
    match (is_ctrl && !is_alt, letter.as_bytes()) {
        (true, [letter @ (b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'['..=b'_')]) => bytes.push(letter & 0x1f),
        (true, b" ") => bytes.push(0),
        (true, b"?") => bytes.push(0x7f),
        (true, _) => return None,
        (false, letter) => bytes.extend_from_slice(letter),
    }
    Some(bytes)
}

/// The X11 keysym of a key, as RFB sends it; `None` for keys that have none.
/// Source: RFC 6143, section 7.5.4, and X11's keysymdef.h.
pub fn keysym(key: &str) -> Option<u32> {
    let mut letters = key.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        let code = u32::from(letter);
        // Latin-1 is itself; all else is Unicode with a mark.
        return Some(if code < 0x100 { code } else { 0x0100_0000 | code });
    }
    Some(match key {
        "Backspace" => 0xff08,
        "Tab" => 0xff09,
        "Enter" => 0xff0d,
        "Pause" => 0xff13,
        "ScrollLock" => 0xff14,
        "Escape" => 0xff1b,
        "Home" => 0xff50,
        "ArrowLeft" => 0xff51,
        "ArrowUp" => 0xff52,
        "ArrowRight" => 0xff53,
        "ArrowDown" => 0xff54,
        "PageUp" => 0xff55,
        "PageDown" => 0xff56,
        "End" => 0xff57,
        "PrintScreen" => 0xff61,
        "Insert" => 0xff63,
        "ContextMenu" => 0xff67,
        "NumLock" => 0xff7f,
        "Shift" => 0xffe1,
        "Control" => 0xffe3,
        "CapsLock" => 0xffe5,
        "Alt" => 0xffe9,
        "AltGraph" => 0xfe03,
        "Meta" => 0xffeb,
        "Delete" => 0xffff,
        _ => return function_key(key),
    })
}

/// The keys of a screen that are down, by their places on the keyboard: when a key goes up it may have another name (`A`
/// is `a` once Shift is up), and when the focus goes it is not heard of at all.
#[derive(Debug, Default)]
pub struct KeysDown(Vec<(String, u32)>);

impl KeysDown {
    /// The keysym to send down. A key that is held repeats the one it went down with.
    pub fn press(&mut self, place: &str, keysym: u32) -> u32 {
        if let Some((_, down)) = self.0.iter().find(|(other, _)| other == place) {
            return *down;
        }
        self.0.push((place.to_owned(), keysym));
        keysym
    }

    /// The keysym to send up; `None` for a key that is not down.
    pub fn release(&mut self, place: &str) -> Option<u32> {
        let at = self.0.iter().position(|(other, _)| other == place)?;
        Some(self.0.remove(at).1)
    }

    /// All of them, the last pressed first.
    pub fn release_all(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.0).into_iter().rev().map(|(_, keysym)| keysym).collect()
    }
}

/// The keysyms that type a text, one after the other; letters that have none are left out.
pub fn keysyms(text: &str) -> Vec<u32> {
    let name = |letter: char| match letter {
        '\n' | '\r' => "Enter".to_owned(),
        '\t' => "Tab".to_owned(),
        '\u{7f}' => "Backspace".to_owned(),
        letter if letter.is_control() => String::new(),
        letter => letter.to_string(),
    };
    text.replace("\r\n", "\n").chars().filter_map(|letter| keysym(&name(letter))).collect()
}

fn function_key(key: &str) -> Option<u32> {
    let number: u32 = key.strip_prefix('F')?.parse().ok()?;
    (1..=12).contains(&number).then(|| 0xffbd + number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(key: &str) -> Pressed<'_> {
        Pressed { key, is_ctrl: false, is_alt: false, is_shift: false, is_meta: false, is_application: false }
    }

    fn bytes(pressed: Pressed<'_>) -> Option<String> {
        terminal_bytes(pressed).map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn letters_are_themselves_and_control_makes_them_control_characters() {
        assert_eq!(bytes(pressed("ß")).as_deref(), Some("ß"));
        assert_eq!(bytes(Pressed { is_ctrl: true, ..pressed("c") }).as_deref(), Some("\u{3}"));
        assert_eq!(bytes(Pressed { is_ctrl: true, ..pressed("[") }).as_deref(), Some("\u{1b}"));
        assert_eq!(bytes(Pressed { is_alt: true, ..pressed("b") }).as_deref(), Some("\u{1b}b"));
        let alt_gr = Pressed { is_ctrl: true, is_alt: true, ..pressed("@") };
        assert_eq!(bytes(alt_gr).as_deref(), Some("@"));
    }

    #[test]
    fn arrows_follow_the_terminals_mode_and_modifiers() {
        assert_eq!(bytes(pressed("ArrowUp")).as_deref(), Some("\u{1b}[A"));
        assert_eq!(
            bytes(Pressed { is_application: true, ..pressed("ArrowUp") }).as_deref(),
            Some("\u{1b}OA")
        );
        assert_eq!(bytes(Pressed { is_ctrl: true, ..pressed("ArrowLeft") }).as_deref(), Some("\u{1b}[1;5D"));
        assert_eq!(bytes(Pressed { is_shift: true, ..pressed("Tab") }).as_deref(), Some("\u{1b}[Z"));
        assert_eq!(bytes(pressed("F12")).as_deref(), Some("\u{1b}[24~"));
    }

    #[test]
    fn what_is_the_browsers_stays_the_browsers() {
        assert_eq!(bytes(Pressed { is_meta: true, ..pressed("c") }), None);
        assert_eq!(bytes(Pressed { is_ctrl: true, is_shift: true, ..pressed("C") }), None);
        assert_eq!(bytes(pressed("Shift")), None);
        assert!(leaves(Pressed { is_ctrl: true, is_alt: true, ..pressed("Escape") }));
        assert!(!leaves(pressed("Escape")));
    }

    #[test]
    fn keysyms_are_latin_1_unicode_or_named() {
        assert_eq!(keysym("a"), Some(0x61));
        assert_eq!(keysym("ü"), Some(0xfc));
        assert_eq!(keysym("€"), Some(0x0100_20ac));
        assert_eq!(keysym("F1"), Some(0xffbe));
        assert_eq!(keysym("F12"), Some(0xffc9));
        assert_eq!(keysym("Unidentified"), None);
        assert_eq!(keysym("F99"), None);
    }

    #[test]
    fn what_went_down_goes_up_whatever_it_is_called_by_then() {
        let mut down = KeysDown::default();
        assert_eq!(down.press("ShiftLeft", 0xffe1), 0xffe1);
        assert_eq!(down.press("KeyA", 0x41), 0x41);
        assert_eq!(down.release("ShiftLeft"), Some(0xffe1));
        // Held, it repeats in small letters.
        assert_eq!(down.press("KeyA", 0x61), 0x41);
        assert_eq!(down.release("KeyA"), Some(0x41));
        assert_eq!(down.release("KeyA"), None);
        down.press("ControlLeft", 0xffe3);
        down.press("AltLeft", 0xffe9);
        assert_eq!(down.release_all(), [0xffe9, 0xffe3]);
        assert_eq!(down.release_all(), [0; 0]);
    }

    #[test]
    fn a_text_is_typed_key_by_key() {
        assert_eq!(keysyms("a\r\nß\n"), [0x61, 0xff0d, 0xdf, 0xff0d]);
        assert_eq!(keysyms("\u{7f}\t\u{1b}"), [0xff08, 0xff09]);
    }
}
