//! Frames on their way in.

use super::{Cursor, FrameError, MAX_FRAME_BYTES, Rows, kind};
use crate::{Region, ServerId, servers::RegionState};

/// Cuts bytes that arrive in any pieces into frames.
#[derive(Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    read: usize,
}

/// One frame. A `u8` region is its place in the `Hello`.
pub enum Frame<'a> {
    Hello { regions: Vec<Region> },
    Dict { region: u8, first_code: u32, texts: Strings<'a> },
    Rows { region: u8, rows: Rows<'a> },
    Gone { region: u8, ids: Vec<ServerId> },
    Region(RegionState),
    Reset { region: u8 },
    Position(&'a str),
    CaughtUp,
    Ping,
    Ended { code: String, message: String },
}

/// The texts of a `Dict` frame, in the order of their codes.
#[derive(Clone)]
pub struct Strings<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

impl FrameReader {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes as they arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        // What was read goes first, so the buffer stays as long as a frame and a piece, not as the stream.
        if self.read > 0 {
            self.buffer.drain(..self.read);
            self.read = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; `None` until more bytes come. After an error the stream is lost.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let unread = &self.buffer[self.read..];
        let Some(prefix) = unread.get(..4) else { return Ok(None) };
        let length = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
        if length == 0 || length > MAX_FRAME_BYTES {
            return Err(FrameError("a frame has an impossible length"));
        }
        if unread.len() < 4 + length {
            return Ok(None);
        }
        let start = self.read + 4;
        self.read = start + length;
        Frame::parse(&self.buffer[start..start + length]).map(Some)
    }

    /// Bytes of a frame that is not whole yet.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.read
    }
}

impl<'a> Frame<'a> {
    /// Reads a frame's kind and payload (without its length).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor { rest: bytes };
        Ok(match cursor.byte()? {
            kind::HELLO => Self::Hello { regions: json::<Hello>(cursor.rest)?.regions },
            kind::DICT => {
                let (region, first_code) = (cursor.byte()?, cursor.varint()?);
                Self::Dict { region, first_code, texts: Strings::read(&mut cursor)? }
            }
            kind::ROWS => {
                let region = cursor.byte()?;
                Self::Rows { region, rows: Rows::read(&mut cursor.rest)? }
            }
            kind::GONE => {
                let (region, count) = (cursor.byte()?, cursor.varint()?);
                let mut ids = Vec::with_capacity((count as usize).min(cursor.rest.len() / 16));
                for _ in 0..count {
                    let mut id = [0; 16];
                    id.copy_from_slice(cursor.take(16)?);
                    ids.push(ServerId(id));
                }
                Self::Gone { region, ids }
            }
            kind::REGION => Self::Region(json(cursor.rest)?),
            kind::RESET => Self::Reset { region: cursor.byte()? },
            kind::POSITION => Self::Position(
                std::str::from_utf8(cursor.rest).map_err(|_| FrameError("a text is not UTF-8"))?,
            ),
            kind::CAUGHT_UP => Self::CaughtUp,
            kind::PING => Self::Ping,
            kind::ENDED => {
                let Ended { code, message } = json(cursor.rest)?;
                Self::Ended { code, message }
            }
            _ => return Err(FrameError("a frame is of an unknown kind")),
        })
    }
}

impl<'a> Strings<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, FrameError> {
        let left = cursor.varint()?;
        let start = cursor.clone();
        for _ in 0..left {
            cursor.text()?;
        }
        Ok(Self { cursor: start, left })
    }

    pub fn len(&self) -> usize {
        self.left as usize
    }

    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.left = self.left.checked_sub(1)?;
        self.cursor.text().ok()
    }
}

/// [`Event::Hello`](crate::servers::Event) as this side reads it. Reading a whole `Event` would bring a reader of
/// every event, rows included, into the module that browsers download.
#[derive(serde::Deserialize)]
struct Hello {
    regions: Vec<Region>,
}

/// [`Event::Ended`](crate::servers::Event), likewise.
#[derive(serde::Deserialize)]
struct Ended {
    code: String,
    message: String,
}

fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(bytes).map_err(|_| FrameError("a frame's JSON does not fit"))
}
