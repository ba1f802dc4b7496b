//! Whether this node is of use: looked at in the background, told to traffic managers at no cost.
//!
//! A round of checks looks at everything the node needs, writes its heartbeat, reads what the other nodes see, and
//! leaves a [`Snapshot`]. Whoever asks `/health` reads that and nothing else, so that no probe can hang, and a thousand
//! of them are no load. One odd check changes nothing ([`steady`]); what every node lacks takes none of them out
//! ([`policy`]).

pub mod facts;
mod looks;
pub mod nodes;
mod pauses;
pub mod policy;
mod rounds;
pub mod steady;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use parking_lot::RwLock;
use sqlx::PgPool;
use uuid::Uuid;

use self::{
    facts::KnownFacts,
    nodes::{NodeRow, NodeStore},
    pauses::Pauses,
    policy::{Conclusion, Opinion, Why},
    rounds::Rounds,
};
use crate::{
    clock::Clock,
    config::{Config, HealthConfig, Need, NodeConfig},
    metrics::Metrics,
    session::Keystone,
    shutdown::Shutdown,
    upstream::UpstreamClient,
};

/// The health of this node. Cheap to clone.
#[derive(Clone)]
pub struct Health(Arc<Shared>);

struct Shared {
    id: Uuid,
    node: NodeConfig,
    started_at: DateTime<Utc>,
    config: HealthConfig,
    clock: Clock,
    metrics: Metrics,
    shutdown: Shutdown,
    store: NodeStore,
    upstream: UpstreamClient,
    keystone: Keystone,
    seen: RwLock<Arc<Snapshot>>,
    /// Whoever looks holds it: rounds follow each other.
    rounds: tokio::sync::Mutex<Rounds>,
    facts: KnownFacts,
    pauses: Pauses,
}

/// What the last round of checks found. Does not change once made.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// `None` before the first round.
    pub made_at: Option<Instant>,
    /// Whether the database has all migrations of this release; it is looked until it has.
    pub is_migrated: bool,
    pub needs: Vec<NeedState>,
    pub own: OwnState,
    pub hops: Vec<HopState>,
    /// All nodes that were heard of within a day, this one among them; those of an earlier round while the database
    /// does not answer.
    pub nodes: Vec<NodeRow>,
    pub database: Option<DatabaseState>,
}

/// Something the node needs.
#[derive(Clone, Debug)]
pub struct NeedState {
    pub need: Need,
    pub is_good: bool,
    /// The last check said so too.
    pub is_surely_good: bool,
    pub since: Option<Instant>,
    /// How long the last check took.
    pub took: Duration,
    /// Why the last check failed, as a code.
    pub error: Option<&'static str>,
    /// What follows from lacking it; `None` while it is good.
    pub conclusion: Option<Conclusion>,
}

/// The process itself.
#[derive(Clone, Debug)]
pub struct OwnState {
    /// Whether its tasks get their turn in time.
    pub is_responsive: bool,
    /// The latest any of them got it since the round before.
    pub late: Duration,
}

/// Another node's address, as it is seen from here.
#[derive(Clone, Debug)]
pub struct HopState {
    /// As it is configured, without a slash at the end.
    pub url: String,
    pub is_good: bool,
    pub since: Option<Instant>,
    pub took: Option<Duration>,
    /// Why there was no answer, as a code.
    pub error: Option<&'static str>,
    /// What it says of the things it needs; empty when there was no answer.
    pub says: BTreeMap<String, Opinion>,
}

/// What the last heartbeat told of the database.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseState {
    /// How long it took.
    pub took: Duration,
    pub is_replica: bool,
}

