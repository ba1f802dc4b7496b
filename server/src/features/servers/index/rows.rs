//! The rows of one region and project, as they travel, with the order in which they changed.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use api_types::{
    ServerId,
    servers::{
        Image, ServerRow,
        frame::{decode_row, encode_row},
        is_in_transition,
    },
};

use super::dictionary::Dictionary;

/// Rows in the bytes of the stream's frames, so that sending one is copying it, at some 250 bytes each.
///
/// Every change gets the next number. A viewer that knows everything up to one number asks for what changed after
/// it; so no viewer needs a queue, and a slow one just gets several changes as one.
pub struct Rows {
    /// Differs for every `Rows` there ever was, so that a position in another one is recognised.
    epoch: u32,
    latest: u64,
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_id: HashMap<ServerId, u32>,
    /// Changes in order. An entry is stale when its row changed again or went.
    log: VecDeque<Change>,
    gone: VecDeque<(u64, ServerId)>,
    /// Rows that went up to this change are forgotten.
    gone_forgotten: u64,
    dictionary: Dictionary,
    /// Servers that show only the id of their image, by that id.
    unnamed: HashMap<Box<str>, HashSet<ServerId>>,
    row_bytes: usize,
    in_transition: u32,
    degraded: u32,
}

/// How much of the rows a viewer knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub epoch: u32,
    /// Every change up to this one.
    pub change: u64,
    /// Texts of the dictionary.
    pub texts: u32,
}

/// What changed after a viewer's [`Known`], up to some size.
pub struct Batch<'a> {
    /// What the viewer knows is of no use: it starts over.
    pub is_reset: bool,
    /// The code of the first of `texts`.
    pub first_code: u32,
    pub texts: &'a [Arc<str>],
    /// To be applied before `rows`.
    pub gone: Vec<ServerId>,
    pub rows: Vec<&'a [u8]>,
    /// What the viewer knows after this.
    pub known: Known,
    /// More changes are left than this batch has room for.
    pub is_partial: bool,
}

/// How large a batch may become.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimit {
    pub rows: usize,
    pub bytes: usize,
}

impl Rows {
    pub fn new(epoch: u32) -> Self {
        Self {
            epoch,
            latest: 0,
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            log: VecDeque::new(),
            gone: VecDeque::new(),
            gone_forgotten: 0,
            dictionary: Dictionary::default(),
            unnamed: HashMap::new(),
            row_bytes: 0,
            in_transition: 0,
            degraded: 0,
        }
    }

