//! A thousand rows in columns.

use std::net::{Ipv4Addr, Ipv6Addr};

use api_types::{
    ServerId,
    servers::frame::{IpRef, RowRef},
};

use super::{ragged::Ragged, texts::Texts};

/// Rows of a block. Small enough that renaming a row moves little, large enough that a pass runs on.
pub const BLOCK_ROWS: usize = 1024;

/// Up to [`BLOCK_ROWS`] rows, a column for each property. Codes are those of [`Words`](super::words::Words).
pub struct Block {
    pub ids: Vec<ServerId>,
    pub regions: Vec<u8>,
    pub flags: Vec<u8>,
    pub versions: Vec<u32>,
    pub statuses: Vec<u32>,
    pub tasks: Vec<u32>,
    pub flavors: Vec<u32>,
    pub images: Vec<u32>,
    pub zones: Vec<u32>,
    pub faults: Vec<u32>,
    pub created: Vec<u32>,
    pub updated: Vec<u32>,
    pub names: Texts,
    pub tags: Ragged<u32>,
    pub metadata: Ragged<u32>,
    /// As [`push_address`] writes them.
    pub addresses: Ragged<u32>,
}

/// What a row is besides its values, as bits.
pub mod flag {
    /// The slot holds a row.
    pub const LIVE: u8 = 1;
    /// The server is no more.
    pub const GONE: u8 = 1 << 1;
    pub const LOCKED: u8 = 1 << 2;
    pub const DEGRADED: u8 = 1 << 3;
    /// The change log names the row.
    pub const LOGGED: u8 = 1 << 4;
    /// Sent since its region was reset.
    pub const SEEN: u8 = 1 << 5;
}

/// The values of a row on its way in, as codes. Kept from row to row for its allocations.
#[derive(Default)]
pub struct Cells {
    pub status: u32,
    pub task: u32,
    pub flavor: u32,
    pub image: u32,
    pub zone: u32,
    pub fault: u32,
    pub tags: Vec<u32>,
    pub metadata: Vec<u32>,
    pub addresses: Vec<u32>,
    pub scratch: Vec<u8>,
}

/// An address as a block holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub is_floating: bool,
    /// The code of the network's name.
    pub network: u32,
    pub ip: Ip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ip {
    V4(u32),
    V6(u128),
    /// The code of an odd address.
    Text(u32),
}

