use std::collections::HashMap;

use super::*;
use crate::servers::{Address, Flavor, Image, RegionState, RegionStatus, ServerRow};

#[derive(Default)]
struct Dictionary {
    texts: Vec<String>,
    codes: HashMap<String, u32>,
}

impl Interner for Dictionary {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        self.texts.push(text.to_owned());
        let code = self.texts.len() as u32;
        self.codes.insert(text.to_owned(), code);
        code
    }
}

impl Dictionary {
    fn text(&self, code: u32) -> Option<&str> {
        self.texts.get((code as usize).checked_sub(1)?).map(String::as_str)
    }
}

fn row(name: &str) -> ServerRow {
    ServerRow {
        id: "73c344c2-0b77-4253-873f-aa4d3c5c0ed4".parse().expect("a uuid"),
        name: name.to_owned(),
        status: "ACTIVE".to_owned(),
        task_state: Some("rebooting".to_owned()),
        is_locked: true,
        tags: vec!["prod".to_owned(), String::new()],
        metadata: vec![("role".to_owned(), "a=b\0c".to_owned())],
        addresses: ["10.0.0.7", "fd00::7", "::ffff:10.0.0.7", "not an address"]
            .map(|ip| Address {
                ip: ip.to_owned(),
                network: "private".to_owned(),
                is_floating: ip == "fd00::7",
            })
            .to_vec(),
        flavor: Some(Flavor { name: "m1 <large>".to_owned(), vcpus: 4, ram_mib: 8192, disk_gib: 80 }),
        image: Image::Named { id: "ccb3".to_owned(), name: "Ubuntu 24.04 \u{202e}".to_owned() },
        availability_zone: Some("az-1".to_owned()),
        created_at: 1_763_664_577,
        updated_at: u32::MAX,
        fault: None,
        is_degraded: false,
    }
}

#[test]
fn a_row_comes_back_as_it_went_whatever_its_text() {
    let mut dictionary = Dictionary::default();
    for name in ["web-1", "", "<script>alert(1)</script>", "a\nb\0c", &"\u{1f600}".repeat(255)] {
        let sent = row(name);
        let bytes = encode_row(&sent, &mut dictionary);
        assert_eq!(decode_row(&bytes, |code| dictionary.text(code)), Ok(sent));
    }
}

#[test]
fn a_bare_row_comes_back_bare() {
    let mut dictionary = Dictionary::default();
    let sent = ServerRow {
        status: String::new(),
        task_state: None,
        tags: Vec::new(),
        metadata: Vec::new(),
        addresses: Vec::new(),
        flavor: None,
        image: Image::Volume,
        availability_zone: None,
        fault: None,
        is_degraded: true,
        ..row("bare")
    };
    let bytes = encode_row(&sent, &mut dictionary);
    assert_eq!(decode_row(&bytes, |code| dictionary.text(code)), Ok(sent));
}

#[test]
fn frames_cut_anywhere_come_out_whole_and_in_order() {
    let mut dictionary = Dictionary::default();
    let encoded: Vec<_> = ["a", "b"].iter().map(|name| encode_row(&row(name), &mut dictionary)).collect();
    let mut writer = FrameWriter::new();
    writer.hello(&["RegionOne".parse().expect("a region")]);
    writer.reset(0);
    writer.dict(0, 1, dictionary.texts.iter().map(String::as_str));
    writer.rows(0, encoded.iter().map(Vec::as_slice));
    writer.gone(0, &[row("a").id]);
    writer.region(&RegionState {
        region: "RegionOne".parse().expect("a region"),
        status: RegionStatus::Complete,
        rows: 2,
        expected: None,
        age_ms: Some(1500),
        retry_in_ms: None,
        degraded_rows: 0,
        failure: None,
    });
    writer.position("0.1.2");
    writer.caught_up();
    writer.ping();
    writer.ended("session_ended", "You are signed out.");
    let bytes = writer.take();

    for piece in [1, 3, 7, 64, bytes.len()] {
        let mut reader = FrameReader::new();
        let mut seen = Vec::new();
        for part in bytes.chunks(piece) {
            reader.push(part);
            while let Some(frame) = reader.next_frame().expect("well-formed") {
                seen.push(match frame {
                    Frame::Hello { regions } => format!("hello {}", regions[0]),
                    Frame::Reset { region } => format!("reset {region}"),
                    Frame::Dict { first_code, texts, .. } => format!("dict {first_code}+{}", texts.count()),
                    Frame::Rows { rows, .. } => {
                        let names: Vec<_> = rows.map(|row| row.expect("a row").name.to_owned()).collect();
                        format!("rows {}", names.join(","))
                    }
                    Frame::Gone { ids, .. } => format!("gone {}", ids.len()),
                    Frame::Region(state) => format!("region {:?}", state.status),
                    Frame::Position(position) => format!("position {position}"),
                    Frame::CaughtUp => "caught up".to_owned(),
                    Frame::Ping => "ping".to_owned(),
                    Frame::Ended { code, .. } => format!("ended {code}"),
                });
            }
        }
        let dict = format!("dict 1+{}", dictionary.texts.len());
        let expected = [
            "hello RegionOne",
            "reset 0",
            &dict,
            "rows a,b",
            "gone 1",
            "region Complete",
            "position 0.1.2",
            "caught up",
            "ping",
            "ended session_ended",
        ];
        assert_eq!(seen, expected);
        assert_eq!(reader.pending(), 0);
    }
}

#[test]
fn bytes_that_lie_are_refused_and_never_panic() {
    let mut dictionary = Dictionary::default();
    let encoded = encode_row(&row("web-1"), &mut dictionary);
    let mut writer = FrameWriter::new();
    writer.rows(0, std::iter::once(encoded.as_slice()));
    let good = writer.take();
    for cut in 0..encoded.len() {
        assert!(decode_row(&encoded[..cut], |code| dictionary.text(code)).is_err());
    }
    // Every byte in turn replaced by every value: an error or other rows, but an answer.
    for at in 4..good.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = good[4..].to_vec();
            bytes[at - 4] = value;
            if let Ok(Frame::Rows { rows, .. }) = Frame::parse(&bytes) {
                for row in rows.flatten() {
                    let _ = (row.tags.count(), row.metadata.count(), row.addresses.count());
                }
            }
        }
    }
    let mut reader = FrameReader::new();
    reader.push(&[0xff, 0xff, 0xff, 0xff, 2]);
    assert!(reader.next_frame().is_err());
}
