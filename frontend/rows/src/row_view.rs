//! One row, read column by column.

use api_types::{
    Region, ServerId,
    servers::{
        Address, Flavor, Image, ServerRow, StatusKind, frame::IpRef, frame::parse_metadata, status_kind,
    },
};

use super::{
    RowIndex, Rows,
    block::{AddressCells, Block, flag},
    store::place,
};

/// A row of [`Rows`]; each method reads one column.
#[derive(Clone, Copy)]
pub struct RowView<'a> {
    rows: &'a Rows,
    block: &'a Block,
    at: usize,
    index: RowIndex,
}

/// The size of a server, as its row says it.
pub type FlavorInfo = Flavor;

/// Where a server's disk came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// Booted from a volume: there is no image.
    Volume,
    /// An image whose name is known.
    Named,
    /// An image that is gone or not known yet: its id stands for its name.
    Unnamed,
}

/// One address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressView<'a> {
    pub ip: IpRef<'a>,
    /// The network's name; may be empty.
    pub network: &'a str,
    pub is_floating: bool,
}

impl<'a> RowView<'a> {
    pub(super) fn new(rows: &'a Rows, index: RowIndex) -> Self {
        let (block, at) = place(index);
        Self { rows, block: &rows.blocks()[block], at, index }
    }

    pub fn index(&self) -> RowIndex {
        self.index
    }

    pub fn id(&self) -> ServerId {
        self.block.ids[self.at]
    }

    pub fn region(&self) -> &'a Region {
        &self.rows.all_regions()[usize::from(self.block.regions[self.at])].name
    }

    /// Any text at all, also an empty one.
    pub fn name(&self) -> &'a str {
        self.block.names.get(self.at)
    }

    /// As Nova spells it; empty when not said.
    pub fn status(&self) -> &'a str {
        self.rows.words().statuses.get(self.block.statuses[self.at])
    }

    pub fn status_kind(&self) -> StatusKind {
        status_kind(self.status())
    }

    /// What is being done to it, as Nova spells it.
    pub fn task(&self) -> Option<&'a str> {
        some(self.rows.words().tasks.get(self.block.tasks[self.at]))
    }

    pub fn is_locked(&self) -> bool {
        self.has(flag::LOCKED)
    }

    /// Not all of the upstream's row could be read.
    pub fn is_degraded(&self) -> bool {
        self.has(flag::DEGRADED)
    }

    /// The server is no more; the row stays while the view is held.
    pub fn is_gone(&self) -> bool {
        self.has(flag::GONE)
    }

    pub fn tags(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let words = self.rows.words();
        self.block.tags.get(self.at).iter().map(|tag| words.tags.get(*tag))
    }

    /// Keys and values, sorted by key.
    pub fn metadata(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + use<'a> {
        let words = self.rows.words();
        self.block.metadata.get(self.at).iter().map(|pair| parse_metadata(words.metadata.get(*pair)))
    }

    pub fn addresses(&self) -> impl Iterator<Item = AddressView<'a>> + use<'a> {
        let words = self.rows.words();
        AddressCells(self.block.addresses.get(self.at)).map(|address| AddressView {
            ip: address.ip.to_ref(|code| words.odd_addresses.get(code)),
            network: words.networks.get(address.network),
            is_floating: address.is_floating,
        })
    }

    /// `None`: not said.
    pub fn flavor(&self) -> Option<&'a FlavorInfo> {
        self.rows.words().flavors.get(self.block.flavors[self.at])
    }

    /// The image's name, its id where the name is not known, empty for a volume.
    pub fn image_name(&self) -> &'a str {
        let images = &self.rows.words().images;
        images.names.get(images.name(self.block.images[self.at]))
    }

    pub fn image_kind(&self) -> ImageKind {
        self.rows.words().images.get(self.block.images[self.at]).map_or(ImageKind::Volume, |image| image.kind)
    }

    pub fn availability_zone(&self) -> Option<&'a str> {
        some(self.rows.words().zones.get(self.block.zones[self.at]))
    }

    /// Seconds since 1970; 0 when not said.
    pub fn created_at(&self) -> u32 {
        self.block.created[self.at]
    }

    /// Seconds since 1970; 0 when not said.
    pub fn updated_at(&self) -> u32 {
        self.block.updated[self.at]
    }

    /// Why it failed, in Nova's words.
    pub fn fault(&self) -> Option<&'a str> {
        some(self.rows.words().faults.get(self.block.faults[self.at]))
    }

    /// The row as the stream sent it, for the page of one server.
    pub fn to_server_row(&self) -> ServerRow {
        let image = self.rows.words().images.get(self.block.images[self.at]);
        ServerRow {
            id: self.id(),
            name: self.name().to_owned(),
            status: self.status().to_owned(),
            task_state: self.task().map(str::to_owned),
            is_locked: self.is_locked(),
            tags: self.tags().map(str::to_owned).collect(),
            metadata: self.metadata().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            addresses: self.addresses().map(|address| address.to_address()).collect(),
            flavor: self.flavor().cloned(),
            image: match image {
                Some(image) if image.kind == ImageKind::Named => {
                    Image::Named { id: image.id.clone(), name: self.image_name().to_owned() }
                }
                Some(image) => Image::Unnamed { id: image.id.clone() },
                None => Image::Volume,
            },
            availability_zone: self.availability_zone().map(str::to_owned),
            created_at: self.created_at(),
            updated_at: self.updated_at(),
            fault: self.fault().map(str::to_owned),
            is_degraded: self.is_degraded(),
        }
    }

    fn has(&self, bit: u8) -> bool {
        self.block.flags[self.at] & bit != 0
    }
}

impl AddressView<'_> {
    pub fn ip_text(&self) -> String {
        match self.ip {
            IpRef::V4(ip) => ip.to_string(),
            IpRef::V6(ip) => ip.to_string(),
            IpRef::Text(text) => text.to_owned(),
        }
    }

    fn to_address(self) -> Address {
        Address { ip: self.ip_text(), network: self.network.to_owned(), is_floating: self.is_floating }
    }
}

fn some(text: &str) -> Option<&str> {
    if text.is_empty() { None } else { Some(text) }
}
