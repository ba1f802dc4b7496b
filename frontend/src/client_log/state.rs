//! What a page has logged and the server has not stored yet: numbered, bounded, and kept so that a reload, a crash or
//! hours without a network lose nothing. Decisions only: what is to be written down comes back as [`Write`]s.
//!
//! Messages gather in pieces. A piece gets its numbers when it is first sent, and they are written down before it is:
//! so what is sent again, by this page or by another one that found it, has the same numbers. What has none yet may be
//! dropped, the oldest of the least important first, and leaves no gap.

use std::collections::VecDeque;

use api_types::client_log::{Batch, Kind, LARGEST_BATCH, Level, MOST_MESSAGES, Message};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::early::{Early, EarlyMessage, bounded, size_of_message};

/// What one page logs, from its opening on.
#[derive(Debug)]
pub struct Stream {
    id: String,
    head: Head,
    pieces: VecDeque<Piece>,
    writes: Vec<Write>,
}

/// What is to become of the browser's storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Set(String, String),
    Remove(String),
}

/// What is kept of a stream besides its messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    release: String,
    /// The number of the next message that is sent for the first time.
    next: u64,
    /// Dropped, and not told yet.
    #[serde(default)]
    dropped: u32,
    /// How many of the boot script's messages came in here.
    #[serde(default)]
    taken: u64,
    /// When it was begun, in milliseconds since 1970; or, of one that was too old, when its messages were forgotten.
    began_at: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Piece {
    /// Its place among the pieces, which names it in the storage.
    place: u32,
    /// Its numbers, once it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// As the head has it, when the last of these came in.
    #[serde(default)]
    taken: u64,
    messages: Vec<Message>,
    #[serde(skip)]
    bytes: usize,
}

/// What all of it begins with in the browser's storage.
pub const PREFIX: &str = "meridian.log.";
/// What the boot script adds to the stream's name.
pub const EARLY: &str = "early";
/// Of one stream, whatever is dropped then.
const MOST_KEPT: usize = 1_000;
const MOST_KEPT_BYTES: usize = 400 << 10;
/// A piece that is as large is sent as it is.
const LARGEST_PIECE: usize = LARGEST_BATCH / 2;
/// Of all streams together: the storage has 5 MB, and is not ours alone.
pub const MOST_OF_ALL_BYTES: usize = 1_500 << 10;
/// What nobody could send for so long is of no use to anybody.
const KEPT_MS: f64 = 7.0 * 86_400_000.0;
const LEVELS: [Level; 4] = [Level::Debug, Level::Info, Level::Warn, Level::Error];
const HEAD: &str = ".head";

/// Writes down what there is room for; `set` says whether there was. What does not fit waits in memory alone, and nothing
/// older of it stays: the next page would number anew what may have been sent by then. `false` where not even the head
/// fits, without which nobody knows the stream's numbers: then nothing of it may stay.
pub fn write_down(
    writes: Vec<Write>,
    set: impl Fn(&str, &str) -> bool,
    mut remove: impl FnMut(&str),
) -> bool {
    for write in writes {
        match write {
            Write::Set(name, text) if set(&name, &text) => {}
            Write::Set(name, _) if name.ends_with(HEAD) => return false,
            Write::Set(name, _) | Write::Remove(name) => remove(&name),
        }
    }
    true
}

/// Drops so many bytes of all streams: the least important first, and of those what other pages left first, the oldest
/// of it. What has numbers goes last. The first stream is the page's own.
pub fn drop_of_all<'s>(own: &'s mut Stream, mut left: Vec<&'s mut Stream>, mut bytes: usize) {
    left.sort_by(|one, other| one.head.began_at.total_cmp(&other.head.began_at));
    left.push(own);
    for level in LEVELS {
        for stream in &mut left {
            bytes = bytes.saturating_sub(stream.drop_level(level, bytes));
        }
    }
    for stream in left {
        while bytes > 0 && !stream.pieces.is_empty() {
            bytes = bytes.saturating_sub(stream.drop_piece(0));
        }
    }
}

