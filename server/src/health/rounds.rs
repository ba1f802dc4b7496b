//! A round of checks, again and again: look, write the heartbeat, read those of others, conclude.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use tokio::time::sleep;

use super::{
    DatabaseState, Health, HopState, LATE, NeedState, OwnState, Shared, Snapshot,
    looks::{Looked, LookedAtHop},
    nodes::{NodeRow, SeenCircuit, SeenHop, SeenNeed, Sees},
    policy::{Conclusion, Opinion, Others, Policy, Why},
    steady::{Steady, Thresholds},
};
use crate::{
    config::{HealthConfig, Need, WhenDatabaseIsGone},
    metrics::Metric,
    migrations,
    upstream::circuit_breaker::CircuitState,
};

/// What one round leaves for the next.
pub struct Rounds {
    needs: BTreeMap<Need, Steady>,
    hops: Vec<Steady>,
    own: Steady,
    /// The latest a task got its turn since the last round, in milliseconds.
    late_ms: Arc<AtomicU64>,
    is_migrated: bool,
    is_release_noted: bool,
    pruned_at: Option<Instant>,
}

const PRUNE_EVERY: Duration = Duration::from_secs(300);
/// How often it is measured whether tasks get their turn.
const TICK: Duration = Duration::from_millis(250);

impl Rounds {
    pub fn new(config: &HealthConfig) -> Self {
        let steady = || Steady::new(Thresholds { fall: config.fall, rise: config.rise });
        Self {
            needs: config.needs.iter().map(|need| (*need, steady())).collect(),
            hops: config.next_hops.iter().map(|_| steady()).collect(),
            own: steady(),
            late_ms: Arc::default(),
            is_migrated: false,
            is_release_noted: false,
            pruned_at: None,
        }
    }
}

impl Health {
    /// Looks round after round until the panel stops; then the node takes its row away.
    pub async fn run(self) {
        let shared = &*self.0;
        shared.warn_of_gaps();
        let late_ms = shared.rounds.lock().await.late_ms.clone();
        let rounds = async {
            loop {
                self.look().await;
                tokio::select! {
                    () = sleep(shared.config.every) => {}
                    // The others are told at once.
                    () = shared.shutdown.drains(), if !shared.shutdown.is_draining() => {}
                }
            }
        };
        tokio::select! {
            () = rounds => {}
            () = measure_turns(&late_ms) => {}
            () = shared.shutdown.begun() => {}
        }
        if let Err(error) = shared.store.leave(shared.id).await {
            tracing::debug!(%error, "this node's row stays until it is pruned");
        }
    }

    /// One round. Takes two timeouts at most, beside the pause until a round under way is over.
    pub async fn look(&self) {
        let shared = &*self.0;
        let mut rounds = shared.rounds.lock().await;
        let before = self.snapshot();
        let (looks, hops) = join(shared.look_at_needs(), shared.look_at_hops()).await;
        let now = shared.clock.instant();
        for (need, looked) in &looks {
            rounds.note(*need, looked, now);
        }
        let hops = rounds.note_hops(shared, hops, now);
        let late = Duration::from_millis(rounds.late_ms.swap(0, Ordering::Relaxed));
        rounds.own.note(late < LATE, now);

        // Last, so that the row says what was found just now.
        let (looked, beat) = shared.beat(&mut rounds, &before, &hops).await;
        let now = shared.clock.instant();
        let mut looks = looks;
        if let Some(steady) = rounds.needs.get_mut(&Need::Database) {
            note(Need::Database, steady, &looked, now);
            looks.insert(Need::Database, looked);
        }
        let (database, nodes) = match beat {
            Some((state, nodes)) => (Some(state), Some(nodes)),
            None => (None, None),
        };
        let policy = Policy::of(&shared.config);
        let needs = rounds.needs.iter().map(|(need, steady)| {
            let others = || shared.others(*need, nodes.as_deref(), &before.nodes, &hops);
            let looked = looks.get(need).copied().unwrap_or(Looked { took: Duration::ZERO, error: None });
            NeedState {
                need: *need,
                is_good: steady.is_good(),
                is_surely_good: steady.is_surely_good(),
                since: steady.since(),
                took: looked.took,
                error: looked.error,
                conclusion: (!steady.is_good()).then(|| policy.conclude(*need, &others())),
            }
        });
        let after = Snapshot {
            made_at: Some(now),
            is_migrated: rounds.is_migrated,
            needs: needs.collect(),
            own: OwnState { is_responsive: rounds.own.is_good(), late },
            nodes: nodes.unwrap_or_else(|| before.nodes.clone()),
            hops,
            database,
        };
        log_change(&before, &after);
        shared.measure(&after);
        *shared.seen.write() = Arc::new(after);
    }
}