impl Block {
    pub fn new() -> Self {
        let words = || Vec::with_capacity(BLOCK_ROWS);
        let mut block = Self {
            ids: Vec::with_capacity(BLOCK_ROWS),
            regions: Vec::with_capacity(BLOCK_ROWS),
            flags: Vec::with_capacity(BLOCK_ROWS),
            versions: words(),
            statuses: words(),
            tasks: words(),
            flavors: words(),
            images: words(),
            zones: words(),
            faults: words(),
            created: words(),
            updated: words(),
            names: Texts::default(),
            tags: Ragged::new(),
            metadata: Ragged::new(),
            addresses: Ragged::new(),
        };
        block.names.reserve(BLOCK_ROWS);
        for column in [&mut block.tags, &mut block.metadata, &mut block.addresses] {
            column.reserve(BLOCK_ROWS);
        }
        block
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True for a row that is shown and not gone.
    #[inline]
    pub fn is_present(&self, at: usize) -> bool {
        self.flags[at] & (flag::LIVE | flag::GONE) == flag::LIVE
    }

    pub fn push(&mut self, region: u8, row: &RowRef<'_>, cells: &Cells) {
        self.ids.push(row.id);
        self.regions.push(region);
        self.flags.push(flags(row));
        self.versions.push(1);
        self.statuses.push(cells.status);
        self.tasks.push(cells.task);
        self.flavors.push(cells.flavor);
        self.images.push(cells.image);
        self.zones.push(cells.zone);
        self.faults.push(cells.fault);
        self.created.push(row.created_at);
        self.updated.push(row.updated_at);
        self.names.push(row.name);
        self.tags.push(&cells.tags);
        self.metadata.push(&cells.metadata);
        self.addresses.push(&cells.addresses);
        if self.len() == BLOCK_ROWS {
            self.names.shrink();
            self.tags.shrink();
            self.metadata.shrink();
            self.addresses.shrink();
        }
    }

    /// Replaces a row.
    pub fn set(&mut self, at: usize, region: u8, row: &RowRef<'_>, cells: &mut Cells) {
        self.ids[at] = row.id;
        self.regions[at] = region;
        self.flags[at] = flags(row) | self.flags[at] & flag::LOGGED;
        self.versions[at] = self.versions[at].wrapping_add(1);
        self.statuses[at] = cells.status;
        self.tasks[at] = cells.task;
        self.flavors[at] = cells.flavor;
        self.images[at] = cells.image;
        self.zones[at] = cells.zone;
        self.faults[at] = cells.fault;
        self.created[at] = row.created_at;
        self.updated[at] = row.updated_at;
        if self.names.get(at) != row.name {
            self.names.set(at, row.name, &mut cells.scratch);
        }
        self.tags.set(at, &cells.tags);
        self.metadata.set(at, &cells.metadata);
        self.addresses.set(at, &cells.addresses);
    }

    /// True if the row is just so already.
    pub fn holds(&self, at: usize, row: &RowRef<'_>, cells: &Cells) -> bool {
        const CONTENT: u8 = flag::LIVE | flag::GONE | flag::LOCKED | flag::DEGRADED;
        self.updated[at] == row.updated_at
            && self.statuses[at] == cells.status
            && self.tasks[at] == cells.task
            && (self.flags[at] ^ flags(row)) & CONTENT == 0
            && self.flavors[at] == cells.flavor
            && self.images[at] == cells.image
            && self.zones[at] == cells.zone
            && self.faults[at] == cells.fault
            && self.created[at] == row.created_at
            && self.tags.get(at) == cells.tags
            && self.metadata.get(at) == cells.metadata
            && self.addresses.get(at) == cells.addresses
            && self.names.get(at) == row.name
    }

    pub fn size_bytes(&self) -> usize {
        let words = [
            &self.versions,
            &self.statuses,
            &self.tasks,
            &self.flavors,
            &self.images,
            &self.zones,
            &self.faults,
            &self.created,
            &self.updated,
        ];
        self.ids.capacity() * size_of::<ServerId>()
            + self.regions.capacity()
            + self.flags.capacity()
            + words.iter().map(|column| column.capacity() * size_of::<u32>()).sum::<usize>()
            + self.names.size_bytes()
            + self.tags.size_bytes()
            + self.metadata.size_bytes()
            + self.addresses.size_bytes()
    }
}

fn flags(row: &RowRef<'_>) -> u8 {
    let mut flags = flag::LIVE | flag::SEEN;
    if row.is_locked {
        flags |= flag::LOCKED;
    }
    if row.is_degraded {
        flags |= flag::DEGRADED;
    }
    flags
}

const V4: u32 = 0;
const V6: u32 = 1;
const TEXT: u32 = 2;
const KIND: u32 = 3;
const FLOATING: u32 = 1 << 2;
const NETWORK_SHIFT: u32 = 3;

/// Writes an address as words: its kind, whether it floats and its network in the first, the address in those after.
pub fn push_address(out: &mut Vec<u32>, address: Address) {
    let head = address.network << NETWORK_SHIFT | if address.is_floating { FLOATING } else { 0 };
    match address.ip {
        Ip::V4(ip) => out.extend([head | V4, ip]),
        Ip::V6(ip) => {
            out.extend([head | V6, (ip >> 96) as u32, (ip >> 64) as u32, (ip >> 32) as u32, ip as u32]);
        }
        Ip::Text(code) => out.extend([head | TEXT, code]),
    }
}

/// Reads the addresses of a row.
#[derive(Clone)]
pub struct AddressCells<'a>(pub &'a [u32]);

impl Iterator for AddressCells<'_> {
    type Item = Address;

    #[inline]
    fn next(&mut self) -> Option<Address> {
        let [head, first, rest @ ..] = self.0 else { return None };
        self.0 = rest;
        let ip = match (head & KIND, rest) {
            (V6, [second, third, fourth, rest @ ..]) => {
                self.0 = rest;
                let word = |word: &u32, shift: u32| u128::from(*word) << shift;
                Ip::V6(word(first, 96) | word(second, 64) | word(third, 32) | u128::from(*fourth))
            }
            (TEXT, _) => Ip::Text(*first),
            _ => Ip::V4(*first),
        };
        Some(Address { is_floating: head & FLOATING != 0, network: head >> NETWORK_SHIFT, ip })
    }
}

impl Ip {
    /// The address as text or number; `odd` gives the text of a code.
    pub fn to_ref<'a>(self, odd: impl FnOnce(u32) -> &'a str) -> IpRef<'a> {
        match self {
            Self::V4(ip) => IpRef::V4(Ipv4Addr::from(ip)),
            Self::V6(ip) => IpRef::V6(Ipv6Addr::from(ip)),
            Self::Text(code) => IpRef::Text(odd(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_they_went() {
        let addresses = [
            Address { is_floating: true, network: 7, ip: Ip::V4(0x0a00_0001) },
            Address { is_floating: false, network: 0, ip: Ip::V6(0xfd00 << 112 | 7) },
            Address { is_floating: false, network: 1, ip: Ip::Text(3) },
            Address { is_floating: true, network: 2, ip: Ip::V4(u32::MAX) },
        ];
        let mut words = Vec::new();
        for address in addresses {
            push_address(&mut words, address);
        }
        assert_eq!(AddressCells(&words).collect::<Vec<_>>(), addresses);
    }
}