    /// Puts a row in its place. A row older than the one held is left out: pages asked for side by side arrive in
    /// any order. True when something changed.
    pub fn upsert(&mut self, row: &ServerRow) -> bool {
        let bytes = encode_row(row, &mut self.dictionary).into_boxed_slice();
        let slot = match self.by_id.get(&row.id) {
            Some(place) => {
                let held = &self.slots[*place as usize];
                if held.bytes == bytes || (row.updated_at != 0 && row.updated_at < held.updated_at) {
                    return false;
                }
                *place
            }
            None => {
                let place = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(Slot::default());
                    (self.slots.len() - 1) as u32
                });
                self.by_id.insert(row.id, place);
                place
            }
        };
        self.forget_unnamed(row.id, slot);
        let is_unnamed = if let Image::Unnamed { id } = &row.image {
            self.unnamed.entry(id.as_str().into()).or_default().insert(row.id);
            true
        } else {
            false
        };
        let change = self.next_change(slot);
        let new = Slot {
            change,
            updated_at: row.updated_at,
            texts: self.dictionary.len(),
            is_in_transition: is_in_transition(&row.status, row.task_state.as_deref()),
            is_degraded: row.is_degraded,
            is_unnamed,
            bytes,
        };
        self.count(&new);
        let old = std::mem::replace(&mut self.slots[slot as usize], new);
        self.uncount(&old);
        true
    }

    /// Takes a row out. True when it was there.
    pub fn remove(&mut self, id: ServerId) -> bool {
        let Some(slot) = self.by_id.remove(&id) else { return false };
        self.forget_unnamed(id, slot);
        let old = std::mem::take(&mut self.slots[slot as usize]);
        self.uncount(&old);
        self.free.push(slot);
        self.latest += 1;
        self.gone.push_back((self.latest, id));
        while self.gone.len() > MOST_GONE {
            if let Some((change, _)) = self.gone.pop_front() {
                self.gone_forgotten = change;
            }
        }
        true
    }

    /// Gives rows that show an image's id its name. True when something changed.
    pub fn name_images(&mut self, names: &HashMap<String, String>) -> bool {
        let known: Vec<Box<str>> =
            self.unnamed.keys().filter(|id| names.contains_key(&***id)).cloned().collect();
        let mut has_changed = false;
        for image in known {
            let servers = self.unnamed.remove(&image).unwrap_or_default();
            let Some(name) = names.get(&*image) else { continue };
            for server in servers {
                let Some(mut row) = self.get(server) else { continue };
                if matches!(&row.image, Image::Unnamed { id } if **id == *image) {
                    row.image = Image::Named { id: image.to_string(), name: name.clone() };
                    has_changed |= self.upsert(&row);
                }
            }
        }
        has_changed
    }

    /// Ids of images whose names rows wait for.
    pub fn unnamed_images(&self) -> impl Iterator<Item = &str> {
        self.unnamed.keys().map(|id| &**id)
    }

    /// One row, read back.
    pub fn get(&self, id: ServerId) -> Option<ServerRow> {
        let slot = self.by_id.get(&id)?;
        self.read(&self.slots[*slot as usize].bytes)
    }

    /// Reads the bytes of a row.
    pub fn read(&self, bytes: &[u8]) -> Option<ServerRow> {
        decode_row(bytes, |code| self.dictionary.text(code)).ok()
    }

    pub fn contains(&self, id: ServerId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub fn ids(&self) -> impl Iterator<Item = ServerId> {
        self.by_id.keys().copied()
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Rows that are about to look different by themselves.
    pub fn in_transition(&self) -> u32 {
        self.in_transition
    }

    /// Rows that could not be read whole.
    pub fn degraded(&self) -> u32 {
        self.degraded
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        // Allocators round up to 16 bytes and a hash table keeps an eighth of its places free.
        self.row_bytes
            + self.slots.capacity() * size_of::<Slot>()
            + self.by_id.capacity() * (size_of::<(ServerId, u32)>() + 1) * 8 / 7
            + self.log.capacity() * size_of::<Change>()
            + self.gone.capacity() * size_of::<(u64, ServerId)>()
            + self
                .unnamed
                .values()
                .map(|ids| ids.capacity() * (size_of::<ServerId>() + 1) + 96)
                .sum::<usize>()
            + self.dictionary.bytes()
    }

    /// Bytes by which what is around the rows grows when so many more are put in: tables double when they are full.
    pub fn growth(&self, rows: usize) -> usize {
        let doubled = |len: usize, capacity: usize| {
            let needed = len + rows;
            if needed <= capacity { 0 } else { needed.next_power_of_two().saturating_sub(capacity) }
        };
        doubled(self.by_id.len(), self.slots.capacity()) * size_of::<Slot>()
            + doubled(self.by_id.len(), self.by_id.capacity()) * (size_of::<(ServerId, u32)>() + 1) * 8 / 7
            + doubled(self.log.len(), self.log.capacity()) * size_of::<Change>()
    }

    /// The number of the last change.
    pub fn latest_change(&self) -> u64 {
        self.latest
    }

    /// The servers that went after the change of this number, as far as that is remembered.
    pub fn gone_after(&self, change: u64) -> HashSet<ServerId> {
        let first = self.gone.partition_point(|(number, _)| *number <= change);
        self.gone.range(first..).map(|(_, id)| *id).collect()
    }

    /// True when there is something a viewer does not know.
    pub fn has_news_for(&self, known: &Known) -> bool {
        known.epoch != self.epoch || known.change != self.latest
    }

    /// What changed after `known`.
    pub fn batch_after(&self, known: &Known, limit: BatchLimit) -> Batch<'_> {
        let is_reset = !self.continues(known);
        let (after, texts_known) = if is_reset { (0, 0) } else { (known.change, known.texts) };

        let mut rows = Vec::with_capacity(limit.rows.min(self.by_id.len()));
        let (mut bytes, mut through, mut is_partial) = (0, self.latest, false);
        let mut texts_needed = texts_known;
        let start = self.log.partition_point(|change| change.number <= after);
        for change in self.log.range(start..) {
            let slot = &self.slots[change.slot as usize];
            if slot.change != change.number {
                continue;
            }
            if rows.len() >= limit.rows || (bytes + slot.bytes.len() > limit.bytes && !rows.is_empty()) {
                is_partial = true;
                through = change.number - 1;
                break;
            }
            bytes += slot.bytes.len();
            texts_needed = texts_needed.max(slot.texts);
            rows.push(&*slot.bytes);
        }
        // A viewer that starts has nothing that could be gone.
        let first_gone =
            if after == 0 { self.gone.len() } else { self.gone.partition_point(|(n, _)| *n <= after) };
        let gone =
            self.gone.range(first_gone..).take_while(|(n, _)| *n <= through).map(|(_, id)| *id).collect();
        Batch {
            is_reset,
            first_code: texts_known + 1,
            texts: self.dictionary.texts_between(texts_known, texts_needed),
            gone,
            rows,
            known: Known { epoch: self.epoch, change: through, texts: texts_needed },
            is_partial,
        }
    }

    /// True when most texts of the dictionary are used by no row any more, and there are many of them.
    pub fn has_outgrown_dictionary(&self) -> bool {
        if (self.dictionary.len() as usize) < SMALL_DICTIONARY + 2 * self.len() {
            return false;
        }
        let mut fresh = Dictionary::default();
        for slot in &self.slots {
            if let Some(row) = self.read(&slot.bytes) {
                encode_row(&row, &mut fresh);
            }
        }
        self.dictionary.len() > 2 * fresh.len()
    }

    /// The same rows under a new epoch, with a dictionary of only what they use.
    pub fn rebuilt(&self, epoch: u32) -> Self {
        let mut fresh = Self::new(epoch);
        for change in &self.log {
            let slot = &self.slots[change.slot as usize];
            if slot.change == change.number
                && let Some(row) = self.read(&slot.bytes)
            {
                fresh.upsert(&row);
            }
        }
        fresh
    }

    fn continues(&self, known: &Known) -> bool {
        known.epoch == self.epoch
            && known.change <= self.latest
            && known.texts <= self.dictionary.len()
            // With nothing known nothing can be gone.
            && (known.change == 0 || known.change >= self.gone_forgotten)
    }

    fn next_change(&mut self, slot: u32) -> u64 {
        self.latest += 1;
        if self.log.len() >= LOG_SLACK + 2 * self.by_id.len() {
            let slots = &self.slots;
            self.log.retain(|change| slots[change.slot as usize].change == change.number);
        }
        self.log.push_back(Change { number: self.latest, slot });
        self.latest
    }

    /// The row of a slot is about to change or go: it no longer waits for a name.
    fn forget_unnamed(&mut self, id: ServerId, slot: u32) {
        let held = &self.slots[slot as usize];
        if !held.is_unnamed {
            return;
        }
        let Some(Image::Unnamed { id: image }) = self.read(&held.bytes).map(|row| row.image) else { return };
        if let Some(waiting) = self.unnamed.get_mut(image.as_str()) {
            waiting.remove(&id);
            if waiting.is_empty() {
                self.unnamed.remove(image.as_str());
            }
        }
    }

    fn count(&mut self, slot: &Slot) {
        self.in_transition += u32::from(slot.is_in_transition);
        self.degraded += u32::from(slot.is_degraded);
        self.row_bytes += slot.bytes.len().next_multiple_of(16);
    }

    fn uncount(&mut self, slot: &Slot) {
        self.in_transition -= u32::from(slot.is_in_transition);
        self.degraded -= u32::from(slot.is_degraded);
        self.row_bytes -= slot.bytes.len().next_multiple_of(16);
    }
}

/// Rows that went and are still told to viewers that come back; beyond it they start over.
const MOST_GONE: usize = 16 * 1024;
/// Stale entries the log of a small index may have.
const LOG_SLACK: usize = 1024;
/// A dictionary below this many texts, and two for each row, is never worth rebuilding.
const SMALL_DICTIONARY: usize = 4096;

#[derive(Default)]
struct Slot {
    /// The number of its last change; 0 while the slot is free.
    change: u64,
    updated_at: u32,
    /// All its codes are among so many first texts: a viewer that has these can read it.
    texts: u32,
    is_in_transition: bool,
    is_degraded: bool,
    /// It shows only the id of its image.
    is_unnamed: bool,
    bytes: Box<[u8]>,
}

#[derive(Clone, Copy)]
struct Change {
    number: u64,
    slot: u32,
}

#[cfg(test)]
mod tests;
