//! Texts on their way to the browser. Handing over a text costs more than setting it, so those that repeat are handed
//! over once, and those that do not go together: one long text for a block of rows, cut where it arrives.

use std::{collections::HashMap, fmt::Write};

use api_types::servers::frame::IpRef;
use js_sys::JsString;
use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{Element, Node};

use crate::{
    features::servers::{
        rows::{RowIndex, RowView},
        texts,
    },
    ui::format,
};

/// What a row says that no other does.
pub struct OwnTexts {
    pub id: JsString,
    pub name: JsString,
    /// As many as are asked for, the one to reach the server by first.
    pub addresses: [Option<JsString>; 2],
    /// How many addresses there are.
    pub address_count: usize,
}

/// Texts the browser holds already.
#[derive(Default)]
pub struct RowTexts {
    texts: HashMap<Box<str>, JsString>,
    memories: HashMap<u32, JsString>,
    ages: HashMap<u32, JsString>,
    ahead: Ahead,
}

/// Rows that were read ahead, in the order they will be painted.
#[derive(Default)]
struct Ahead {
    text: JsString,
    rows: Vec<AheadRow>,
    next: usize,
}

struct AheadRow {
    row: RowIndex,
    id: Span,
    name: Span,
    addresses: [Option<Span>; 2],
    address_count: usize,
}

/// From and to, as JavaScript counts letters.
type Span = (u32, u32);

/// A cloud with more distinct texts than this shares none worth keeping.
const TEXTS_KEPT: usize = 4_096;

impl RowTexts {
    /// Hands over what these rows alone say. They are to be painted next, in this order.
    pub fn read_ahead<'r>(&mut self, rows: impl Iterator<Item = RowView<'r>>, addresses_shown: usize) {
        let mut writer = Writer::default();
        let rows = rows.map(|row| writer.row(row, addresses_shown)).collect();
        self.ahead = Ahead { text: JsString::from(writer.text), rows, next: 0 };
    }

    /// What this row alone says.
    pub fn own(&mut self, row: RowView<'_>, addresses_shown: usize) -> OwnTexts {
        let is_next = |ahead: &Ahead| ahead.rows.get(ahead.next).is_some_and(|next| next.row == row.index());
        if !is_next(&self.ahead) {
            self.read_ahead(std::iter::once(row), addresses_shown);
        }
        let Ahead { text, rows, next } = &mut self.ahead;
        let cut = |(from, to): Span| text.substring(from, to);
        let ahead = &rows[*next];
        *next += 1;
        OwnTexts {
            id: cut(ahead.id),
            name: cut(ahead.name),
            addresses: ahead.addresses.map(|address| address.map(cut)),
            address_count: ahead.address_count,
        }
    }

    /// A text that other rows say too.
    pub fn shared(&mut self, text: &str) -> JsString {
        if let Some(held) = self.texts.get(text) {
            return held.clone();
        }
        let made = JsString::from(text);
        if self.texts.len() >= TEXTS_KEPT {
            self.texts.clear();
        }
        self.texts.insert(text.into(), made.clone());
        made
    }

    pub fn memory(&mut self, mib: u32) -> JsString {
        self.memories.entry(mib).or_insert_with(|| JsString::from(format::memory(mib.into()))).clone()
    }

    /// How long ago `at` was; both in seconds since 1970, `at` 0 where it was not said.
    pub fn age(&mut self, at: u32, now: i64) -> JsString {
        if at == 0 {
            return self.shared(texts::UNKNOWN);
        }
        let made = || JsString::from(format::ago(i64::from(at), now));
        self.ages.entry(age_key(at, now)).or_insert_with(made).clone()
    }
}

/// Moments with the same key have the same age in words: the units are those of [`format::ago`].
pub fn age_key(at: u32, now: i64) -> u32 {
    const HOUR: u32 = 3_600;
    const DAY: u32 = 24 * HOUR;
    let age = now.saturating_sub(i64::from(at)).clamp(0, i64::from(u32::MAX)) as u32;
    let (unit, value) = match age {
        0..60 => (0, age),
        60..HOUR => (1, age / 60),
        HOUR..DAY => (2, age / HOUR),
        _ if age < 45 * DAY => (3, age / DAY),
        _ if age < 365 * DAY => (4, age / (30 * DAY)),
        _ => (5, age / (365 * DAY)),
    };
    unit * 1_000 + value
}

/// Sets the text of an element that has none but a blank, as in the template.
pub fn fill(element: &Element, text: &JsString) {
    if let Some(blank) = element.first_child() {
        set_node(&blank, text);
    }
}

