//! What happens on the servers stream, as JSON lines say it. The binary frames of [`super::frame`] say the same.

use serde::{Deserialize, Serialize};

use super::ServerRow;
use crate::{Region, ServerId};

/// One line of the NDJSON stream.
///
/// Order: `hello`, then for each region any number of `rows`, `gone` and `region` as they come; `position` now
/// and then; `caught_up` once everything known at the start was sent. With `follow=false` the stream ends there, with
/// `follow=briefly` some seconds later, otherwise it goes on with what changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    Hello {
        /// The regions of this stream, in the catalog's order.
        regions: Vec<Region>,
    },
    /// Forget what was known of this region once it is complete again: rows not sent anew by then are gone.
    Reset {
        region: Region,
    },
    /// New and changed rows.
    Rows {
        region: Region,
        rows: Vec<ServerRow>,
    },
    Gone {
        region: Region,
        ids: Vec<ServerId>,
    },
    Region(RegionState),
    /// Resume from here by `?position=`: everything before it was sent.
    Position {
        position: String,
    },
    CaughtUp,
    Ping,
    /// The stream ends because the session did, or may no longer see the project.
    Ended {
        code: String,
        message: String,
    },
}

/// How a region stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionState {
    pub region: Region,
    pub status: RegionStatus,
    /// Rows the index holds now.
    pub rows: u32,
    /// Rows there will be, where the light list has told already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u32>,
    /// Milliseconds since the region last answered in full; `None` if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// Milliseconds until it is asked again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<u64>,
    /// Rows that could not be read whole.
    #[serde(default)]
    pub degraded_rows: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RegionFailure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionStatus {
    /// Being filled for the first time.
    Loading,
    /// All rows are here and are kept true.
    Complete,
    /// All rows are here, but the region does not answer now.
    Stale,
    /// Nothing (or not everything) could be had, and the region does not answer now.
    Unreachable,
}

/// Why a region does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionFailure {
    /// Stable, as in [`ErrorBody::code`](crate::ErrorBody): `upstream_timeout`, `upstream_unreachable`,
    /// `circuit_open`, `upstream_error`, `upstream_malformed`, `forbidden`, `rate_limited`.
    pub code: String,
    /// One sentence for a person: "Compute in RegionTwo did not answer within 5 seconds."
    pub message: String,
}
