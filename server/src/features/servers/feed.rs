//! What one viewer is sent: the rows of all regions as they are, then what changes, in pieces.
//!
//! A viewer has no queue. It knows up to which change it was told of each region, and takes what came after that
//! whenever it can take more; so a slow one costs nothing, and gets several changes as one.

use std::{sync::Arc, time::Duration};

use api_types::{
    Region,
    servers::{Event, RegionState, RegionStatus, frame::FrameWriter},
};
use bytes::Bytes;
use futures_util::future::select_all;
use tokio::time::timeout;

use super::{
    index::{Batch, BatchLimit, Credentials, Known, Rows, ServerIndexes, Viewer},
    position::Position,
};

/// One viewer's stream. Dropping it means leaving.
pub struct Feed {
    regions: Vec<RegionFeed>,
    writer: Writer,
    /// Whose turn it is: regions take turns, so that a large one does not keep the others waiting.
    turn: usize,
    rows_sent: usize,
    /// Changes were sent that the last position does not cover.
    owes_position: bool,
}

/// How events are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Binary frames: [`api_types::servers::frame`].
    Frames,
    /// JSON lines: one [`Event`] each.
    Lines,
}

impl Feed {
    /// Begins to look at all regions. `position`: what the viewer knows from before.
    pub fn open(
        indexes: &ServerIndexes,
        credentials: &Arc<dyn Credentials>,
        format: Format,
        position: Option<&Position>,
    ) -> Self {
        let names = indexes.upstream().regions(&credentials.scope());
        // A frame says a region by one byte.
        let names = names.into_iter().take(usize::from(u8::MAX));
        let regions: Vec<RegionFeed> = names
            .map(|name| RegionFeed {
                viewer: indexes.look(&name, credentials.clone()),
                known: position.and_then(|position| position.known(&name)).unwrap_or_default(),
                holds_rows: position.is_some(),
                is_behind: true,
                state: None,
                name,
            })
            .collect();
        let mut writer = Writer::new(format);
        writer.hello(regions.iter().map(|region| region.name.clone()).collect());
        Self { regions, writer, turn: 0, rows_sent: 0, owes_position: true }
    }

    /// The next piece to send; `None`: everything there is was sent.
    pub fn next_piece(&mut self) -> Option<Bytes> {
        let limit = match self.rows_sent {
            // A screenful first, so that it is drawn while the rest comes.
            0 => BatchLimit { rows: 64, bytes: PIECE_BYTES },
            1..1024 => BatchLimit { rows: 256, bytes: PIECE_BYTES },
            _ => BatchLimit { rows: 1024, bytes: PIECE_BYTES },
        };
        for offset in 0..self.regions.len() {
            let at = (self.turn + offset) % self.regions.len();
            if self.regions[at].has_news() {
                self.turn = at + 1;
                let known = self.regions[at].known;
                self.rows_sent += self.regions[at].write(at as u8, limit, &mut self.writer);
                self.owes_position |= self.regions[at].known != known;
                return Some(self.writer.take());
            }
        }
        if std::mem::take(&mut self.owes_position) {
            self.writer.position(&self.position());
        }
        (!self.writer.is_empty()).then(|| self.writer.take())
    }

    /// Says that everything known at the start was sent.
    pub fn caught_up(&mut self) -> Bytes {
        self.writer.caught_up();
        self.writer.take()
    }

    pub fn ping(&mut self) -> Bytes {
        self.writer.ping();
        self.writer.take()
    }

    /// Says why the stream ends.
    pub fn ended(&mut self, code: &str, message: &str) -> Bytes {
        self.writer.ended(code, message);
        self.writer.take()
    }

    /// Resolves when there may be another piece.
    pub async fn news(&mut self) {
        if self.regions.is_empty() {
            return std::future::pending().await;
        }
        let changes = self.regions.iter_mut().map(|region| Box::pin(region.viewer.news.changed()));
        // That they ended would mean that an index is gone, while a viewer keeps it.
        let (_, at, _) = select_all(changes).await;
        self.regions[at].is_behind = true;
    }

    /// Resolves once a region has rows or none is to be waited for; after `longest` in any case.
    pub async fn first_rows(&mut self, longest: Duration) {
        let rows = async {
            while self.is_cold() {
                self.news().await;
            }
        };
        // Without rows by then, the viewer begins with none.
        let _ = timeout(longest, rows).await;
    }

    /// Leaves, to be back soon with the same position.
    pub fn leave_for(self, within: Duration) {
        for region in self.regions {
            region.viewer.leave_for(within);
        }
    }

    fn is_cold(&self) -> bool {
        let states = self.regions.iter().map(|region| region.viewer.index().state());
        let mut is_any_loading = false;
        for state in states {
            if state.rows > 0 {
                return false;
            }
            is_any_loading |= state.status == RegionStatus::Loading;
        }
        is_any_loading
    }

    fn position(&self) -> String {
        Position::of(self.regions.iter().map(|region| (&region.name, region.known))).to_string()
    }
}

/// A piece has about this size at most.
const PIECE_BYTES: usize = 256 * 1024;