/// What a traffic manager is told. The words are for everybody's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send people here. What is lacking everywhere is said beside it.
    InService { lacking_everywhere: Vec<&'static str> },
    /// Send nobody: `draining`, `starting`, `stalled`, `busy`, or what is lacking here.
    OutOfService { because: Vec<&'static str> },
}

/// Tasks that get their turn so late are not being answered to people either.
const LATE: Duration = Duration::from_secs(1);
/// A heartbeat this many rounds old says nothing of now.
const FRESH_ROUNDS: u32 = 4;

impl Health {
    pub fn new(
        config: &Config,
        db: PgPool,
        upstream: UpstreamClient,
        keystone: Keystone,
        clock: Clock,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> Self {
        Self(Arc::new(Shared {
            id: Uuid::new_v4(),
            node: config.node.clone(),
            started_at: clock.now(),
            store: NodeStore::new(db, config.health.timeout),
            rounds: tokio::sync::Mutex::new(Rounds::new(&config.health)),
            config: config.health.clone(),
            clock,
            metrics,
            shutdown,
            upstream,
            keystone,
            seen: RwLock::default(),
            facts: KnownFacts::default(),
            pauses: Pauses::default(),
        }))
    }

    /// What `/health` says: no question to anybody, a look into memory.
    pub fn verdict(&self) -> Verdict {
        let (shared, seen) = (&*self.0, self.snapshot());
        let mut because = Vec::new();
        if shared.shutdown.is_draining() {
            because.push("draining");
        }
        match seen.made_at {
            Some(made_at) if shared.clock.instant().duration_since(made_at) > shared.stale_after() => {
                because.push("stalled");
            }
            Some(_) if seen.is_migrated => {}
            _ => because.push("starting"),
        }
        because.extend(seen.lacks());
        if because.is_empty() {
            Verdict::InService { lacking_everywhere: seen.lacking_everywhere() }
        } else {
            Verdict::OutOfService { because }
        }
    }

    /// Whether the node has started, with a database that is up to date, and is not going away.
    pub fn is_ready(&self) -> bool {
        let seen = self.snapshot();
        seen.made_at.is_some() && seen.is_migrated && !self.0.shutdown.is_draining()
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.seen.read().clone()
    }

    /// Names this process among the nodes.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    pub fn store(&self) -> &NodeStore {
        &self.0.store
    }

    /// What operators may do only so often.
    pub fn pauses(&self) -> &Pauses {
        &self.0.pauses
    }

    /// Whether rounds follow each other as they should: what a watchdog wants to know.
    pub fn is_looking(&self) -> bool {
        let made_at = self.snapshot().made_at;
        made_at.is_some_and(|made_at| self.0.clock.instant().duration_since(made_at) <= self.0.stale_after())
    }

    /// Whether a heartbeat of that age is of a node that lives.
    pub fn is_fresh(&self, silent_for: Duration) -> bool {
        silent_for <= self.0.fresh()
    }
}

impl Snapshot {
    /// What takes this node out of service.
    fn lacks(&self) -> Vec<&'static str> {
        let out = |state: &&NeedState| matches!(state.conclusion, Some(Conclusion::Out(_)));
        let mut lacks: Vec<&'static str> =
            self.needs.iter().filter(out).map(|state| state.need.as_str()).collect();
        if !self.own.is_responsive {
            lacks.push("busy");
        }
        lacks
    }

    /// What this node lacks and stays in service without.
    fn lacking_everywhere(&self) -> Vec<&'static str> {
        let stays = |state: &&NeedState| matches!(state.conclusion, Some(Conclusion::Stay(_)));
        self.needs.iter().filter(stays).map(|state| state.need.as_str()).collect()
    }
}

impl Default for OwnState {
    fn default() -> Self {
        Self { is_responsive: true, late: Duration::ZERO }
    }
}

impl Verdict {
    /// As it is answered: a first line for programs, and one for people where there is more to say.
    pub fn to_text(&self) -> String {
        match self {
            Self::InService { lacking_everywhere } if lacking_everywhere.is_empty() => "OK\n".to_owned(),
            Self::InService { lacking_everywhere } => {
                format!("OK\nin service without: {}\n", lacking_everywhere.join(", "))
            }
            Self::OutOfService { because } => format!("NOT OK: {}\n", because.join(", ")),
        }
    }
}

impl Why {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyHere => "only_here",
            Self::Everywhere => "everywhere",
            Self::NobodyToAsk => "nobody_to_ask",
            Self::CannotAsk => "cannot_ask",
            Self::Configured => "configured",
        }
    }
}

impl Shared {
    fn fresh(&self) -> Duration {
        self.config.every * FRESH_ROUNDS + self.config.timeout
    }

    /// A round takes two timeouts at most, and the next begins a pause later.
    fn stale_after(&self) -> Duration {
        self.config.every * FRESH_ROUNDS + self.config.timeout * 4
    }
}

/// A line for each need of the node: what it can use.
pub fn need_lines(seen: &Snapshot) -> String {
    seen.needs.iter().map(|state| looks::line(state.need, state.is_surely_good)).collect()
}
