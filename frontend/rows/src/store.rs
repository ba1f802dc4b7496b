//! The columnar store that takes the frames of the stream.

mod expected;

use api_types::{
    Region, ServerId,
    servers::{
        RegionState, RegionStatus,
        frame::{Frame, FrameError, IpRef, RowRef},
    },
};
use hashbrown::HashTable;

use super::{
    RowIndex, RowView,
    block::{self, BLOCK_ROWS, Block, Cells, Ip, flag},
    words::{Kind, Wire, Words},
};
use expected::Expectations;
pub use expected::Expected;

/// The servers of all regions, in blocks of columns.
#[derive(Default)]
pub struct Rows {
    /// Those of the stream first, in its order; then those it no longer has.
    regions: Vec<RegionInfo>,
    listed: usize,
    wires: Vec<Wire>,
    /// Regions whose rows not sent again are gone once it is complete.
    is_sweeping: Vec<bool>,
    blocks: Vec<Block>,
    /// Slots to use again.
    free: Vec<RowIndex>,
    /// Slots by region and id.
    table: HashTable<RowIndex>,
    len: usize,
    words: Words,
    /// Rows that are new, different or gone since [`View`](super::View) asked last, each once.
    changes: Vec<RowIndex>,
    position: Option<String>,
    /// Rises when regions moved, so that what is kept by region is no longer right.
    layout: u32,
    cells: Cells,
    expectations: Expectations,
}

/// A region of the stream.
#[derive(Clone, Debug)]
pub struct RegionInfo {
    pub name: Region,
    /// What the stream said of it last.
    pub state: Option<RegionState>,
    /// Its rows here, without those gone.
    pub rows: usize,
}

/// What a frame did.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// The regions are known; a later one keeps the rows of the regions that are still there.
    Hello,
    /// So many rows are new or different; those sent again unchanged do not count.
    Rows { changed: usize },
    /// So many rows are gone.
    Gone { gone: usize },
    /// The state of the region at this place changed; so many rows were not sent again since its reset and are gone.
    Region { region: usize, gone: usize },
    /// A region starts over; its rows stay until it is complete again.
    Reset { region: usize },
    /// There is a new position to resume from.
    Position,
    /// Everything known at the start of the stream was sent.
    CaughtUp,
    /// Nothing to do: a dictionary, a sign of life.
    Nothing,
    /// The stream ends because the session did, or may no longer see the project.
    Ended { code: String, message: String },
}

impl Rows {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one frame of the stream.
    ///
    /// Errors: a frame that contradicts itself or names a text or region it never introduced; the stream is lost
    /// then and a new one starts over.
    pub fn apply(&mut self, frame: Frame<'_>) -> Result<Applied, FrameError> {
        Ok(match frame {
            Frame::Hello { regions } => {
                self.greet(regions)?;
                Applied::Hello
            }
            Frame::Dict { region, first_code, texts } => {
                let region = self.region(region)?;
                self.wires[region].extend(first_code, texts)?;
                Applied::Nothing
            }
            Frame::Rows { region, rows } => {
                let region = self.region(region)?;
                let mut changed = 0;
                for row in rows {
                    changed += usize::from(self.put(region, &row?)?);
                }
                Applied::Rows { changed }
            }
            Frame::Gone { region, ids } => {
                let region = self.region(region)?;
                let gone = ids.iter().filter(|id| self.lose(region, id)).count();
                Applied::Gone { gone }
            }
            Frame::Region(state) => self.region_changed(state)?,
            Frame::Reset { region } => {
                let region = self.region(region)?;
                self.reset(region);
                Applied::Reset { region }
            }
            Frame::Position(position) => {
                self.position = Some(position.to_owned());
                Applied::Position
            }
            Frame::CaughtUp => Applied::CaughtUp,
            Frame::Ping => Applied::Nothing,
            Frame::Ended { code, message } => Applied::Ended { code, message },
        })
    }

    /// A stream begins that was given no position: whatever it does not send is gone once its region is complete. Until
    /// then the rows stay.
    pub fn start_over(&mut self) {
        self.position = None;
        (0..self.listed).for_each(|region| self.reset(region));
    }

