//! Bytes of the stream on their way into the rows: read in pieces so small that a turn can end after each.

use api_types::servers::frame::FrameReader;
use js_sys::Uint8Array;

use super::{
    connection::{Happening, Reason},
    rows::Applied,
    store::Servers,
    turns::Deadline,
};
use crate::ui::format;

/// Chromium hands over a fast stream in pieces of up to 2 MB, which is far more than a turn can take in.
const FIRST_SLICE_BYTES: u32 = 16 * 1024;
const SLICE_BYTES: u32 = 64 * 1024;

/// Reads one connection's frames.
#[derive(Default)]
pub struct Receiver {
    reader: FrameReader,
    slice: Vec<u8>,
    /// How much of the piece at hand was read.
    read: u32,
    has_begun: bool,
    /// What came made no sense, so neither does what follows, up to the next connection.
    is_lost: bool,
}

impl Receiver {
    /// A new connection: half a frame of the last one is lost with it.
    pub fn start(&mut self) {
        *self = Self { slice: std::mem::take(&mut self.slice), ..Self::default() };
    }

    /// Takes in a piece, as far as time allows; true once all of it is in. What it leads to goes into `happened`.
    pub fn take_in(
        &mut self,
        piece: &Uint8Array,
        servers: &mut Servers,
        deadline: &mut Deadline,
        happened: &mut Vec<Happening>,
    ) -> bool {
        let length = piece.length();
        if self.read == 0 {
            make_room(length as usize);
        }
        loop {
            if self.is_lost {
                return true;
            }
            if !self.apply_frames(servers, deadline, happened) {
                return false;
            }
            if self.read >= length {
                self.read = 0;
                return true;
            }
            let longest = if self.has_begun { SLICE_BYTES } else { FIRST_SLICE_BYTES };
            self.has_begun = true;
            let end = length.min(self.read + longest);
            self.slice.resize((end - self.read) as usize, 0);
            piece.subarray(self.read, end).copy_to(&mut self.slice);
            self.reader.push(&self.slice);
            self.read = end;
        }
    }

    /// Applies the frames that are whole; false when time is up before the last.
    fn apply_frames(
        &mut self,
        servers: &mut Servers,
        deadline: &mut Deadline,
        happened: &mut Vec<Happening>,
    ) -> bool {
        loop {
            let applied = match self.reader.next_frame() {
                Ok(Some(frame)) => servers.rows.apply(frame),
                Ok(None) => return true,
                Err(error) => Err(error),
            };
            match applied {
                Ok(applied) => servers.note(applied, happened),
                Err(_) => {
                    self.is_lost = true;
                    happened.push(Happening::Garbled);
                    return true;
                }
            }
            if !deadline.has_time() || servers.is_first_sight() {
                return false;
            }
        }
    }
}

impl Servers {
    /// Rows are here that nobody has seen: they are shown before more is read.
    pub(super) fn is_first_sight(&self) -> bool {
        self.view.is_empty() && !self.rows.is_empty() && self.view.query().is_empty()
    }

    fn note(&mut self, applied: Applied, happened: &mut Vec<Happening>) {
        match applied {
            Applied::Hello => self.region_heard_at = vec![format::now(); self.rows.regions().len()],
            Applied::Region { region, .. } => {
                if let Some(heard_at) = self.region_heard_at.get_mut(region) {
                    *heard_at = format::now();
                }
            }
            Applied::CaughtUp => {
                self.is_caught_up = true;
                // Heard first: what follows is another connection, of which nothing was heard yet.
                hear(happened);
                happened.push(Happening::CaughtUp);
            }
            Applied::Ended { code, message } => {
                happened.push(if code == "session_ended" {
                    Happening::SignedOut
                } else {
                    Happening::Refused { code, message }
                });
                return;
            }
            Applied::Rows { .. } | Applied::Gone { .. } | Applied::Reset { .. } => {}
            Applied::Position | Applied::Nothing => {
                hear(happened);
                return;
            }
        }
        self.is_settled = false;
        hear(happened);
    }

    /// Why nothing more comes, for a page that has nothing to show.
    pub(super) fn refuse(&mut self, reason: Reason) {
        self.refusal = Some(reason);
    }
}

/// Lets the memory grow once for a whole piece. Left to itself it grows by 64 KB at a time, 200 times for 100,000 rows,
/// which takes longer than reading a third of them.
fn make_room(piece_bytes: usize) {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(piece_bytes * HELD_PER_BYTE)));
}

/// Bytes that rows take here for each that they took on the way.
const HELD_PER_BYTE: usize = 2;

/// A frame came: the connection lives. Said once a turn.
fn hear(happened: &mut Vec<Happening>) {
    if !happened.contains(&Happening::Heard) {
        happened.push(Happening::Heard);
    }
}
