//! One upload: what it is doing, and what it does next when something happens. Plain Rust; what the browser is asked
//! for is in `uploads`.
//!
//! The image service cannot go on in the middle of a file (its API has no way to append, staging included): after a
//! lost connection the bytes are sent again from the first one, by itself, and the page says so.

use crate::cloud::{Cloud, CloudError};

/// An upload as it is shown.
#[derive(Clone, PartialEq)]
pub struct Upload {
    pub key: u32,
    pub name: String,
    pub cloud: Cloud,
    pub phase: Phase,
    pub size: u64,
    /// How often it had to begin again.
    pub restarts: u32,
    /// When this run began, in milliseconds since 1970.
    pub began_ms: f64,
    pub error: Option<CloudError>,
    /// The image's id, once there is a record.
    pub image: Option<String>,
    /// In a row without a byte that arrived.
    pub tries: u32,
}

/// What an upload is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// The image's record is being made.
    Creating,
    /// So many bytes are on their way.
    Sending {
        sent: u64,
    },
    /// Everything is sent; the service has yet to say that it has it.
    Finishing,
    /// The connection was lost; it begins again at this moment (milliseconds since 1970).
    Waiting {
        until_ms: f64,
    },
    Done,
    /// In words; nothing is tried any more unless a person says so.
    Failed(String),
    Cancelled,
}

/// What is known after a connection was lost, from asking the image service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It holds no data: it can be sent again.
    Queued,
    /// The service still holds the lost call for alive.
    Saving,
    /// It has all of it: only its answer was lost.
    Active,
    /// Gone, or in a state nothing leads out of.
    Lost,
    /// It does not answer.
    Unknown,
}

/// What to do then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Send,
    Wait,
    Done,
    GiveUp,
}

/// So many times in a row without a byte that arrived.
pub const MOST_TRIES: u32 = 12;

pub fn next_after(found: Found, tries: u32) -> Next {
    match found {
        Found::Active => Next::Done,
        Found::Lost => Next::GiveUp,
        _ if tries >= MOST_TRIES => Next::GiveUp,
        Found::Queued => Next::Send,
        Found::Saving | Found::Unknown => Next::Wait,
    }
}

/// How long to wait before the next try, in milliseconds: longer each time, up to half a minute.
pub fn pause_ms(tries: u32) -> f64 {
    (f64::from(1_u32 << tries.min(5)) * 1000.0).min(30_000.0)
}

/// What a state of Glance means here.
pub fn found_of(status: &str) -> Found {
    match status {
        "queued" | "uploading" => Found::Queued,
        "saving" | "importing" => Found::Saving,
        "active" => Found::Active,
        _ => Found::Lost,
    }
}

impl Phase {
    /// It still does something, or will.
    pub fn is_going_on(&self) -> bool {
        !matches!(self, Self::Done | Self::Failed(_) | Self::Cancelled)
    }
}

/// "3.2 MiB/s", from bytes in milliseconds; nothing before there is something to tell.
pub fn speed(bytes: u64, ms: f64) -> Option<String> {
    (ms >= 500.0 && bytes > 0).then(|| format!("{}/s", size_text((bytes as f64 / ms * 1000.0) as u64)))
}

/// A size in the unit that keeps it short: "512 MiB", "1.5 GiB".
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = bytes.saturating_mul(10);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1024;
        unit += 1;
    }
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {}", UNITS[unit]),
        (whole, tenth) => format!("{whole}.{tenth} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_leads_to_another_try_until_nothing_helps() {
        assert_eq!(next_after(Found::Queued, 1), Next::Send);
        assert_eq!(next_after(Found::Saving, 1), Next::Wait);
        assert_eq!(next_after(Found::Unknown, MOST_TRIES), Next::GiveUp);
        assert_eq!(next_after(Found::Active, MOST_TRIES), Next::Done);
        assert_eq!(next_after(Found::Lost, 0), Next::GiveUp);
        assert_eq!(found_of("killed"), Found::Lost);
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let pauses: Vec<_> = (0..8).map(pause_ms).collect();
        assert_eq!(pauses, [1000.0, 2000.0, 4000.0, 8000.0, 16_000.0, 30_000.0, 30_000.0, 30_000.0]);
    }

    #[test]
    fn sizes_and_speeds_are_short() {
        assert_eq!(size_text(0), "0 B");
        assert_eq!(size_text(1023), "1023 B");
        assert_eq!(size_text(1536), "1.5 KiB");
        assert_eq!(size_text(2_361_393_152), "2.2 GiB");
        assert_eq!(speed(0, 1000.0), None);
        assert_eq!(speed(2_097_152, 1000.0).as_deref(), Some("2 MiB/s"));
    }
}