    /// How many servers there are, without those gone.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A row that [`View`](super::View) or [`Self::find`] named.
    pub fn row(&self, index: RowIndex) -> RowView<'_> {
        RowView::new(self, index)
    }

    /// The row of a server, gone ones included while they are shown.
    pub fn find(&self, id: &ServerId) -> Option<RowIndex> {
        let is_it = |index: &RowIndex| self.id(*index) == *id;
        self.table.find(hash(id), is_it).copied()
    }

    /// The regions in the stream's order.
    pub fn regions(&self) -> &[RegionInfo] {
        &self.regions[..self.listed]
    }

    /// Where the stream can be resumed.
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Rises when the row's content changed, also when its slot holds another server now.
    pub fn version(&self, index: RowIndex) -> u32 {
        let (block, at) = place(index);
        self.blocks.get(block).and_then(|block| block.versions.get(at)).copied().unwrap_or(0)
    }

    /// Bytes held by the columns and dictionaries, spare room included.
    pub fn size_bytes(&self) -> usize {
        self.blocks.iter().map(Block::size_bytes).sum::<usize>()
            + self.wires.iter().map(Wire::size_bytes).sum::<usize>()
            + self.words.size_bytes()
            + self.table.allocation_size()
            + (self.free.capacity() + self.changes.capacity()) * size_of::<RowIndex>()
    }

    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    /// All regions a row may name, those the stream no longer has included.
    pub(super) fn all_regions(&self) -> &[RegionInfo] {
        &self.regions
    }

    pub(super) fn layout(&self) -> u32 {
        self.layout
    }

    /// How many slots there are; indexes are below.
    pub(super) fn slots(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK_ROWS + last.len())
    }

    #[inline]
    pub(super) fn cell(&self, index: RowIndex) -> (&Block, usize) {
        let (block, at) = place(index);
        (&self.blocks[block], at)
    }

    #[inline]
    pub(super) fn id(&self, index: RowIndex) -> ServerId {
        let (block, at) = self.cell(index);
        block.ids[at]
    }

    /// The change log up to now; it is empty then.
    pub(super) fn take_changes(&mut self) -> Vec<RowIndex> {
        for index in &self.changes {
            let (block, at) = place(*index);
            self.blocks[block].flags[at] &= !flag::LOGGED;
        }
        std::mem::take(&mut self.changes)
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Lets a gone row's slot be used again.
    pub(super) fn release(&mut self, index: RowIndex) {
        let (block, at) = place(index);
        if self.blocks[block].flags[at] & flag::GONE == 0 {
            return;
        }
        if let Ok(entry) = self.table.find_entry(hash(&self.id(index)), |other| *other == index) {
            entry.remove();
        }
        self.blocks[block].flags[at] &= flag::LOGGED;
        self.free.push(index);
    }

    fn region(&self, place: u8) -> Result<usize, FrameError> {
        let region = usize::from(place);
        if region < self.listed { Ok(region) } else { Err(FrameError("a frame names an unknown region")) }
    }

    /// Takes the regions of a stream in its order. Rows stay with their region; those of regions that the stream no
    /// longer has are gone.
    fn greet(&mut self, names: Vec<Region>) -> Result<(), FrameError> {
        if self.regions().iter().map(|region| &region.name).eq(&names) {
            return Ok(());
        }
        let left_out = self.regions.iter().map(|region| &region.name).filter(|name| !names.contains(name));
        let all: Vec<_> = names.iter().chain(left_out).cloned().collect();
        if all.len() > usize::from(u8::MAX) {
            return Err(FrameError("there are too many regions"));
        }
        let mut old: Vec<_> = std::mem::take(&mut self.regions).into_iter().map(Some).collect();
        let mut wires = std::mem::take(&mut self.wires);
        let mut sweeping = std::mem::take(&mut self.is_sweeping);
        let mut moved = vec![0u8; old.len()];
        let find = |old: &[Option<RegionInfo>], name: &Region| {
            old.iter().position(|region| region.as_ref().is_some_and(|region| region.name == *name))
        };
        self.listed = names.len();
        for (place, name) in all.into_iter().enumerate() {
            if let Some(at) = find(&old, &name) {
                moved[at] = place as u8;
                self.regions.extend(old[at].take());
                self.wires.push(std::mem::take(&mut wires[at]));
                self.is_sweeping.push(std::mem::take(&mut sweeping[at]));
            } else {
                self.regions.push(RegionInfo { name, state: None, rows: 0 });
                self.wires.push(Wire::default());
                self.is_sweeping.push(false);
            }
        }
        self.layout += 1;
        for block in &mut self.blocks {
            for region in &mut block.regions {
                *region = moved[usize::from(*region)];
            }
        }
        for region in self.listed..self.regions.len() {
            self.regions[region].state = None;
            self.wires[region].clear();
            self.lose_all(region, |_| true);
        }
        Ok(())
    }

    /// Takes a row; false if it is here already, just so.
    fn put(&mut self, region: usize, row: &RowRef<'_>) -> Result<bool, FrameError> {
        let mut cells = std::mem::take(&mut self.cells);
        let read = self.read(region, row, &mut cells);
        let changed = read.map(|()| self.put_cells(region, row, &mut cells));
        self.cells = cells;
        changed
    }

    fn put_cells(&mut self, region: usize, row: &RowRef<'_>, cells: &mut Cells) -> bool {
        if let Some(index) = self.find_in(region, &row.id) {
            let (block, at) = place(index);
            let block = &mut self.blocks[block];
            if block.holds(at, row, cells) {
                block.flags[at] |= flag::SEEN;
                self.fulfil(index);
                return false;
            }
            let was_gone = !block.is_present(at);
            block.set(at, region as u8, row, cells);
            if was_gone {
                self.len += 1;
                self.regions[region].rows += 1;
            }
            self.log(index);
            return true;
        }
        let index = if let Some(index) = self.free.pop() {
            let (block, at) = place(index);
            self.blocks[block].set(at, region as u8, row, cells);
            index
        } else {
            if self.blocks.last().is_none_or(|last| last.len() == BLOCK_ROWS) {
                self.blocks.push(Block::new());
            }
            let index = self.slots() as RowIndex;
            if let Some(last) = self.blocks.last_mut() {
                last.push(region as u8, row, cells);
            }
            index
        };
        let Self { table, blocks, .. } = self;
        if table.len() == table.capacity() {
            // Four times as many: each time all of them are looked up again.
            table.reserve(3 * table.len() + BLOCK_ROWS, hash_of(blocks));
        }
        table.insert_unique(hash(&row.id), index, hash_of(blocks));
        self.len += 1;
        self.regions[region].rows += 1;
        self.log(index);
        true
    }

    /// Turns the row's codes into ours.
    fn read(&mut self, region: usize, row: &RowRef<'_>, cells: &mut Cells) -> Result<(), FrameError> {
        let Self { words, wires, .. } = self;
        let wire = &mut wires[region];
        cells.status = words.code(wire, Kind::Status, row.status)?;
        cells.task = words.code(wire, Kind::Task, row.task_state)?;
        cells.flavor = words.code(wire, Kind::Flavor, row.flavor)?;
        cells.image = words.code(wire, Kind::Image, row.image)?;
        cells.zone = words.code(wire, Kind::Zone, row.availability_zone)?;
        cells.fault = words.code(wire, Kind::Fault, row.fault)?;
        cells.tags.clear();
        for tag in row.tags.clone() {
            let tag = words.code(wire, Kind::Tag, tag)?;
            // An empty tag is none, and one said twice is one.
            if tag != 0 && !cells.tags.contains(&tag) {
                cells.tags.push(tag);
            }
        }
        cells.metadata.clear();
        for pair in row.metadata.clone() {
            cells.metadata.push(words.code(wire, Kind::Metadata, pair)?);
        }
        cells.addresses.clear();
        for address in row.addresses.clone() {
            let network = words.code(wire, Kind::Network, address.network)?;
            let ip = match address.ip {
                IpRef::V4(ip) => Ip::V4(ip.to_bits()),
                IpRef::V6(ip) => Ip::V6(ip.to_bits()),
                IpRef::Text(text) => Ip::Text(words.odd_addresses.intern(text)),
            };
            let address = block::Address { is_floating: address.is_floating, network, ip };
            block::push_address(&mut cells.addresses, address);
        }
        Ok(())
    }

    pub(super) fn find_in(&self, region: usize, id: &ServerId) -> Option<RowIndex> {
        let is_it = |index: &RowIndex| {
            let (block, at) = self.cell(*index);
            block.ids[at] == *id && usize::from(block.regions[at]) == region
        };
        self.table.find(hash(id), is_it).copied()
    }

    /// Marks a server's row as gone; false if it was not here.
    fn lose(&mut self, region: usize, id: &ServerId) -> bool {
        self.find_in(region, id).is_some_and(|index| self.lose_at(index))
    }

    fn lose_at(&mut self, index: RowIndex) -> bool {
        let (block, at) = place(index);
        let block = &mut self.blocks[block];
        if !block.is_present(at) {
            return false;
        }
        block.flags[at] |= flag::GONE;
        block.versions[at] = block.versions[at].wrapping_add(1);
        let region = usize::from(block.regions[at]);
        self.regions[region].rows -= 1;
        self.len -= 1;
        self.log(index);
        true
    }

    /// Marks the rows of a region whose flags `which` picks as gone, and says how many.
    fn lose_all(&mut self, region: usize, which: impl Fn(u8) -> bool) -> usize {
        let mut lost = 0;
        for block in 0..self.blocks.len() {
            for at in 0..self.blocks[block].len() {
                let columns = &self.blocks[block];
                if usize::from(columns.regions[at]) == region && which(columns.flags[at]) {
                    lost += usize::from(self.lose_at((block * BLOCK_ROWS + at) as RowIndex));
                }
            }
        }
        lost
    }

    fn region_changed(&mut self, state: RegionState) -> Result<Applied, FrameError> {
        let Some(region) = self.regions().iter().position(|region| region.name == state.region) else {
            return Err(FrameError("a state is of an unknown region"));
        };
        let expected = state.expected.unwrap_or(0).max(state.rows) as usize;
        let more = expected.saturating_sub(self.regions[region].rows);
        let Self { table, blocks, .. } = self;
        // One growth instead of several, within reason: the number is only a promise.
        table.reserve(more.min(1 << 20), hash_of(blocks));
        let is_whole = matches!(state.status, RegionStatus::Complete | RegionStatus::Stale);
        self.regions[region].state = Some(state);
        let gone = if is_whole && std::mem::take(&mut self.is_sweeping[region]) {
            self.lose_all(region, |flags| flags & flag::SEEN == 0)
        } else {
            0
        };
        Ok(Applied::Region { region, gone })
    }

    fn reset(&mut self, region: usize) {
        self.wires[region].clear();
        self.is_sweeping[region] = true;
        for block in &mut self.blocks {
            for (flags, of) in block.flags.iter_mut().zip(&block.regions) {
                if usize::from(*of) == region {
                    *flags &= !flag::SEEN;
                }
            }
        }
    }

    fn log(&mut self, index: RowIndex) {
        let (block, at) = place(index);
        let flags = &mut self.blocks[block].flags[at];
        if *flags & flag::LOGGED == 0 {
            *flags |= flag::LOGGED;
            self.changes.push(index);
        }
    }
}

/// The block of a row and its place there.
#[inline]
pub(super) fn place(index: RowIndex) -> (usize, usize) {
    (index as usize / BLOCK_ROWS, index as usize % BLOCK_ROWS)
}

/// The hash of a row that is in the table.
fn hash_of(blocks: &[Block]) -> impl Fn(&RowIndex) -> u64 {
    move |index| {
        let (block, at) = place(*index);
        hash(&blocks[block].ids[at])
    }
}

/// Ids are random for the most part; this spreads those that are counted up too.
fn hash(id: &ServerId) -> u64 {
    let bits = u128::from_le_bytes(id.0);
    let mixed = ((bits >> 64) as u64 ^ (bits as u64).rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests;