impl Stream {
    /// A page's own.
    pub fn new(id: &str, release: &str, now_ms: f64) -> Self {
        let head = Head { release: release.to_owned(), next: 1, dropped: 0, taken: 0, began_at: now_ms };
        // Before anything else of it.
        let writes = vec![head.written(id)];
        Self { id: id.to_owned(), head, pieces: VecDeque::new(), writes }
    }

    /// One that another page has left, from what is in the storage under its name. `None` where that is of no use; what
    /// is there is to be removed then.
    pub fn found(id: &str, kept: &[(String, String)], now_ms: f64) -> Option<Self> {
        let of = |rest: &str| kept.iter().find(|(name, _)| *name == format!("{PREFIX}{id}.{rest}"));
        let mut pieces: Vec<Piece> = kept
            .iter()
            .filter(|(name, _)| piece_name(id, name).is_some())
            .filter_map(|(_, text)| serde_json::from_str(text).ok())
            .collect();
        pieces.sort_by_key(|piece| piece.place);
        let head = of("head").and_then(|(_, text)| serde_json::from_str::<Head>(text).ok());
        let early = of(EARLY).and_then(|(_, text)| serde_json::from_str::<Early>(text).ok());
        // Those before these may have been sent, and where there was no room for the head nobody knows their numbers.
        let has_numbers = |early: &Early| early.from == 0 || head.is_some() || !pieces.is_empty();
        let early = early.filter(has_numbers);
        let release = early.as_ref().map_or("", |early| &early.release);
        let mut stream = Self::new(id, release, now_ms);
        stream.head = head.unwrap_or(stream.head);
        for mut piece in pieces {
            piece.bytes = piece.messages.iter().map(size_of_message).sum();
            // Written down before the head was.
            let end = piece.first.map_or(0, |first| first + piece.messages.len() as u64);
            stream.head.next = stream.head.next.max(end);
            stream.head.taken = stream.head.taken.max(piece.taken);
            stream.pieces.push_back(piece);
        }
        // It is known by the pieces alone, and they go.
        stream.writes = vec![stream.head.written(id)];
        if let Some(early) = early {
            stream.take_early(early);
        }
        let of_all = stream.pieces.iter().flat_map(|piece| &piece.messages).map(|message| message.at);
        let newest_at = of_all.reduce(f64::max);
        if now_ms - newest_at.unwrap_or(stream.head.began_at) > KEPT_MS {
            // The count is kept as long again, for whoever wrote them to tell.
            stream.head.began_at = now_ms;
            newest_at?;
            while !stream.pieces.is_empty() {
                stream.drop_piece(0);
            }
        }
        (!stream.is_empty()).then_some(stream)
    }

    /// What the boot script kept for the part, which may have come for some of it before the page ended.
    fn take_early(&mut self, early: Early) {
        let known = self.head.taken.saturating_sub(early.from);
        self.head.taken = self.head.taken.max(early.from);
        for message in early.messages.into_iter().skip(usize::try_from(known).unwrap_or(usize::MAX)) {
            self.push(message, None);
        }
        self.forget_early();
    }

    /// The names of everything that is kept under a stream's id, and what is in the storage under none of ours.
    pub fn id_of(name: &str) -> Option<&str> {
        name.strip_prefix(PREFIX)?.split_once('.').map(|(id, _)| id).filter(|id| !id.is_empty())
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether everything is stored.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.head.dropped == 0
    }

    /// Takes in a message of the boot script, in its order, bounded as the server wants it. `project` is what is looked
    /// at.
    pub fn push(&mut self, message: EarlyMessage, project: Option<&str>) {
        self.head.taken += 1;
        self.add(message, project);
    }

    /// All that the boot script kept stands in pieces now.
    pub fn forget_early(&mut self) {
        self.writes.push(Write::Remove(format!("{PREFIX}{}.{EARLY}", self.id)));
    }

