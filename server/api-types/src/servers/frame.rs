//! The servers stream in its compact form: length-prefixed binary frames, the same events as NDJSON has.
//!
//! A frame is `length: u32 LE` (of what follows), `kind: u8`, payload. Numbers inside are LEB128 varints unless
//! said otherwise. Text that repeats (statuses, flavors, image names, tags, …) travels once, in a `Dict` frame of
//! its region; rows then carry codes: 0 for none, else the position in the dictionary, from 1. A row is a run of
//! bytes that means the same on every connection of one index, so the index keeps rows in just this form and
//! sending one is copying it.

mod reader;
mod row_codec;
mod writer;

pub use reader::{Frame, FrameReader, Strings};
pub use row_codec::{AddressRef, Addresses, Codes, Interner, IpRef, RowRef, Rows, decode_row, encode_row};
pub use row_codec::{parse_flavor, parse_image, parse_metadata};
pub use writer::FrameWriter;

/// A frame longer than this is a fault of the sender, not a large list: rows come in chunks of some 256.
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that are no frame, or a frame that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is malformed: {0}")]
pub struct FrameError(pub &'static str);

/// The kinds of frames, as their byte says.
mod kind {
    pub const HELLO: u8 = 0;
    pub const DICT: u8 = 1;
    pub const ROWS: u8 = 2;
    pub const GONE: u8 = 3;
    pub const REGION: u8 = 4;
    pub const RESET: u8 = 5;
    pub const POSITION: u8 = 6;
    pub const CAUGHT_UP: u8 = 7;
    pub const PING: u8 = 8;
    pub const ENDED: u8 = 9;
}

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(text.as_bytes());
}

/// Reads forward through a payload; every step says when there is nothing left.
#[derive(Clone)]
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, FrameError> {
        let (first, rest) = self.rest.split_first().ok_or(FrameError("it ends inside a value"))?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    fn varint(&mut self) -> Result<u32, FrameError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u32::from(first));
        }
        let mut value = u32::from(first & 0x7f);
        for shift in [7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FrameError("a number is too long"))
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], FrameError> {
        if len > self.rest.len() {
            return Err(FrameError("it ends inside a value"));
        }
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(taken)
    }

    fn u32_le(&mut self) -> Result<u32, FrameError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn text(&mut self) -> Result<&'a str, FrameError> {
        let len = self.varint()? as usize;
        std::str::from_utf8(self.take(len)?).map_err(|_| FrameError("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests;
