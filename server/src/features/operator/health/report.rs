//! What one node knows of itself, of the others, and of the services.

use std::time::{Duration, Instant};

use api_types::operator::health::{
    Circuit, CircuitElsewhere, Conclusion as ConclusionReport, DatabaseReport, HealthReport, HopReport,
    NeedReport, NodeReport, QueueReport, ServiceReport,
};
use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};

use super::super::flags;
use crate::{
    app::App,
    client_log::ClientLog,
    config::Config,
    error::ApiError,
    health::{Health, NeedState, Snapshot, Verdict, nodes::NodeRow, policy::Conclusion},
    jobs::Jobs,
    log::Log,
    session::Operator,
    upstream::{circuit_breaker::CircuitState, heard::ServiceState},
};

/// A page that is open asks every few seconds; that somebody looks is written down once in a while.
const NOTE_EVERY: Duration = Duration::from_secs(300);
/// The page does not wait longer for how much there is to do.
const LONGEST_COUNT: Duration = Duration::from_millis(500);

/// Shows everything this node knows.
///
/// Errors: 404 no operator. What does not answer is a gap in the report.
pub async fn show_report(operator: Operator, State(app): State<App>) -> Result<Json<HealthReport>, ApiError> {
    let App { health, upstream, jobs, log, client_log, config, clock, .. } = &app;
    let who = format!("looks {}", operator.caller.session.id);
    if health.pauses().take(&who, NOTE_EVERY, clock.instant()).is_ok() {
        operator.note("looked at the health", "");
    }
    let seen = health.snapshot();
    let times = Times { now: clock.now(), instant: clock.instant(), tokio: tokio::time::Instant::now() };
    let (is_in_service, because) = match health.verdict() {
        Verdict::InService { .. } => (true, Vec::new()),
        Verdict::OutOfService { because } => (false, because),
    };
    let (database, to_do) = tokio::join!(database_report(health, &seen, config), to_do(jobs, &seen));
    let is_heard = |row: &NodeRow| health.is_fresh(row.silent_for + times.since(seen.made_at));
    let services = upstream.services();
    Ok(Json(HealthReport {
        at: times.now.timestamp(),
        node: config.node.name.clone(),
        is_in_service,
        because: because.into_iter().map(str::to_owned).collect(),
        needs: seen.needs.iter().map(|state| need_report(state, &times)).collect(),
        late_ms: milliseconds(seen.own.late),
        services: services
            .iter()
            .map(|state| service_report(state, &times, elsewhere(state, &seen, health, is_heard)))
            .collect(),
        nodes: seen.nodes.iter().map(|row| node_report(row, health, is_heard(row))).collect(),
        queues: queues(log, client_log, to_do),
        database,
        flags: flags::states(&app.flags),
    }))
}

/// One moment, on every clock that something was measured with.
struct Times {
    now: DateTime<Utc>,
    instant: Instant,
    tokio: tokio::time::Instant,
}

impl Times {
    /// How long ago that was.
    fn since(&self, at: Option<Instant>) -> Duration {
        at.map_or(Duration::ZERO, |at| self.instant.saturating_duration_since(at))
    }

    fn ago(&self, ago: Duration) -> i64 {
        (self.now - TimeDelta::from_std(ago).unwrap_or_default()).timestamp()
    }

    fn of(&self, at: Instant) -> i64 {
        self.ago(self.since(Some(at)))
    }

    fn of_call(&self, at: tokio::time::Instant) -> i64 {
        self.ago(self.tokio.saturating_duration_since(at))
    }
}

fn need_report(state: &NeedState, times: &Times) -> NeedReport {
    let conclusion = state.conclusion.map(|conclusion| {
        let (is_out, why) = match conclusion {
            Conclusion::Out(why) => (true, why),
            Conclusion::Stay(why) => (false, why),
        };
        ConclusionReport { is_out, why: why.as_str().to_owned() }
    });
    NeedReport {
        need: state.need.as_str().to_owned(),
        is_good: state.is_good,
        since: state.since.map(|since| times.of(since)),
        took_ms: milliseconds(state.took),
        error: state.error.map(str::to_owned),
        conclusion,
    }
}

