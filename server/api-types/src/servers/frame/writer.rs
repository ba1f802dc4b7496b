//! Frames on their way out.

use super::{kind, put_text, put_varint};
use crate::{
    Region, ServerId,
    servers::{Event, RegionState},
};

/// Collects frames; what it holds is taken whole with [`FrameWriter::take`].
#[derive(Default)]
pub struct FrameWriter {
    out: Vec<u8>,
}

impl FrameWriter {
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything written since the last call, and an empty writer again.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    pub fn len(&self) -> usize {
        self.out.len()
    }

    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Names the regions; later frames say a region by its place in this list (at most 255).
    pub fn hello(&mut self, regions: &[Region]) {
        self.json(kind::HELLO, &Event::Hello { regions: regions.to_vec() });
    }

    /// More of a region's dictionary: `texts` get the codes from `first_code` on.
    pub fn dict<'t>(&mut self, region: u8, first_code: u32, texts: impl ExactSizeIterator<Item = &'t str>) {
        self.frame(kind::DICT, |out| {
            out.push(region);
            put_varint(out, first_code);
            put_varint(out, texts.len() as u32);
            for text in texts {
                put_text(out, text);
            }
        });
    }

    /// Rows as [`encode_row`](super::encode_row) made them.
    pub fn rows<'r>(&mut self, region: u8, rows: impl ExactSizeIterator<Item = &'r [u8]>) {
        self.frame(kind::ROWS, |out| {
            out.push(region);
            put_varint(out, rows.len() as u32);
            for row in rows {
                out.extend_from_slice(row);
            }
        });
    }

    pub fn gone(&mut self, region: u8, ids: &[ServerId]) {
        self.frame(kind::GONE, |out| {
            out.push(region);
            put_varint(out, ids.len() as u32);
            for id in ids {
                out.extend_from_slice(&id.0);
            }
        });
    }

    pub fn region(&mut self, state: &RegionState) {
        self.json(kind::REGION, state);
    }

    /// The region starts over: its dictionary is empty again, and rows not sent anew by the time it is complete
    /// are gone.
    pub fn reset(&mut self, region: u8) {
        self.frame(kind::RESET, |out| out.push(region));
    }

    pub fn position(&mut self, position: &str) {
        self.frame(kind::POSITION, |out| out.extend_from_slice(position.as_bytes()));
    }

    pub fn caught_up(&mut self) {
        self.frame(kind::CAUGHT_UP, |_| {});
    }

    pub fn ping(&mut self) {
        self.frame(kind::PING, |_| {});
    }

    pub fn ended(&mut self, code: &str, message: &str) {
        self.json(kind::ENDED, &Event::Ended { code: code.to_owned(), message: message.to_owned() });
    }

    fn json(&mut self, kind: u8, value: &impl serde::Serialize) {
        self.frame(kind, |out| {
            // These types have text keys and no maps, so writing them to memory has no way to fail.
            let written = serde_json::to_writer(out, value);
            debug_assert!(written.is_ok());
        });
    }

    fn frame(&mut self, kind: u8, payload: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        self.out.extend_from_slice(&[0, 0, 0, 0, kind]);
        payload(&mut self.out);
        let length = (self.out.len() - start - 4) as u32;
        self.out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
}