    fn add(&mut self, message: EarlyMessage, project: Option<&str>) {
        let taken = self.head.taken;
        let message = bounded(message);
        let bytes = size_of_message(&message);
        let fits = |piece: &&mut Piece| {
            piece.first.is_none()
                && piece.messages.len() < MOST_MESSAGES
                && piece.bytes + bytes <= LARGEST_PIECE
                && piece.project.as_deref() == project
        };
        match self.pieces.back_mut().filter(fits) {
            Some(piece) => {
                piece.messages.push(message);
                piece.bytes += bytes;
                piece.taken = taken;
                self.writes.push(piece.written(&self.id));
            }
            None => {
                let place = self.pieces.back().map_or(0, |last| last.place + 1);
                let project = project.map(str::to_owned);
                let piece = Piece { place, first: None, project, taken, messages: vec![message], bytes };
                self.writes.push(piece.written(&self.id));
                self.pieces.push_back(piece);
            }
        }
        self.make_room();
    }

    /// The next batch to send: the oldest that is not stored. Its numbers are written down by what
    /// [`writes`](Self::writes) hands out then.
    pub fn next_batch(&mut self) -> Option<Batch> {
        self.tell_dropped();
        self.batch_at(0)
    }

    /// All there is to send, the oldest first, as far as it fits into so many bytes.
    pub fn all_batches(&mut self, mut bytes: usize, most: usize) -> Vec<Batch> {
        let mut batches = Vec::new();
        self.tell_dropped();
        for index in 0..self.pieces.len().min(most) {
            // What JSON adds around texts is small; what it adds within them has been counted.
            let Some(left) = bytes.checked_sub(self.pieces[index].bytes + 200) else { break };
            bytes = left;
            batches.extend(self.batch_at(index));
        }
        batches
    }

    fn batch_at(&mut self, index: usize) -> Option<Batch> {
        let piece = self.pieces.get_mut(index)?;
        let first = match piece.first {
            Some(first) => first,
            None => {
                let first = self.head.next;
                piece.first = Some(first);
                self.head.next += piece.messages.len() as u64;
                self.writes.push(piece.written(&self.id));
                self.writes.push(self.head.written(&self.id));
                first
            }
        };
        Some(Batch {
            stream: self.id.clone(),
            first,
            release: self.head.release.clone(),
            project: piece.project.clone(),
            messages: piece.messages.clone(),
        })
    }

    /// The server has stored these.
    pub fn stored(&mut self, first: u64, last: u64) {
        let is_stored = |piece: &Piece| {
            piece.first.is_some_and(|begin| {
                first <= begin && begin + (piece.messages.len() as u64).saturating_sub(1) <= last
            })
        };
        self.remove(is_stored);
    }

    /// The server will never take this batch: it is counted as dropped.
    pub fn refused(&mut self, first: u64) {
        let index = self.pieces.iter().position(|piece| piece.first == Some(first));
        index.map(|index| self.drop_piece(index));
    }

    /// Nothing more will be logged under this name. Until then the next number is kept: what is logged after everything
    /// was stored is not to be taken for what was.
    pub fn end(&mut self) {
        if self.is_empty() {
            self.writes.push(self.head.removed(&self.id));
        }
    }

    /// What is to be written down since the last time, in this order.
    pub fn writes(&mut self) -> Vec<Write> {
        // A piece that grew several times is written once.
        let mut writes: Vec<Write> = Vec::with_capacity(self.writes.len());
        for write in self.writes.drain(..) {
            if let (Write::Set(name, _), Some(Write::Set(last, _))) = (&write, writes.last())
                && name == last
            {
                writes.pop();
            }
            writes.push(write);
        }
        writes
    }

    /// Nothing of it is in the storage.
    pub fn was_not_kept(&mut self) {
        self.writes = vec![self.head.written(&self.id)];
    }

    fn remove(&mut self, is_over: impl Fn(&Piece) -> bool) {
        let id = &self.id;
        let writes = &mut self.writes;
        self.pieces.retain(|piece| {
            let is_over = is_over(piece);
            if is_over {
                writes.push(piece.removed(id));
            }
            !is_over
        });
    }

