//! One row as bytes, and back.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Cursor, FrameError, put_text, put_varint};
use crate::{
    ServerId,
    servers::{Address, Flavor, Image, ServerRow},
};

/// Gives each distinct text its code: from 1, always the same for the same text.
pub trait Interner {
    fn code(&mut self, text: &str) -> u32;
}

/// Writes a row: what [`Rows`] reads and [`decode_row`] turns back.
pub fn encode_row(row: &ServerRow, codes: &mut impl Interner) -> Vec<u8> {
    let mut out = Vec::with_capacity(96 + row.name.len());
    out.extend_from_slice(&row.id.0);
    out.push(u8::from(row.is_locked) | u8::from(row.is_degraded) << 1);
    put_text(&mut out, &row.name);
    put_varint(&mut out, code(codes, &row.status));
    put_varint(&mut out, row.task_state.as_deref().map_or(0, |task| code(codes, task)));
    put_varint(&mut out, row.flavor.as_ref().map_or(0, |flavor| codes.code(&flavor_text(flavor))));
    put_varint(
        &mut out,
        match &row.image {
            Image::Volume => 0,
            image => codes.code(&image_text(image)),
        },
    );
    put_varint(&mut out, row.availability_zone.as_deref().map_or(0, |zone| code(codes, zone)));
    put_varint(&mut out, row.fault.as_deref().map_or(0, |fault| code(codes, fault)));
    out.extend_from_slice(&row.created_at.to_le_bytes());
    out.extend_from_slice(&row.updated_at.to_le_bytes());
    put_varint(&mut out, row.tags.len() as u32);
    for tag in &row.tags {
        put_varint(&mut out, codes.code(tag));
    }
    put_varint(&mut out, row.metadata.len() as u32);
    for (key, value) in &row.metadata {
        put_varint(&mut out, codes.code(&format!("{}\0{value}", key.replace('\0', "\u{fffd}"))));
    }
    put_varint(&mut out, row.addresses.len() as u32);
    for address in &row.addresses {
        put_address(&mut out, address, codes);
    }
    out.shrink_to_fit();
    out
}

/// Reads one row that [`encode_row`] wrote; `strings` resolves a code to its text.
pub fn decode_row<'s>(
    bytes: &[u8],
    strings: impl Fn(u32) -> Option<&'s str>,
) -> Result<ServerRow, FrameError> {
    let mut cursor = Cursor { rest: bytes };
    let row = RowRef::read(&mut cursor)?;
    if !cursor.rest.is_empty() {
        return Err(FrameError("bytes follow the row"));
    }
    row.resolve(strings)
}

/// A row still in its frame: codes for what repeats, borrowed text for what does not.
#[derive(Clone)]
pub struct RowRef<'a> {
    pub id: ServerId,
    pub is_locked: bool,
    pub is_degraded: bool,
    pub name: &'a str,
    pub status: u32,
    pub task_state: u32,
    /// Its text: [`parse_flavor`].
    pub flavor: u32,
    /// Its text: [`parse_image`]; 0 is booted from a volume.
    pub image: u32,
    pub availability_zone: u32,
    pub fault: u32,
    pub created_at: u32,
    pub updated_at: u32,
    pub tags: Codes<'a>,
    /// Their texts: [`parse_metadata`].
    pub metadata: Codes<'a>,
    pub addresses: Addresses<'a>,
}

/// The rows of one `Rows` frame, in order.
#[derive(Clone)]
pub struct Rows<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

/// Dictionary codes of one row.
#[derive(Clone)]
pub struct Codes<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

/// The addresses of one row.
#[derive(Clone)]
pub struct Addresses<'a> {
    cursor: Cursor<'a>,
    left: u32,
}

/// One address of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRef<'a> {
    pub is_floating: bool,
    /// The code of the network's name.
    pub network: u32,
    pub ip: IpRef<'a>,
}

/// An address as it travels: four bytes, sixteen bytes, or the text that would not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpRef<'a> {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Text(&'a str),
}

impl AddressRef<'_> {
    pub fn ip_text(&self) -> String {
        match self.ip {
            IpRef::V4(ip) => ip.to_string(),
            IpRef::V6(ip) => ip.to_string(),
            IpRef::Text(text) => text.to_owned(),
        }
    }
}

impl<'a> Rows<'a> {
    pub(super) fn read(payload: &mut &'a [u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor { rest: payload };
        let left = cursor.varint()?;
        Ok(Self { cursor, left })
    }

    /// How many rows are left.
    pub fn len(&self) -> usize {
        self.left as usize
    }

    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<RowRef<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let row = RowRef::read(&mut self.cursor);
        if row.is_err() {
            self.left = 0;
        }
        Some(row)
    }
}

