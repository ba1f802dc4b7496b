//! Graphs of what was measured, as the console shows them.

use serde::{Deserialize, Serialize};

/// What is asked for. Without a value the first of [`RANGES`] and of [`PERCENTILES`] that is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatisticsQuery {
    /// Seconds back from now: one of [`RANGES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// Of latencies: one of [`PERCENTILES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<u8>,
}

/// How far back one may look, and how long each step of the graphs then is; both in seconds.
pub const RANGES: [(u32, u32); 6] =
    [(900, 30), (3_600, 60), (21_600, 300), (86_400, 900), (604_800, 7_200), (2_592_000, 21_600)];
pub const USUAL_RANGE: u32 = 3_600;
/// The share of calls, in percent, that took no longer than a latency says.
pub const PERCENTILES: [u8; 3] = [50, 95, 99];
pub const USUAL_PERCENTILE: u8 = 95;

/// All graphs on the same steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// False where no Graphite is configured: there are no graphs then.
    pub is_configured: bool,
    /// When each step begins, in seconds since 1970.
    pub at: Vec<i64>,
    pub step_secs: u32,
    /// Of latencies: the one that was asked for.
    pub percentile: u8,
    pub graphs: Vec<Graph>,
    /// Releases that were first seen within the range, the oldest first.
    pub releases: Vec<ReleaseMark>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Which one it is, such as `sign_ins`: the page has words for each.
    pub id: String,
    pub unit: Unit,
    /// The largest first, twelve at most.
    pub series: Vec<GraphSeries>,
    /// There were more.
    pub has_more: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphSeries {
    /// A word of ours (`success`), or what was measured: `compute RegionOne`.
    pub name: String,
    /// One for each step; `None` where nothing was measured.
    pub values: Vec<Option<f64>>,
}

/// What the values of a graph are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// So many within the step.
    Count,
    /// So many at a time.
    Level,
    PerSecond,
    Milliseconds,
    Bytes,
    /// Processors kept busy.
    Processors,
}

/// A release, from when it was first seen running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseMark {
    pub release: String,
    /// Seconds since 1970.
    pub at: i64,
}