struct RegionFeed {
    name: Region,
    viewer: Viewer,
    known: Known,
    /// The viewer may hold rows from before.
    holds_rows: bool,
    /// There is something to send, whatever the news say.
    is_behind: bool,
    /// To be sent when the rows are: it was true when they were read.
    state: Option<RegionState>,
}

impl RegionFeed {
    fn has_news(&self) -> bool {
        self.is_behind || self.viewer.news.has_changed().unwrap_or(false)
    }

    /// Writes what changed, as far as it goes into one piece; gives the number of rows.
    fn write(&mut self, place: u8, limit: BatchLimit, writer: &mut Writer) -> usize {
        if self.state.is_none() {
            // Before the rows are read: "complete" then means that none of them is missing.
            self.viewer.news.mark_unchanged();
            self.state = Some(self.viewer.index().state());
        }
        let index = self.viewer.index().clone();
        let (known, rows, is_partial) = index.read(|held| {
            let batch = held.batch_after(&self.known, limit);
            // Who holds nothing has nothing to forget.
            let is_reset = batch.is_reset && (self.holds_rows || self.known.epoch != 0);
            writer.batch(place, &self.name, is_reset, &batch, held);
            (batch.known, batch.rows.len(), batch.is_partial)
        });
        self.known = known;
        self.holds_rows = true;
        self.is_behind = is_partial;
        if !is_partial && let Some(state) = self.state.take() {
            writer.region(&state);
        }
        rows
    }
}

/// Writes events in one of the two formats.
struct Writer {
    format: Format,
    frames: FrameWriter,
    lines: Vec<u8>,
}

impl Writer {
    fn new(format: Format) -> Self {
        Self { format, frames: FrameWriter::new(), lines: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.lines.is_empty()
    }

    fn take(&mut self) -> Bytes {
        match self.format {
            Format::Frames => self.frames.take().into(),
            Format::Lines => std::mem::take(&mut self.lines).into(),
        }
    }

    fn hello(&mut self, regions: Vec<Region>) {
        match self.format {
            Format::Frames => self.frames.hello(&regions),
            Format::Lines => self.line(&Event::Hello { regions }),
        }
    }

    fn batch(&mut self, place: u8, region: &Region, is_reset: bool, batch: &Batch<'_>, held: &Rows) {
        match self.format {
            Format::Frames => self.batch_as_frames(place, is_reset, batch),
            Format::Lines => self.batch_as_lines(region, is_reset, batch, held),
        }
    }

    fn batch_as_frames(&mut self, place: u8, is_reset: bool, batch: &Batch<'_>) {
        if is_reset {
            self.frames.reset(place);
        }
        let (mut first_code, mut texts) = (batch.first_code, batch.texts);
        while !texts.is_empty() {
            let mut bytes = 0;
            let fit = texts.iter().take_while(|text| {
                bytes += text.len() + 5;
                bytes <= PIECE_BYTES
            });
            let (now, later) = texts.split_at(fit.count().max(1));
            self.frames.dict(place, first_code, now.iter().map(|text| &**text));
            first_code += now.len() as u32;
            texts = later;
        }
        if !batch.gone.is_empty() {
            self.frames.gone(place, &batch.gone);
        }
        if !batch.rows.is_empty() {
            self.frames.rows(place, batch.rows.iter().copied());
        }
    }

    fn batch_as_lines(&mut self, region: &Region, is_reset: bool, batch: &Batch<'_>, held: &Rows) {
        if is_reset {
            self.line(&Event::Reset { region: region.clone() });
        }
        if !batch.gone.is_empty() {
            self.line(&Event::Gone { region: region.clone(), ids: batch.gone.clone() });
        }
        if !batch.rows.is_empty() {
            let rows = batch.rows.iter().filter_map(|bytes| held.read(bytes)).collect();
            self.line(&Event::Rows { region: region.clone(), rows });
        }
    }

    fn region(&mut self, state: &RegionState) {
        match self.format {
            Format::Frames => self.frames.region(state),
            Format::Lines => self.line(&Event::Region(state.clone())),
        }
    }

    fn position(&mut self, position: &str) {
        match self.format {
            Format::Frames => self.frames.position(position),
            Format::Lines => self.line(&Event::Position { position: position.to_owned() }),
        }
    }

    fn caught_up(&mut self) {
        match self.format {
            Format::Frames => self.frames.caught_up(),
            Format::Lines => self.line(&Event::CaughtUp),
        }
    }

    fn ping(&mut self) {
        match self.format {
            Format::Frames => self.frames.ping(),
            Format::Lines => self.line(&Event::Ping),
        }
    }

    fn ended(&mut self, code: &str, message: &str) {
        match self.format {
            Format::Frames => self.frames.ended(code, message),
            Format::Lines => self.line(&Event::Ended { code: code.to_owned(), message: message.to_owned() }),
        }
    }

    fn line(&mut self, event: &Event) {
        // An event has no map with keys that are not text, so writing it to memory has no way to fail.
        let written = serde_json::to_writer(&mut self.lines, event);
        debug_assert!(written.is_ok());
        self.lines.push(b'\n');
    }
}