    /// Drops what has no number yet: the oldest DEBUG first, then what is next in importance.
    fn make_room(&mut self) {
        for level in LEVELS {
            while self.is_too_much() && self.drop_level(level, 1) > 0 {}
        }
    }

    /// Drops what has no number yet of one level, the oldest first, until it is so many bytes; how many it was.
    fn drop_level(&mut self, level: Level, bytes: usize) -> usize {
        let (mut gone, mut count) = (0, 0);
        while gone < bytes
            && let Some((index, at)) = self.oldest_of(level)
        {
            let piece = &mut self.pieces[index];
            let message = piece.messages.remove(at);
            let size = size_of_message(&message);
            piece.bytes = piece.bytes.saturating_sub(size);
            gone += size;
            count += 1;
            match piece.messages.is_empty() {
                true => {
                    self.writes.push(piece.removed(&self.id));
                    self.pieces.remove(index);
                }
                false => self.writes.push(piece.written(&self.id)),
            }
        }
        self.drop_count(count);
        gone
    }

    /// Drops a piece, which may have been sent; how many bytes it had.
    fn drop_piece(&mut self, index: usize) -> usize {
        let Some(piece) = self.pieces.remove(index) else { return 0 };
        // First: its numbers are known by it alone, where the head was not written after it.
        self.drop_count(piece.messages.len());
        self.writes.push(piece.removed(&self.id));
        piece.bytes
    }

    fn is_too_much(&self) -> bool {
        let messages: usize = self.pieces.iter().map(|piece| piece.messages.len()).sum();
        let bytes: usize = self.pieces.iter().map(|piece| piece.bytes).sum();
        messages > MOST_KEPT || bytes > MOST_KEPT_BYTES
    }

    fn oldest_of(&self, level: Level) -> Option<(usize, usize)> {
        let unsent = self.pieces.iter().enumerate().filter(|(_, piece)| piece.first.is_none());
        unsent.into_iter().find_map(|(index, piece)| {
            piece.messages.iter().position(|message| message.level == level).map(|at| (index, at))
        })
    }

    fn drop_count(&mut self, count: usize) {
        if count > 0 {
            self.head.dropped = self.head.dropped.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            self.writes.push(self.head.written(&self.id));
        }
    }

    /// The count of what was dropped is itself logged, once something can be sent again.
    fn tell_dropped(&mut self) {
        if self.head.dropped == 0 {
            return;
        }
        let dropped = std::mem::take(&mut self.head.dropped);
        let at = self
            .pieces
            .back()
            .and_then(|piece| piece.messages.last())
            .map_or(self.head.began_at, |last| last.at);
        let fields = Map::from_iter([("dropped".to_owned(), dropped.into())]);
        let description = "Some messages had to be dropped: there was no room for them, they were too old, or they were refused.";
        let message = EarlyMessage {
            at,
            level: Level::Warn,
            kind: Kind::Log,
            description: description.to_owned(),
            fields,
        };
        self.add(message, None);
        self.writes.push(self.head.written(&self.id));
    }
}

impl Piece {
    fn name(&self, id: &str) -> String {
        format!("{PREFIX}{id}.{}", self.place)
    }

    fn written(&self, id: &str) -> Write {
        Write::Set(self.name(id), serde_json::to_string(self).unwrap_or_default())
    }

    fn removed(&self, id: &str) -> Write {
        Write::Remove(self.name(id))
    }
}

impl Head {
    fn written(&self, id: &str) -> Write {
        Write::Set(format!("{PREFIX}{id}{HEAD}"), serde_json::to_string(self).unwrap_or_default())
    }

    fn removed(&self, id: &str) -> Write {
        Write::Remove(format!("{PREFIX}{id}{HEAD}"))
    }
}

fn piece_name(id: &str, name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.strip_prefix(id)?.strip_prefix('.')?.parse().ok()
}

#[cfg(test)]
mod tests;
