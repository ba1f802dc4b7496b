//! Somebody who looks at the list: reads the stream and keeps what it says.

use std::collections::BTreeMap;

use api_types::{
    Region, ServerId,
    servers::{
        Event, RegionState, RegionStatus, ServerRow,
        frame::{Frame, FrameReader},
    },
};
use axum::body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::SOON;
use crate::testing::Client;

/// The list as a viewer sees it.
#[derive(Default)]
pub struct Seen {
    pub rows: BTreeMap<(Region, ServerId), ServerRow>,
    pub regions: BTreeMap<Region, RegionState>,
    /// The regions there are, as the stream began with them.
    pub listed: Vec<Region>,
    pub position: Option<String>,
    /// The position covers everything seen.
    pub is_position_current: bool,
    pub is_caught_up: bool,
    pub resets: usize,
    /// Rows received, the same ones again included.
    pub received: usize,
    pub ended: Option<String>,
}

/// An open stream of JSON lines.
pub struct Watcher {
    body: Body,
    unread: Vec<u8>,
    pub seen: Seen,
}

impl Watcher {
    pub async fn open(client: &Client, path: &str) -> Self {
        Self::resume(client, path, Seen::default()).await
    }

    /// Opens a stream with what was seen before.
    pub async fn resume(client: &Client, path: &str, seen: Seen) -> Self {
        let response = client.open(path, &[]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Self { body: response.into_body(), unread: Vec::new(), seen: Seen { is_caught_up: false, ..seen } }
    }

    /// The next event; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let event: Event = serde_json::from_slice(&line).expect("an event");
                self.seen.take(event.clone());
                return Some(event);
            }
            let frame = self.body.frame().await?.expect("a stream that is not cut");
            self.unread.extend_from_slice(frame.data_ref().expect("data"));
        }
    }

    /// Reads until what was seen is as wanted.
    pub async fn until(&mut self, what: &str, mut is_wanted: impl FnMut(&Seen) -> bool) -> &Seen {
        let reading = async {
            while !is_wanted(&self.seen) {
                assert!(self.next().await.is_some(), "the stream ended before {what}");
            }
        };
        let is_in_time = timeout(SOON, reading).await.is_ok();
        assert!(is_in_time, "waited in vain for {what}: {:?}", self.seen.regions);
        &self.seen
    }

    pub async fn until_complete(&mut self) -> &Seen {
        self.until("all regions to be complete", Seen::is_complete).await
    }

    /// Reads to the end of the stream.
    pub async fn into_end(mut self) -> Seen {
        let reading = async { while self.next().await.is_some() {} };
        assert!(timeout(SOON, reading).await.is_ok(), "the stream does not end");
        self.seen
    }
}

impl Seen {
    pub fn is_complete(&self) -> bool {
        let is_complete =
            |name| self.regions.get(name).is_some_and(|state| state.status == RegionStatus::Complete);
        !self.listed.is_empty() && self.listed.iter().all(is_complete)
    }

    pub fn status(&self, region: &str) -> Option<RegionStatus> {
        self.regions.iter().find(|(name, _)| name.as_str() == region).map(|(_, state)| state.status)
    }

    /// The code of a region's failure.
    pub fn failure(&self, region: &str) -> Option<&str> {
        let (_, state) = self.regions.iter().find(|(name, _)| name.as_str() == region)?;
        state.failure.as_ref().map(|failure| failure.code.as_str())
    }

    pub fn rows_of(&self, region: &str) -> Vec<&ServerRow> {
        self.rows.iter().filter(|((name, _), _)| name.as_str() == region).map(|(_, row)| row).collect()
    }

    pub fn row(&self, id: ServerId) -> Option<&ServerRow> {
        self.rows.iter().find(|((_, other), _)| *other == id).map(|(_, row)| row)
    }

    pub fn take(&mut self, event: Event) {
        self.is_position_current &=
            !matches!(event, Event::Reset { .. } | Event::Rows { .. } | Event::Gone { .. });
        match event {
            Event::Hello { regions } => {
                self.listed = regions;
                self.regions.clear();
            }
            Event::Reset { region } => {
                self.resets += 1;
                self.rows.retain(|(other, _), _| *other != region);
            }
            Event::Rows { region, rows } => {
                self.received += rows.len();
                for row in rows {
                    self.rows.insert((region.clone(), row.id), row);
                }
            }
            Event::Gone { region, ids } => {
                self.rows.retain(|(other, id), _| *other != region || !ids.contains(id))
            }
            Event::Region(state) => {
                self.regions.insert(state.region.clone(), state);
            }
            Event::Position { position } => {
                self.position = Some(position);
                self.is_position_current = true;
            }
            Event::CaughtUp => self.is_caught_up = true,
            Event::Ping => {}
            Event::Ended { code, .. } => self.ended = Some(code),
        }
    }
}

/// Reads binary frames as the browser does.
#[derive(Default)]
pub struct FrameViewer {
    reader: FrameReader,
    names: Vec<Region>,
    texts: BTreeMap<u8, Vec<String>>,
    pub seen: Seen,
}

impl FrameViewer {
    pub fn resume(seen: Seen) -> Self {
        Self { seen, ..Self::default() }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(frame) = self.reader.next_frame().expect("a frame") {
            let name = |place: u8| self.names[usize::from(place)].clone();
            let event = match frame {
                Frame::Hello { regions } => {
                    self.names = regions.clone();
                    Event::Hello { regions }
                }
                Frame::Dict { region, first_code, texts } => {
                    let known = self.texts.entry(region).or_default();
                    assert_eq!(first_code as usize, known.len() + 1, "codes without a gap");
                    known.extend(texts.map(str::to_owned));
                    continue;
                }
                Frame::Rows { region, rows } => {
                    let known = self.texts.entry(region).or_default();
                    let rows = rows
                        .map(|row| {
                            let text = |code: u32| known.get(code as usize - 1).map(String::as_str);
                            row.and_then(|row| row.resolve(text)).expect("a row")
                        })
                        .collect();
                    Event::Rows { region: name(region), rows }
                }
                Frame::Gone { region, ids } => Event::Gone { region: name(region), ids },
                Frame::Region(state) => Event::Region(state),
                Frame::Reset { region } => {
                    self.texts.remove(&region);
                    Event::Reset { region: name(region) }
                }
                Frame::Position(position) => Event::Position { position: position.to_owned() },
                Frame::CaughtUp => Event::CaughtUp,
                Frame::Ping => Event::Ping,
                Frame::Ended { code, message } => Event::Ended { code, message },
            };
            self.seen.take(event);
        }
        assert!(self.reader.pending() < 4 * 1024 * 1024);
    }
}
