//! One row, read column by column.

use api_types::{
    Region, ServerId,
    servers::{StatusKind, frame::IpRef, status_kind},
};

use super::{RowIndex, Rows};

/// A row of [`Rows`]; each method reads one column.
#[derive(Clone, Copy)]
pub struct RowView<'a> {
    rows: &'a Rows,
    index: RowIndex,
}

/// The size of a server, as its row says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlavorInfo {
    pub name: String,
    pub vcpus: u32,
    pub ram_mib: u32,
    pub disk_gib: u32,
}

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
        Self { rows, index }
    }

    pub fn index(&self) -> RowIndex {
        self.index
    }

    pub fn id(&self) -> ServerId {
        ServerId([0; 16])
    }

    pub fn region(&self) -> &'a Region {
        &self.rows.regions()[0].name
    }

    pub fn name(&self) -> &'a str {
        ""
    }

    /// As Nova spells it; empty when not said.
    pub fn status(&self) -> &'a str {
        ""
    }

    pub fn status_kind(&self) -> StatusKind {
        status_kind(self.status())
    }

    /// What is being done to it, as Nova spells it.
    pub fn task(&self) -> Option<&'a str> {
        None
    }

    pub fn is_locked(&self) -> bool {
        false
    }

    pub fn is_degraded(&self) -> bool {
        false
    }

    /// The server is no more; the row stays until the pointer leaves the table.
    pub fn is_gone(&self) -> bool {
        false
    }

    pub fn tags(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        [].into_iter()
    }

    /// Keys and values, sorted by key.
    pub fn metadata(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + use<'a> {
        [].into_iter()
    }

    pub fn addresses(&self) -> impl Iterator<Item = AddressView<'a>> + use<'a> {
        [].into_iter()
    }

    /// `None`: not said.
    pub fn flavor(&self) -> Option<&'a FlavorInfo> {
        None
    }

    /// The image's name, its id where the name is not known, empty for a volume.
    pub fn image_name(&self) -> &'a str {
        ""
    }

    pub fn image_kind(&self) -> ImageKind {
        ImageKind::Volume
    }

    pub fn availability_zone(&self) -> Option<&'a str> {
        None
    }

    /// Seconds since 1970; 0 when not said.
    pub fn created_at(&self) -> u32 {
        0
    }

    /// Seconds since 1970; 0 when not said.
    pub fn updated_at(&self) -> u32 {
        0
    }

    /// Why it failed, in Nova's words.
    pub fn fault(&self) -> Option<&'a str> {
        None
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
}
