//! What the list's rows cost at 100,000 servers, natively: a figure a line, as JSON.
//!
//! `cargo bench -p rows --bench rows`. In the browser the same code takes some two to three times as long.

use std::{collections::HashMap, hint::black_box, net::Ipv6Addr, time::Instant};

use api_types::{
    ServerId,
    servers::{
        Address, Flavor, Image, RegionState, RegionStatus, ServerRow,
        frame::{FrameReader, FrameWriter, Interner, encode_row},
    },
};
use rows::{
    Column, Facet, FacetSelection, Query, Rows, Sort, Step, View,
    export::{Export, Format},
};

const SERVERS: usize = 100_000;
const REGIONS: [&str; 3] = ["RegionOne", "RegionTwo", "RegionThree"];
const FRAME_ROWS: usize = 256;
/// Frames that come in between two frames of the screen.
const FRAMES_A_TURN: usize = 20;
const ROUNDS: usize = 7;
const NOW: u32 = 1_763_664_577;

fn main() {
    let mut cloud = Cloud::new();
    let stream = cloud.stream();
    print("stream", stream.iter().map(Vec::len).sum::<usize>() as f64 / SERVERS as f64, "bytes/row");

    let mut applying = Times::default();
    let mut a_frame = Times::default();
    let mut filling = Times::default();
    let mut turns: Vec<_> = stream.chunks(FRAMES_A_TURN).map(|_| Times::default()).collect();
    for _ in 0..ROUNDS {
        let mut rows = Rows::new();
        let mut reader = FrameReader::new();
        applying
            .time(|| stream.iter().for_each(|frame| a_frame.time(|| apply(&mut rows, &mut reader, frame))));
        black_box(rows.len());

        let (mut rows, mut view, mut reader) = (Rows::new(), View::new(), FrameReader::new());
        filling.time(|| {
            for (turn, took) in stream.chunks(FRAMES_A_TURN).zip(&mut turns) {
                took.time(|| {
                    turn.iter().for_each(|frame| apply(&mut rows, &mut reader, frame));
                    finish(&mut view, &mut rows);
                });
            }
        });
        assert_eq!((view.len(), view.total()), (SERVERS, SERVERS));
    }
    print("apply 100,000 rows", applying.median(), "ms");
    print("apply a frame of 256 rows", a_frame.median(), "ms");
    print("apply and show 100,000 rows as they come", filling.median(), "ms");
    let longest = turns.iter_mut().map(Times::median).fold(0.0, f64::max);
    print("apply and show 5,000 more rows, longest", longest, "ms");

    let (mut rows, mut view, mut reader) = (Rows::new(), View::new(), FrameReader::new());
    stream.iter().for_each(|frame| apply(&mut rows, &mut reader, frame));
    finish(&mut view, &mut rows);
    print("memory", (rows.size_bytes() + view.size_bytes()) as f64 / SERVERS as f64, "bytes/row");

    for (name, typed) in [
        ("a name", "db-replica-prod-01"),
        ("two words", "web prod"),
        ("a tag and not another", "tag:prod -tag:pci"),
        ("an address", "10.1.20.1"),
        ("an IPv6 address", "fd00:1:1::f816"),
        ("a network", "10.1.0.0/16"),
        ("metadata", "cost-center=cc-1100"),
        ("an amount and an age", "ram>=8 age<30d"),
        ("nothing there", "zzzzzzzz"),
    ] {
        // Each keystroke by its median: what else the machine does is nobody's search.
        let mut keystrokes: Vec<_> = typed.char_indices().map(|_| Times::default()).collect();
        for _ in 0..ROUNDS {
            for (end, keystroke) in (1..=typed.len()).zip(&mut keystrokes) {
                let query = Query::parse(&typed[..end], FacetSelection::default(), NOW);
                keystroke.time(|| {
                    view.set_query(query);
                    finish(&mut view, &mut rows);
                });
            }
        }
        let mut medians: Vec<_> = keystrokes.iter_mut().map(Times::median).collect();
        medians.sort_by(f64::total_cmp);
        print(&format!("search for {name}, a keystroke"), medians[medians.len() / 2], "ms");
        print(&format!("search for {name}, worst keystroke"), medians[medians.len() - 1], "ms");
    }

    let mut choosing = Times::default();
    for _ in 0..ROUNDS {
        let mut facets = FacetSelection::default();
        for (facet, value) in [(Facet::Status, "ACTIVE"), (Facet::Tag, "prod"), (Facet::Ram, "4096")] {
            facets.set(facet, value, true);
            choosing.time(|| {
                view.set_query(Query::parse("", facets.clone(), NOW));
                finish(&mut view, &mut rows);
            });
        }
    }
    print("choose a facet's value", choosing.median(), "ms");

    view.set_query(Query::default());
    finish(&mut view, &mut rows);
    for column in Column::ALL {
        let mut sorting = Times::default();
        for round in 0..ROUNDS {
            sorting.time(|| {
                view.set_sort(Sort { column, descending: round % 2 == 1 });
                finish(&mut view, &mut rows);
            });
        }
        print(&format!("sort by {}", column.key()), sorting.median(), "ms");
    }

    view.set_sort(Sort::default());
    finish(&mut view, &mut rows);
    let mut living = Times::default();
    for round in 0..ROUNDS {
        let frame = cloud.change(100, round as u32);
        living.time(|| {
            apply(&mut rows, &mut reader, &frame);
            finish(&mut view, &mut rows);
        });
    }
    print("take in 100 changed rows", living.median(), "ms");

    let mut exporting = Times::default();
    let mut export = Export::new(Format::Csv, &Column::DEFAULT, &rows, view.order());
    while exporting.time(|| export.next_chunk(&rows)).is_some() {}
    print("export a chunk of CSV", exporting.median(), "ms");
}