impl Rounds {
    fn note(&mut self, need: Need, looked: &Looked, now: Instant) {
        if let Some(steady) = self.needs.get_mut(&need) {
            note(need, steady, looked, now);
        }
    }

    fn note_hops(&mut self, shared: &Shared, looked: Vec<LookedAtHop>, now: Instant) -> Vec<HopState> {
        let hops = shared.config.next_hops.iter().zip(&mut self.hops).zip(looked);
        let state = |((url, steady), LookedAtHop { looked, says }): ((&url::Url, &mut Steady), _)| {
            let url = url.as_str().trim_end_matches('/').to_owned();
            let is_first = steady.since().is_none();
            if steady.note(looked.error.is_none(), now) {
                match looked.error {
                    Some(error) => {
                        tracing::warn!(facility = "health", hop = url, error, "a next hop is not seen");
                    }
                    None if is_first => {}
                    None => tracing::info!(facility = "health", hop = url, "a next hop is seen again"),
                }
            }
            HopState {
                url,
                is_good: steady.is_good(),
                since: steady.since(),
                took: looked.error.is_none().then_some(looked.took),
                error: looked.error,
                says,
            }
        };
        hops.map(state).collect()
    }
}

impl Shared {
    async fn look_at_needs(&self) -> BTreeMap<Need, Looked> {
        let looks = self.config.needs.iter().filter(|need| **need != Need::Database).map(async |need| {
            let looked = match need {
                Need::Keystone => self.look_at_keystone().await,
                need => self.look_at_service(*need).await,
            };
            (*need, looked)
        });
        join_all(looks).await.into_iter().collect()
    }

    async fn look_at_hops(&self) -> Vec<LookedAtHop> {
        join_all(self.config.next_hops.iter().map(|hop| self.look_at_hop(hop))).await
    }

    /// Writes this node's row and reads all of them; that is the check of the database.
    async fn beat(
        &self,
        rounds: &mut Rounds,
        before: &Snapshot,
        hops: &[HopState],
    ) -> (Looked, Option<(DatabaseState, Vec<NodeRow>)>) {
        let started_at = Instant::now();
        let sees = self.sees(rounds, before, hops);
        let beat = self.beat_once(rounds, &sees);
        // All of its statements together: the pool's own waits come on top of theirs.
        let beat = tokio::time::timeout(self.config.timeout, beat).await;
        let took = started_at.elapsed();
        match beat {
            Ok(Ok((is_replica, nodes))) => {
                (Looked { took, error: None }, Some((DatabaseState { took, is_replica }, nodes)))
            }
            Ok(Err(error)) => {
                tracing::debug!(facility = "health", %error, "the heartbeat could not be written");
                (Looked { took, error: Some(code_of(&error)) }, None)
            }
            Err(_) => (Looked { took, error: Some("database_timeout") }, None),
        }
    }

    async fn beat_once(&self, rounds: &mut Rounds, sees: &Sees) -> sqlx::Result<(bool, Vec<NodeRow>)> {
        if !rounds.is_migrated {
            let pending = migrations::pending(self.store.db()).await;
            match pending {
                Ok(0) => rounds.is_migrated = true,
                Ok(_) => {}
                Err(error) => return Err(sqlx::Error::AnyDriverError(error.into())),
            }
        }
        let is_draining = self.shutdown.is_draining();
        let beat = self.store.beat(self.id, &self.node, self.started_at, is_draining, sees).await?;
        if !rounds.is_release_noted {
            self.store.note_release().await?;
            rounds.is_release_noted = true;
        }
        let nodes = self.store.list().await?;
        let now = self.clock.instant();
        if rounds.pruned_at.is_none_or(|at| now.duration_since(at) >= PRUNE_EVERY) {
            rounds.pruned_at = Some(now);
            self.store.prune().await?;
        }
        Ok((beat.is_replica, nodes))
    }

    /// What this node writes down for the others.
    fn sees(&self, rounds: &Rounds, before: &Snapshot, hops: &[HopState]) -> Sees {
        let needs = rounds.needs.iter().map(|(need, steady)| SeenNeed {
            need: need.as_str().to_owned(),
            // Whoever reads this row: the database took it.
            is_good: *need == Need::Database || steady.is_surely_good(),
        });
        let services = self.upstream.services();
        let circuits = services.iter().filter(|state| state.circuit != CircuitState::Closed);
        let circuits = circuits.map(|state| SeenCircuit {
            service: state.target.service.tag().to_owned(),
            region: state.target.region.as_ref().map(ToString::to_string),
            circuit: state.circuit.as_str().to_owned(),
        });
        let hops = hops.iter().map(|hop| SeenHop {
            url: hop.url.clone(),
            is_good: hop.is_good,
            since: hop.since.map_or(0, |since| self.time_of(since).timestamp()),
            took_ms: hop.took.map(|took| u32::try_from(took.as_millis()).unwrap_or(u32::MAX)),
            error: hop.error.map(str::to_owned),
        });
        Sees {
            needs: needs.collect(),
            circuits: circuits.collect(),
            hops: hops.collect(),
            lacks: before.lacks().into_iter().map(str::to_owned).collect(),
        }
    }

