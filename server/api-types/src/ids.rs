//! Identifiers, valid once they exist: parsed at the edge, trusted inside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A project's id as Keystone gives it: up to 64 letters, digits, `-` and `_` (32 hex digits by default).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectId(String);

/// A region's name as the service catalog gives it: up to 255 letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

/// A server's id: the 16 bytes of its UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerId(pub [u8; 16]);

/// Text that is no identifier of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a valid {kind}")]
pub struct InvalidId {
    pub kind: &'static str,
}

impl ProjectId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Region {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let valid = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidId { kind: "project id" }) }
    }
}

impl FromStr for Region {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // `.` alone or doubled would be a path segment with a meaning.
        let valid = (1..=255).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !text.bytes().all(|b| b == b'.');
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidId { kind: "region" }) }
    }
}

impl FromStr for ServerId {
    type Err = InvalidId;

    /// Takes a UUID with or without hyphens, in either case.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        const INVALID: InvalidId = InvalidId { kind: "server id" };
        let bytes = text.as_bytes();
        let hyphenated = bytes.len() == 36;
        if !hyphenated && bytes.len() != 32 {
            return Err(INVALID);
        }
        let mut id = [0u8; 16];
        let mut nibbles = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if hyphenated && matches!(at, 8 | 13 | 18 | 23) {
                if *byte != b'-' {
                    return Err(INVALID);
                }
                continue;
            }
            let nibble = (*byte as char).to_digit(16).ok_or(INVALID)? as u8;
            id[nibbles / 2] = (id[nibbles / 2] << 4) | nibble;
            nibbles += 1;
        }
        Ok(Self(id))
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for byte in self.0 {
            if matches!(at, 8 | 13 | 18 | 23) {
                at += 1;
            }
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerId({self})")
    }
}

macro_rules! text_conversions {
    ($($id:ty),*) => {$(
        impl TryFrom<String> for $id {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.to_string()
            }
        }
    )*};
}
text_conversions!(ProjectId, Region, ServerId);

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_id_reads_and_prints_as_the_same_uuid() {
        let text = "73c344c2-0b77-4253-873f-aa4d3c5c0ed4";
        let id: ServerId = text.parse().expect("a uuid");
        assert_eq!(id.to_string(), text);
        assert_eq!("73C344C20B774253873FAA4D3C5C0ED4".parse::<ServerId>(), Ok(id));
    }

    #[test]
    fn text_that_could_escape_a_path_is_no_id() {
        for text in ["", "..", "a/b", "a b", "ä", "a%2e", "x\r\n"] {
            assert!(text.parse::<Region>().is_err(), "{text:?}");
            assert!(text.parse::<ProjectId>().is_err(), "{text:?}");
            assert!(text.parse::<ServerId>().is_err(), "{text:?}");
        }
        assert!("73c344c2-0b77-4253-873f-aa4d3c5c0ed".parse::<ServerId>().is_err());
        assert!("73c344c2+0b77-4253-873f-aa4d3c5c0ed4".parse::<ServerId>().is_err());
    }
}