pub fn set_text(element: &Element, text: &JsString) {
    element.unchecked_ref::<Fast>().set_text(text);
}

pub fn set_attribute(element: &Element, name: &JsString, value: &JsString) {
    element.unchecked_ref::<Fast>().set_attribute(name, value);
}

pub fn set_number(element: &Element, name: &JsString, value: usize) {
    element.unchecked_ref::<Fast>().set_number(name, value as f64);
}

fn set_node(node: &Node, text: &JsString) {
    node.unchecked_ref::<Fast>().set_node(text);
}

/// What the bindings have too, but taking texts the browser holds already.
#[wasm_bindgen]
extern "C" {
    type Fast;

    #[wasm_bindgen(method, setter, js_name = textContent)]
    fn set_text(this: &Fast, text: &JsString);

    #[wasm_bindgen(method, setter, js_name = nodeValue)]
    fn set_node(this: &Fast, text: &JsString);

    #[wasm_bindgen(method, js_name = setAttribute)]
    fn set_attribute(this: &Fast, name: &JsString, value: &JsString);

    #[wasm_bindgen(method, js_name = setAttribute)]
    fn set_number(this: &Fast, name: &JsString, value: f64);
}

/// Writes one long text and notes where each part of it stands.
#[derive(Default)]
struct Writer {
    text: String,
    /// How long it is as JavaScript counts.
    letters: u32,
}

impl Writer {
    fn row(&mut self, row: RowView<'_>, addresses_shown: usize) -> AheadRow {
        let id = self.part(|text| _ = write!(text, "{}", row.id()));
        let name = self.part(|text| match row.name() {
            // A name of nothing but blanks would be a link nobody can see or press.
            blank if blank.trim().is_empty() => text.push_str(&texts::unnamed(&row.id().to_string())),
            name => text.push_str(name),
        });
        let mut shown = [None; 2];
        let mut address_count = 0;
        for address in row.addresses() {
            address_count += 1;
            let [first, second] = &mut shown;
            let is_first_floating = first
                .as_ref()
                .is_some_and(|held: &crate::features::servers::rows::AddressView<'_>| held.is_floating);
            if first.is_none() {
                *first = Some(address);
            } else if address.is_floating && !is_first_floating {
                // The floating one is how the server is reached from outside: it comes first.
                *second = first.replace(address);
            } else if second.is_none() {
                *second = Some(address);
            }
        }
        let mut addresses = [None; 2];
        for (span, address) in addresses.iter_mut().zip(shown).take(addresses_shown) {
            *span = address.map(|address| self.part(|text| write_ip(text, address.ip)));
        }
        AheadRow { row: row.index(), id, name, addresses, address_count }
    }

    fn part(&mut self, write: impl FnOnce(&mut String)) -> Span {
        let (from, begin) = (self.letters, self.text.len());
        write(&mut self.text);
        let part = &self.text[begin..];
        let letters = if part.is_ascii() { part.len() } else { part.encode_utf16().count() };
        self.letters += letters as u32;
        (from, self.letters)
    }
}

fn write_ip(text: &mut String, ip: IpRef<'_>) {
    _ = match ip {
        IpRef::V4(ip) => write!(text, "{ip}"),
        IpRef::V6(ip) => write!(text, "{ip}"),
        IpRef::Text(ip) => text.write_str(ip),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_share_a_key_only_while_their_age_reads_the_same() {
        let now = 2_000_000_000;
        let mut last: Option<(u32, String)> = None;
        for age in (0..40_000).chain((40_000..100_000_000).step_by(997)) {
            let at = (now - age) as u32;
            let (key, words) = (age_key(at, now), format::ago(i64::from(at), now));
            if let Some((last_key, last_words)) = &last
                && *last_key == key
            {
                assert_eq!(*last_words, words, "{age} s");
            }
            last = Some((key, words));
        }
    }

    #[test]
    fn parts_are_found_again_however_wide_their_letters_are() {
        let mut writer = Writer::default();
        let parts = ["web-1", "", "naïve", "🎉🎉", "\u{202e}evil", "last"];
        let spans = parts.map(|part| writer.part(|text| text.push_str(part)));
        let letters: Vec<u16> = writer.text.encode_utf16().collect();
        for (part, (from, to)) in parts.into_iter().zip(spans) {
            assert_eq!(String::from_utf16_lossy(&letters[from as usize..to as usize]), part);
        }
    }
}
