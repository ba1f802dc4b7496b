//! The health of the panel and of what it needs, as one node sees it.

use serde::{Deserialize, Serialize};

use super::flags::FlagState;

/// Everything the section *Health* shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Seconds since 1970, by the node that answers.
    pub at: i64,
    /// The node that answers; circuits and checks are its own.
    pub node: String,
    pub is_in_service: bool,
    /// What takes it out of service: `draining`, `starting`, `stalled`, `busy`, or what it lacks.
    pub because: Vec<String>,
    pub needs: Vec<NeedReport>,
    /// The latest a task of this node got its turn since the round before.
    pub late_ms: u64,
    pub services: Vec<ServiceReport>,
    pub nodes: Vec<NodeReport>,
    pub queues: Vec<QueueReport>,
    /// `None` while it does not answer.
    pub database: Option<DatabaseReport>,
    /// Every flag, as this node has it.
    #[serde(default)]
    pub flags: Vec<FlagState>,
}

/// Something that nodes are configured to need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedReport {
    /// `database`, `keystone`, `compute`, …
    pub need: String,
    pub is_good: bool,
    pub since: Option<i64>,
    /// How long the last check took.
    pub took_ms: u64,
    /// Why the last check failed.
    pub error: Option<String>,
    /// What follows from lacking it; `None` while it is good.
    pub conclusion: Option<Conclusion>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    pub is_out: bool,
    /// `only_here`, `everywhere`, `nobody_to_ask`, `configured`.
    pub why: String,
}

/// One service of one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// As in the service catalog: `compute`, `identity`.
    pub service: String,
    /// `None` for the identity service.
    pub region: Option<String>,
    pub circuit: Circuit,
    /// When an open circuit tries a call again.
    pub retry_in_secs: Option<u64>,
    pub answered_at: Option<i64>,
    pub failed_at: Option<i64>,
    /// How it failed then: a code, and the status where it answered with one.
    pub failure: Option<String>,
    pub failure_status: Option<u16>,
    /// Calls of this node that wait for their turn.
    pub waiting: u64,
    /// Other nodes whose circuit is not closed.
    pub elsewhere: Vec<CircuitElsewhere>,
}

/// Whether calls are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Circuit {
    Closed,
    Open,
    HalfOpen,
    Reintroducing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitElsewhere {
    pub node: String,
    pub circuit: Circuit,
}

/// A node of the panel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    pub id: String,
    pub name: String,
    pub region: Option<String>,
    pub zone: Option<String>,
    pub environment: Option<String>,
    pub release: String,
    pub started_at: i64,
    pub seen_at: i64,
    /// The node that answers.
    pub is_this: bool,
    /// Its heartbeat is as fresh as it should be.
    pub is_heard: bool,
    pub is_draining: bool,
    /// What took it out of service when it last said so.
    pub lacks: Vec<String>,
    /// The addresses of other nodes, as they are seen from there.
    pub hops: Vec<HopReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopReport {
    pub url: String,
    pub is_good: bool,
    pub since: i64,
    pub took_ms: Option<u32>,
    pub error: Option<String>,
}

/// Work that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReport {
    /// `jobs`, `log_stdout`, `log_gelf`, `log_postgres`, `client_log`.
    pub queue: String,
    /// `None` where it cannot be known now.
    pub waiting: Option<u64>,
    /// Of this node, or of all together.
    pub is_of_all_nodes: bool,
}

/// Our own database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseReport {
    /// How long the last heartbeat took.
    pub took_ms: u64,
    pub is_replica: bool,
    /// Connections of this node: open, of those idle, and how many there may be.
    pub connections: u32,
    pub idle: u32,
    pub most: u32,
    /// `None` where the database did not say.
    pub size_bytes: Option<i64>,
    pub log_bytes: Option<i64>,
    /// Days of the log that are kept.
    pub log_days: Option<i64>,
    pub replicas: Option<i64>,
    pub version: Option<String>,
}

/// Asks for a call to a service now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeService {
    pub service: String,
    pub region: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedService {
    pub is_answered: bool,
    /// The answer's status, where there was one.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    pub took_ms: u64,
    /// Afterwards.
    pub circuit: Circuit,
}
