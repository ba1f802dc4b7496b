//! A cloud for tests: servers that are sent as the stream sends them, and what a plain list of them would show.

pub mod model;

use std::collections::HashMap;

use api_types::{
    Region, ServerId,
    servers::{
        Address, Flavor, Image, RegionState, RegionStatus, ServerRow,
        frame::{FrameReader, FrameWriter, Interner, encode_row},
    },
};

use super::{Applied, Rows, Step, View};

/// Servers of several regions, and what of their texts was sent.
pub struct Cloud {
    pub regions: Vec<Region>,
    pub servers: Vec<(usize, ServerRow)>,
    dictionaries: Vec<Dictionary>,
    is_greeted: bool,
}

#[derive(Default)]
struct Dictionary {
    texts: Vec<String>,
    codes: HashMap<String, u32>,
    sent: usize,
}

impl Interner for Dictionary {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        self.texts.push(text.to_owned());
        self.codes.insert(text.to_owned(), self.texts.len() as u32);
        self.texts.len() as u32
    }
}

impl Cloud {
    pub fn new(regions: &[&str]) -> Self {
        Self {
            regions: regions.iter().map(|region| region.parse().expect("a region")).collect(),
            servers: Vec::new(),
            dictionaries: regions.iter().map(|_| Dictionary::default()).collect(),
            is_greeted: false,
        }
    }

    /// Adds a server by its name; `change` makes it different from a plain one.
    pub fn put(&mut self, region: usize, name: &str, change: impl FnOnce(&mut ServerRow)) {
        let mut row = plain_row(name);
        change(&mut row);
        self.servers.push((region, row));
    }

    /// The id of the first server of this name.
    pub fn id(&self, name: &str) -> ServerId {
        self.servers.iter().find(|(_, row)| row.name == name).expect("a server").1.id
    }

    /// Sends all servers, and that their regions are complete.
    pub fn send_all(&mut self, rows: &mut Rows) {
        for region in 0..self.regions.len() {
            let of_region: Vec<_> =
                self.servers.iter().filter(|(of, _)| *of == region).map(|(_, row)| row.clone()).collect();
            self.send(rows, region, &of_region);
            self.send_state(rows, region, RegionStatus::Complete);
        }
    }

    /// Sends servers of a region.
    pub fn send(&mut self, rows: &mut Rows, region: usize, servers: &[ServerRow]) -> Vec<Applied> {
        let mut writer = self.greeting();
        let dictionary = &mut self.dictionaries[region];
        let encoded: Vec<_> = servers.iter().map(|row| encode_row(row, dictionary)).collect();
        let new = &dictionary.texts[dictionary.sent..];
        if !new.is_empty() {
            writer.dict(region as u8, dictionary.sent as u32 + 1, new.iter().map(String::as_str));
        }
        dictionary.sent = dictionary.texts.len();
        writer.rows(region as u8, encoded.iter().map(Vec::as_slice));
        apply(rows, writer)
    }

    pub fn send_gone(&mut self, rows: &mut Rows, region: usize, ids: &[ServerId]) -> Vec<Applied> {
        let mut writer = self.greeting();
        writer.gone(region as u8, ids);
        apply(rows, writer)
    }

    pub fn send_reset(&mut self, rows: &mut Rows, region: usize) -> Vec<Applied> {
        self.dictionaries[region] = Dictionary::default();
        let mut writer = self.greeting();
        writer.reset(region as u8);
        apply(rows, writer)
    }

    pub fn send_state(&mut self, rows: &mut Rows, region: usize, status: RegionStatus) -> Vec<Applied> {
        let mut writer = self.greeting();
        writer.region(&RegionState {
            region: self.regions[region].clone(),
            status,
            rows: 0,
            expected: None,
            age_ms: None,
            retry_in_ms: None,
            degraded_rows: 0,
            failure: None,
        });
        apply(rows, writer)
    }

    fn greeting(&mut self) -> FrameWriter {
        let mut writer = FrameWriter::new();
        if !std::mem::replace(&mut self.is_greeted, true) {
            writer.hello(&self.regions);
        }
        writer
    }
}

/// An active server with one address, made at noon; its id follows from its name.
pub fn plain_row(name: &str) -> ServerRow {
    let mut id = [0x11u8; 16];
    for (at, byte) in name.bytes().enumerate() {
        id[at % 16] = id[at % 16].wrapping_mul(31).wrapping_add(byte);
    }
    ServerRow {
        id: ServerId(id),
        name: name.to_owned(),
        status: "ACTIVE".to_owned(),
        task_state: None,
        is_locked: false,
        tags: Vec::new(),
        metadata: Vec::new(),
        addresses: vec![Address {
            ip: "10.0.0.1".to_owned(),
            network: "private".to_owned(),
            is_floating: false,
        }],
        flavor: Some(Flavor { name: "m1.small".to_owned(), vcpus: 1, ram_mib: 2048, disk_gib: 20 }),
        image: Image::Volume,
        availability_zone: None,
        created_at: 1_700_000_000,
        updated_at: 1_700_000_000,
        fault: None,
        is_degraded: false,
    }
}

/// Lets the view work until it is done.
pub fn finish(view: &mut View, rows: &mut Rows) {
    for _ in 0..100_000 {
        if view.step(rows, &mut || true) == Step::Done {
            return;
        }
    }
    panic!("the view does not come to an end");
}

fn apply(rows: &mut Rows, mut writer: FrameWriter) -> Vec<Applied> {
    let mut reader = FrameReader::new();
    reader.push(&writer.take());
    let mut applied = Vec::new();
    while let Some(frame) = reader.next_frame().expect("a frame") {
        applied.push(rows.apply(frame).expect("a frame that fits"));
    }
    applied
}