    fn measure(&self, seen: &Snapshot) {
        let gauge =
            |metric, tags: &[&str], is: bool| self.metrics.gauge(metric, tags, f64::from(u8::from(is)));
        let is_in_service = seen.is_migrated && !self.shutdown.is_draining() && seen.lacks().is_empty();
        gauge(Metric::HealthInService, &[], is_in_service);
        for state in &seen.needs {
            gauge(Metric::HealthNeed, &[state.need.as_str()], state.is_good);
        }
        self.metrics.gauge(Metric::HealthLate, &[], seen.own.late.as_secs_f64() * 1000.0);
    }

    /// What is known of the other nodes about a need. `known`: the table as it was last read.
    fn others(&self, need: Need, nodes: Option<&[NodeRow]>, known: &[NodeRow], hops: &[HopState]) -> Others {
        let is_alive = |row: &&NodeRow| row.id != self.id && row.silent_for <= self.fresh();
        let written = nodes.unwrap_or_default().iter().filter(is_alive).filter_map(|row| {
            let seen = row.sees.needs.iter().find(|seen| seen.need == need.as_str())?;
            Some(if seen.is_good { Opinion::Good } else { Opinion::Bad })
        });
        let told = hops.iter().filter_map(|hop| hop.says.get(need.as_str()).copied());
        Others {
            opinions: written.chain(told).collect(),
            is_table_gone: nodes.is_none(),
            were_alive: hops.is_empty() && known.iter().any(|row| is_alive(&row)),
        }
    }

    /// Says at the start what this node will not be able to find out.
    fn warn_of_gaps(&self) {
        let config = &self.config;
        let asks = config.when_database_is_gone == WhenDatabaseIsGone::Ask;
        if asks && config.next_hops.is_empty() && config.needs.contains(&Need::Database) {
            tracing::warn!(
                facility = "health",
                "health.next_hops names nobody to ask when the database is gone: a node that was not alone stays in \
                 service then, also where it is the only one without"
            );
        }
    }

    /// The time of day of a moment that was measured.
    pub(super) fn time_of(&self, at: Instant) -> chrono::DateTime<chrono::Utc> {
        let ago = self.clock.instant().saturating_duration_since(at);
        self.clock.now() - chrono::TimeDelta::from_std(ago).unwrap_or_default()
    }
}

/// Takes a check in; a change of what it is about is a line in the log.
fn note(need: Need, steady: &mut Steady, looked: &Looked, now: Instant) {
    let is_first = steady.since().is_none();
    if !steady.note(looked.error.is_none(), now) {
        return;
    }
    let need = need.as_str();
    match looked.error {
        Some(error) => tracing::warn!(facility = "health", need, error, "this node cannot use {need}"),
        None if is_first => {}
        None => tracing::info!(facility = "health", need, "this node can use {need} again"),
    }
}

fn log_change(before: &Snapshot, after: &Snapshot) {
    let (lacked, lacks) = (before.lacks(), after.lacks());
    if lacked != lacks {
        let because = lacks.join(", ");
        match lacks.is_empty() {
            false => tracing::warn!(facility = "health", because, "this node is out of service"),
            true => tracing::info!(facility = "health", "this node is in service again"),
        }
    }
    let stays = after.lacking_everywhere();
    if stays != before.lacking_everywhere() && !stays.is_empty() {
        let is_why = |why| after.needs.iter().any(|state| state.conclusion == Some(Conclusion::Stay(why)));
        let why = if is_why(Why::Configured) {
            "as configured"
        } else if is_why(Why::CannotAsk) {
            "since the other nodes cannot be asked"
        } else {
            "since no node has it"
        };
        tracing::warn!(facility = "health", lacking = stays.join(", "), why, "this node stays in service");
    }
}

/// Notes how late a task gets its turn. Never ends.
async fn measure_turns(late_ms: &AtomicU64) {
    loop {
        let due = tokio::time::Instant::now() + TICK;
        tokio::time::sleep_until(due).await;
        let late = tokio::time::Instant::now().duration_since(due);
        late_ms.fetch_max(u64::try_from(late.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

fn code_of(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut => "database_timeout",
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => "database_unreachable",
        sqlx::Error::Database(error) if error.code().is_some_and(|code| code == "25006") => {
            "database_read_only"
        }
        _ => "database_error",
    }
}