fn print(name: &str, value: f64, unit: &str) {
    println!(r#"{{"name":"{name}","value":{value:.3},"unit":"{unit}"}}"#);
}

fn apply(rows: &mut Rows, reader: &mut FrameReader, bytes: &[u8]) {
    reader.push(bytes);
    while let Some(frame) = reader.next_frame().expect("a frame") {
        rows.apply(frame).expect("a frame that fits");
    }
}

fn finish(view: &mut View, rows: &mut Rows) {
    while view.step(rows, &mut || true) == Step::More {}
}

#[derive(Default)]
struct Times {
    ms: Vec<f64>,
}

impl Times {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.ms.push(start.elapsed().as_secs_f64() * 1000.0);
        done
    }

    fn median(&mut self) -> f64 {
        self.ms.sort_by(f64::total_cmp);
        self.ms[self.ms.len() / 2]
    }
}

/// Servers named, tagged and numbered as people do it; always the same ones.
struct Cloud {
    random: u64,
    dictionaries: [Dictionary; REGIONS.len()],
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
    fn new() -> Self {
        Self { random: 0x9e37_79b9_7f4a_7c15, dictionaries: Default::default() }
    }

    /// All servers, frame by frame, the regions in turn.
    fn stream(&mut self) -> Vec<Vec<u8>> {
        let mut writer = FrameWriter::new();
        writer.hello(&REGIONS.map(|region| region.parse().expect("a region")));
        let mut frames = vec![writer.take()];
        let numbers: Vec<_> = (0..SERVERS).collect();
        for (at, numbers) in numbers.chunks(FRAME_ROWS).enumerate() {
            frames.push(self.frame(at % REGIONS.len(), numbers, 0));
        }
        for region in REGIONS {
            writer.region(&RegionState {
                region: region.parse().expect("a region"),
                status: RegionStatus::Complete,
                rows: (SERVERS / REGIONS.len()) as u32,
                expected: None,
                age_ms: Some(0),
                retry_in_ms: None,
                degraded_rows: 0,
                failure: None,
            });
        }
        writer.caught_up();
        frames.push(writer.take());
        frames
    }

    /// A frame of servers of the first region that are being rebooted.
    fn change(&mut self, count: usize, round: u32) -> Vec<u8> {
        let numbers: Vec<_> = (0..count).collect();
        self.frame(0, &numbers, round + 1)
    }