impl<'a> RowRef<'a> {
    /// The row with its codes resolved; `strings` gives the text of a code.
    pub fn resolve<'s>(self, strings: impl Fn(u32) -> Option<&'s str>) -> Result<ServerRow, FrameError> {
        let text = |code: u32| -> Result<&'s str, FrameError> {
            strings(code).ok_or(FrameError("a code is unknown"))
        };
        let optional = |code: u32| -> Result<Option<String>, FrameError> {
            if code == 0 { Ok(None) } else { text(code).map(|text| Some(text.to_owned())) }
        };
        Ok(ServerRow {
            id: self.id,
            name: self.name.to_owned(),
            status: optional(self.status)?.unwrap_or_default(),
            task_state: optional(self.task_state)?,
            is_locked: self.is_locked,
            tags: self.tags.map(|code| text(code).map(str::to_owned)).collect::<Result<_, _>>()?,
            metadata: self
                .metadata
                .map(|code| text(code).map(parse_metadata).map(|(k, v)| (k.to_owned(), v.to_owned())))
                .collect::<Result<_, _>>()?,
            addresses: self
                .addresses
                .map(|address| {
                    Ok(Address {
                        ip: address.ip_text(),
                        network: optional(address.network)?.unwrap_or_default(),
                        is_floating: address.is_floating,
                    })
                })
                .collect::<Result<_, FrameError>>()?,
            flavor: if self.flavor == 0 { None } else { Some(parse_flavor(text(self.flavor)?)) },
            image: if self.image == 0 { Image::Volume } else { parse_image(text(self.image)?) },
            availability_zone: optional(self.availability_zone)?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            fault: optional(self.fault)?,
            is_degraded: self.is_degraded,
        })
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, FrameError> {
        let mut id = [0; 16];
        id.copy_from_slice(cursor.take(16)?);
        let flags = cursor.byte()?;
        Ok(Self {
            id: ServerId(id),
            is_locked: flags & 1 != 0,
            is_degraded: flags & 2 != 0,
            name: cursor.text()?,
            status: cursor.varint()?,
            task_state: cursor.varint()?,
            flavor: cursor.varint()?,
            image: cursor.varint()?,
            availability_zone: cursor.varint()?,
            fault: cursor.varint()?,
            created_at: cursor.u32_le()?,
            updated_at: cursor.u32_le()?,
            tags: Codes::read(cursor)?,
            metadata: Codes::read(cursor)?,
            addresses: Addresses::read(cursor)?,
        })
    }
}

impl<'a> Codes<'a> {
    /// Notes where the codes begin and steps over them, so that each one read later is known to be whole.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, FrameError> {
        let left = cursor.varint()?;
        let start = cursor.clone();
        for _ in 0..left {
            cursor.varint()?;
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

impl Iterator for Codes<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        self.cursor.varint().ok()
    }
}

impl<'a> Addresses<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, FrameError> {
        let left = cursor.varint()?;
        let start = cursor.clone();
        for _ in 0..left {
            read_address(cursor)?;
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

impl<'a> Iterator for Addresses<'a> {
    type Item = AddressRef<'a>;

    fn next(&mut self) -> Option<AddressRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        read_address(&mut self.cursor).ok()
    }
}

/// The flavor of a dictionary text.
pub fn parse_flavor(text: &str) -> Flavor {
    let mut parts = text.splitn(4, ' ');
    let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    let (vcpus, ram_mib, disk_gib) = (number(), number(), number());
    Flavor { name: parts.next().unwrap_or_default().to_owned(), vcpus, ram_mib, disk_gib }
}

/// The image of a dictionary text.
pub fn parse_image(text: &str) -> Image {
    match text.split_once('\0') {
        Some((id, name)) => Image::Named { id: id.to_owned(), name: name.to_owned() },
        None => Image::Unnamed { id: text.to_owned() },
    }
}

/// Key and value of a dictionary text.
pub fn parse_metadata(text: &str) -> (&str, &str) {
    text.split_once('\0').unwrap_or((text, ""))
}

fn flavor_text(flavor: &Flavor) -> String {
    // Numbers first: a name may hold any character, a number none.
    format!("{} {} {} {}", flavor.vcpus, flavor.ram_mib, flavor.disk_gib, flavor.name)
}

fn image_text(image: &Image) -> String {
    match image {
        Image::Volume => String::new(),
        Image::Named { id, name } => format!("{}\0{name}", id.replace('\0', "\u{fffd}")),
        Image::Unnamed { id } => id.replace('\0', "\u{fffd}"),
    }
}

/// Empty text is "none": the interner never sees it.
fn code(codes: &mut impl Interner, text: &str) -> u32 {
    if text.is_empty() { 0 } else { codes.code(text) }
}

const ADDRESS_V6: u8 = 1;
const ADDRESS_FLOATING: u8 = 2;
const ADDRESS_TEXT: u8 = 4;

fn put_address(out: &mut Vec<u8>, address: &Address, codes: &mut impl Interner) {
    let floating = if address.is_floating { ADDRESS_FLOATING } else { 0 };
    let network = code(codes, &address.network);
    // Only a text that prints back as it came travels as bytes: `::ffff:1.2.3.4` and friends stay as written.
    if let Some(ip) = address.ip.parse::<Ipv4Addr>().ok().filter(|ip| ip.to_string() == address.ip) {
        out.push(floating);
        put_varint(out, network);
        out.extend_from_slice(&ip.octets());
    } else if let Some(ip) = address.ip.parse::<Ipv6Addr>().ok().filter(|ip| ip.to_string() == address.ip) {
        out.push(floating | ADDRESS_V6);
        put_varint(out, network);
        out.extend_from_slice(&ip.octets());
    } else {
        out.push(floating | ADDRESS_TEXT);
        put_varint(out, network);
        put_text(out, &address.ip);
    }
}

fn read_address<'a>(cursor: &mut Cursor<'a>) -> Result<AddressRef<'a>, FrameError> {
    let kind = cursor.byte()?;
    let network = cursor.varint()?;
    let ip = if kind & ADDRESS_TEXT != 0 {
        IpRef::Text(cursor.text()?)
    } else if kind & ADDRESS_V6 != 0 {
        let mut octets = [0; 16];
        octets.copy_from_slice(cursor.take(16)?);
        IpRef::V6(octets.into())
    } else {
        let mut octets = [0; 4];
        octets.copy_from_slice(cursor.take(4)?);
        IpRef::V4(octets.into())
    };
    Ok(AddressRef { is_floating: kind & ADDRESS_FLOATING != 0, network, ip })
}
