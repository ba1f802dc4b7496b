//! A place in the stream as text: how much of each region's rows a viewer knows.

use api_types::Region;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::index::Known;

/// What a viewer says it knows. Anybody can make one up; it then sees too little of what it may see anyway, or all of
/// it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position(Vec<(u32, Known)>);

impl Position {
    pub fn of<'a>(regions: impl IntoIterator<Item = (&'a Region, Known)>) -> Self {
        Self(regions.into_iter().map(|(region, known)| (name_of(region), known)).collect())
    }

    /// Reads a position; one that is none knows nothing.
    pub fn parse(text: &str) -> Self {
        parse(text).unwrap_or_default()
    }

    /// What is known of a region, if anything is.
    pub fn known(&self, region: &Region) -> Option<Known> {
        let name = name_of(region);
        self.0.iter().find(|(other, _)| *other == name).map(|(_, known)| *known)
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![VERSION];
        for (name, known) in &self.0 {
            bytes.extend_from_slice(&name.to_le_bytes());
            bytes.extend_from_slice(&known.epoch.to_le_bytes());
            put_varint(&mut bytes, known.change);
            put_varint(&mut bytes, u64::from(known.texts));
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

const VERSION: u8 = 1;
/// 255 regions of 23 bytes each.
const LONGEST_TEXT: usize = 8 * 1024;

fn parse(text: &str) -> Option<Position> {
    if text.len() > LONGEST_TEXT {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let mut rest = bytes.strip_prefix(&[VERSION])?;
    let mut regions = Vec::new();
    while !rest.is_empty() {
        let name = take_u32(&mut rest)?;
        let epoch = take_u32(&mut rest)?;
        let change = take_varint(&mut rest)?;
        let texts = u32::try_from(take_varint(&mut rest)?).ok()?;
        regions.push((name, Known { epoch, change, texts }));
    }
    Some(Position(regions))
}

/// Stands for a region's name. Two with the same number would only be sent whole again: their epochs differ.
fn name_of(region: &Region) -> u32 {
    // FNV-1a.
    region.as_str().bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn region(name: &str) -> Region {
        name.parse().expect("a region")
    }

    #[test]
    fn a_position_comes_back_as_it_went_and_is_short() {
        let (one, two) = (region("RegionOne"), region("RegionTwo"));
        let known = |change| Known { epoch: u32::MAX, change, texts: 300 };
        let text = Position::of([(&one, known(1)), (&two, known(u64::from(u32::MAX)))]).to_string();
        assert!(text.len() < 50 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let position = Position::parse(&text);
        assert_eq!(position.known(&two), Some(known(u64::from(u32::MAX))));
        assert_eq!(position.known(&region("RegionThree")), None);
    }

    #[test]
    fn positions_that_are_none_know_nothing() {
        let endless = "A".repeat(LONGEST_TEXT + 1);
        for text in ["", "AQ", "!!", "Ag", "AQEBAQ", "AQAAAAAAAAAA____________", &endless] {
            assert_eq!(Position::parse(text).known(&region("RegionOne")), None, "{text:.20}");
        }
    }

    proptest! {
        #[test]
        fn no_text_at_all_does_harm(text in ".{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            Position::parse(&text);
            let mut with_version = vec![VERSION];
            with_version.extend(bytes);
            Position::parse(&URL_SAFE_NO_PAD.encode(with_version));
        }
    }
}