    fn frame(&mut self, region: usize, numbers: &[usize], round: u32) -> Vec<u8> {
        let rows: Vec<_> = numbers.iter().map(|number| self.server(region, *number, round)).collect();
        let dictionary = &mut self.dictionaries[region];
        let encoded: Vec<_> = rows.iter().map(|row| encode_row(row, dictionary)).collect();
        let mut writer = FrameWriter::new();
        let new = &dictionary.texts[dictionary.sent..];
        if !new.is_empty() {
            writer.dict(region as u8, dictionary.sent as u32 + 1, new.iter().map(String::as_str));
        }
        dictionary.sent = dictionary.texts.len();
        writer.rows(region as u8, encoded.iter().map(Vec::as_slice));
        writer.take()
    }

    fn server(&mut self, region: usize, number: usize, round: u32) -> ServerRow {
        const PURPOSES: [&str; 12] = [
            "web",
            "api",
            "db-primary",
            "db-replica",
            "cache",
            "queue",
            "worker",
            "ci-runner",
            "k8s-node",
            "search",
            "monitoring",
            "mail",
        ];
        const TEAMS: [&str; 7] =
            ["checkout", "catalog", "identity", "payments", "platform", "data", "mobile"];
        let purpose = self.pick(&PURPOSES);
        let environment = self.pick(&["prod", "prod", "prod", "stage", "dev"]);
        let team = self.pick(&TEAMS);
        let name = match self.below(200) {
            0 => format!("Test server {number} (do not delete!)"),
            1 => format!("köln-{purpose}-{number:02}"),
            2..90 => format!("{purpose}-{number:02}"),
            90..110 => format!("{purpose}-{environment}-{:08x}", self.next() as u32),
            _ => format!("{purpose}-{environment}-{number:03}"),
        };
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        id[8] = region as u8;
        let mut tags = Vec::new();
        for (tag, percent) in [(environment, 80), (purpose, 70), (team, 50), ("critical", 6), ("pci", 4)] {
            if self.below(100) < percent {
                tags.push(tag.to_owned());
            }
        }
        let mut metadata = Vec::new();
        let cost_center = self.pick(&["cc-1100", "cc-1200", "cc-2040", "cc-3015"]);
        let owner = format!("{team}@example.com");
        for (key, value, percent) in [
            ("cost-center", cost_center, 50),
            ("env", environment, 40),
            ("owner", &owner, 30),
            ("role", purpose, 30),
        ] {
            if self.below(100) < percent {
                metadata.push((key.to_owned(), value.to_owned()));
            }
        }
        let [.., high, middle, low] = (number as u32 + 10).to_be_bytes();
        let address = |ip: String| Address { ip, network: "private".to_owned(), is_floating: false };
        let mut addresses = vec![address(format!("10.{}.{middle}.{low}", u32::from(high) + region as u32))];
        if self.below(100) < 60 {
            addresses.push(address(
                Ipv6Addr::from(
                    0xfd00_0001_u128 << 96 | (region as u128) << 80 | 0xf816_3e00_0000 | number as u128,
                )
                .to_string(),
            ));
        }
        let size = self.below(6) as u32;
        let status = match self.below(100) {
            0..88 => "ACTIVE",
            88..96 => "SHUTOFF",
            96..98 => "ERROR",
            _ => "BUILD",
        };
        ServerRow {
            id: ServerId(id),
            name,
            status: status.to_owned(),
            task_state: (round > 0).then(|| format!("rebooting-{}", round % 2)),
            is_locked: self.below(50) == 0,
            tags,
            metadata,
            addresses,
            flavor: Some(Flavor {
                name: format!("m1.{size}"),
                vcpus: 1 << size,
                ram_mib: 1024 << size,
                disk_gib: 20 << size,
            }),
            image: match self.below(8) {
                0 => Image::Volume,
                image => Image::Named { id: format!("{region}-{image}"), name: format!("ubuntu-{image}.04") },
            },
            availability_zone: Some(format!("az-{}", self.below(3) + 1)),
            created_at: NOW - self.below(100_000_000) as u32,
            updated_at: NOW - self.below(1_000_000) as u32,
            fault: None,
            is_degraded: false,
        }
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len() as u64) as usize]
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