fn service_report(state: &ServiceState, times: &Times, elsewhere: Vec<CircuitElsewhere>) -> ServiceReport {
    let failure = state.heard.failure.as_ref();
    ServiceReport {
        service: state.target.service.tag().to_owned(),
        region: state.target.region.as_ref().map(ToString::to_string),
        circuit: circuit(state.circuit),
        retry_in_secs: state.retry_in.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        answered_at: state.heard.answered_at.map(|at| times.of_call(at)),
        failed_at: failure.map(|failure| times.of_call(failure.at)),
        failure: failure.map(|failure| failure.code.to_owned()),
        failure_status: failure.and_then(|failure| failure.status),
        waiting: state.waiting as u64,
        elsewhere,
    }
}

/// The other nodes whose circuit to this service is not closed.
fn elsewhere(
    state: &ServiceState,
    seen: &Snapshot,
    health: &Health,
    is_heard: impl Fn(&NodeRow) -> bool,
) -> Vec<CircuitElsewhere> {
    let service = state.target.service.tag();
    let region = state.target.region.as_ref().map(ToString::to_string);
    let others = seen.nodes.iter().filter(|row| row.id != health.id() && is_heard(row));
    let found = others.filter_map(|row| {
        let of_target = |seen: &&crate::health::nodes::SeenCircuit| {
            seen.service == service && seen.region.as_deref() == region.as_deref()
        };
        let circuit = match row.sees.circuits.iter().find(of_target)?.circuit.as_str() {
            "open" => Circuit::Open,
            "half_open" => Circuit::HalfOpen,
            "reintroducing" => Circuit::Reintroducing,
            _ => return None,
        };
        Some(CircuitElsewhere { node: row.name.clone(), circuit })
    });
    found.collect()
}

fn node_report(row: &NodeRow, health: &Health, is_heard: bool) -> NodeReport {
    let hop = |hop: &crate::health::nodes::SeenHop| HopReport {
        url: hop.url.clone(),
        is_good: hop.is_good,
        since: hop.since,
        took_ms: hop.took_ms,
        error: hop.error.clone(),
    };
    NodeReport {
        id: row.id.to_string(),
        name: row.name.clone(),
        region: row.region.clone(),
        zone: row.zone.clone(),
        environment: row.environment.clone(),
        release: row.release.clone(),
        started_at: row.started_at.timestamp(),
        seen_at: row.seen_at.timestamp(),
        is_this: row.id == health.id(),
        is_heard,
        is_draining: row.is_draining,
        lacks: row.sees.lacks.clone(),
        hops: row.sees.hops.iter().map(hop).collect(),
    }
}

async fn database_report(health: &Health, seen: &Snapshot, config: &Config) -> Option<DatabaseReport> {
    let state = seen.database?;
    let facts = health.database_facts().await;
    let db = health.store().db();
    Some(DatabaseReport {
        took_ms: milliseconds(state.took),
        is_replica: state.is_replica,
        connections: db.size(),
        idle: u32::try_from(db.num_idle()).unwrap_or(u32::MAX),
        most: config.database.max_connections,
        size_bytes: facts.as_ref().map(|facts| facts.size_bytes),
        log_bytes: facts.as_ref().map(|facts| facts.log_bytes),
        log_days: facts.as_ref().map(|facts| facts.log_days),
        replicas: facts.as_ref().map(|facts| facts.replicas),
        version: facts.map(|facts| facts.version),
    })
}

/// What waits to be done or written.
fn queues(log: &Log, client_log: &ClientLog, to_do: Option<u64>) -> Vec<QueueReport> {
    let jobs = QueueReport { queue: "jobs".to_owned(), waiting: to_do, is_of_all_nodes: true };
    let browsers = [("client_log", client_log.waiting())];
    let of_node = log.waiting().into_iter().chain(browsers).map(|(queue, waiting)| QueueReport {
        queue: queue.to_owned(),
        waiting: Some(waiting as u64),
        is_of_all_nodes: false,
    });
    std::iter::once(jobs).chain(of_node).collect()
}

/// Items of running jobs that are not done, on all nodes together.
async fn to_do(jobs: &Jobs, seen: &Snapshot) -> Option<u64> {
    seen.database?;
    let count = tokio::time::timeout(LONGEST_COUNT, jobs.store().count_to_do()).await;
    u64::try_from(count.ok()?.ok()?).ok()
}

pub fn circuit(state: CircuitState) -> Circuit {
    match state {
        CircuitState::Closed => Circuit::Closed,
        CircuitState::Open => Circuit::Open,
        CircuitState::HalfOpen => Circuit::HalfOpen,
        CircuitState::Reintroducing => Circuit::Reintroducing,
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
