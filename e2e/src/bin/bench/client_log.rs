//! What browsers log: how much of it a node stores, and what a tab that says nothing costs, against a socket.io server
//! on Node that stores the same in the same Postgres.

mod reference;
mod restarts;
mod wire;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use api_types::client_log::Answer;
use e2e::harness::panel::Panel;
use simcloud::{Cloud, CloudConfig, DEMO_PASSWORD, DEMO_USER};
use sqlx::PgConnection;
use tokio::task::JoinSet;

use self::{
    reference::Reference,
    wire::{Server, Wire, batch, stream},
};
use crate::{
    node,
    postgres::{Postgres, execute},
    report::{Figure, Report, median},
    visitor::Visitor,
};

pub use self::restarts::restarts;

/// Tabs that send, each with one batch at a time, as our own pages do.
const TABS: usize = 200;
/// Messages of a batch: one that is sent at once, what gathers while another batch is on its way, and what has gathered
/// while there was no connection.
const BATCHES: [u64; 3] = [1, 8, 64];
const WARM_UP: Duration = Duration::from_secs(1);
const ROUND: Duration = Duration::from_secs(6);
/// Connections to Postgres, of either.
const CONNECTIONS: u32 = 10;
/// Tabs of one session.
const TABS_OF_SESSION: usize = 100;

/// How much is stored.
pub async fn rates(report: &mut Report, rounds: usize) -> Result<()> {
    report.section(&format!(
        "What browsers log, against socket.io on Node (a process per processor) with the same messages, batches and \
         indexes, each batch one INSERT; {TABS} tabs; Postgres keeps what it commits; {rounds} rounds in turns, medians"
    ));
    let ground = Ground::start().await?;
    for messages in BATCHES {
        rate(report, &ground, messages, rounds).await?;
    }
    ground.stop().await
}

/// What silent tabs cost, in processes that have done nothing else.
pub async fn sockets(report: &mut Report, count: usize) -> Result<()> {
    report.section("Tabs that say nothing, against socket.io on Node");
    let ground = Ground::start().await?;
    memory(report, &ground, count).await?;
    ground.stop().await
}

/// Messages a second that are stored and acknowledged.
async fn rate(report: &mut Report, ground: &Ground, messages: u64, rounds: usize) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut turns = [true, false];
        turns.rotate_left(round % 2);
        for is_ours in turns {
            let turn = ground.turn(is_ours, messages).await?;
            if is_ours { ours.push(turn) } else { theirs.push(turn) }
        }
    }
    let of = |turns: &[Turn], value: &dyn Fn(&Turn) -> f64| median(turns.iter().map(value).collect());
    let figure = |name: &str, unit: &str, value: &dyn Fn(&Turn) -> f64| {
        Figure::new(format!("client log, batches of {messages}: {name}"), of(&ours, value), unit)
            .against(of(&theirs, value))
    };
    let rate = figure("messages stored a second", "/s", &|turn| turn.per_second);
    report.add(rate.ratio_at_least(5.0));
    report.add(figure("processor time of a message, server", "µs", &|turn| turn.server_us));
    report.add(figure("processor time of a message, Postgres", "µs", &|turn| turn.postgres_us));
    report.add(figure("processor time of a message, load", "µs", &|turn| turn.load_us));
    report.add(figure("a batch's answer, 99th percentile", "ms", &|turn| turn.p99_ms));
    Ok(())
}

/// What one of the two did when it was its turn.
struct Turn {
    per_second: f64,
    server_us: f64,
    postgres_us: f64,
    load_us: f64,
    p99_ms: f64,
}

/// Memory of a tab that has sent a batch and is silent since.
async fn memory(report: &mut Report, ground: &Ground, sockets: usize) -> Result<()> {
    let mut kib = Vec::new();
    for is_ours in [true, false] {
        let server = ground.server(is_ours);
        // What a process takes once, whoever comes.
        let _first = open_idle(ground, &server, 200).await?;
        let before = ground.settled_mb(is_ours).await?;
        let _idle = open_idle(ground, &server, sockets).await?;
        let after = ground.settled_mb(is_ours).await?;
        kib.push((after - before) * 1e6 / 1024.0 / sockets as f64);
    }
    let name = format!("client log: memory of one of {sockets} idle sockets");
    report.add(Figure::new(name, kib[0], "KiB").against(kib[1]).ratio_at_most(0.33));
    Ok(())
}

/// Opens sockets, has each send a batch, and keeps them open until this is dropped.
async fn open_idle(ground: &Ground, server: &[Server], count: usize) -> Result<JoinSet<Result<()>>> {
    const AT_ONCE: usize = 50;
    let mut kept = JoinSet::new();
    let mut left = count;
    while left > 0 {
        let now = left.min(AT_ONCE);
        let mut opening = JoinSet::new();
        for at in 0..now {
            let server = server[(left - at) % server.len()].clone();
            let batch = batch(&stream(ground.next_stream()), 1, 4);
            opening.spawn(async move {
                let mut wire = Wire::open(&server).await?;
                wire.exchange(&batch).await?;
                Ok::<_, anyhow::Error>(wire)
            });
        }
        while let Some(opened) = opening.join_next().await {
            let mut wire = opened??;
            kept.spawn(async move {
                loop {
                    wire.receive().await?;
                }
            });
        }
        left -= now;
    }
    Ok(kept)
}

/// The panel and the reference on one Postgres that keeps what it commits.
struct Ground {
    cloud: Cloud,
    panel: Panel,
    /// One tab of each session.
    panel_servers: Vec<Server>,
    reference: Reference,
    postgres: Postgres,
    streams: AtomicU64,
}

impl Ground {
    async fn start() -> Result<Self> {
        let postgres = Postgres::start("client-log", true)?;
        let cloud = Cloud::start(CloudConfig::default()).await?;
        let panel = Panel::start(&cloud.keystone_url(), &settings(postgres.url())).await?;
        let mut panel_servers = Vec::new();
        for _ in 0..TABS.div_ceil(TABS_OF_SESSION) {
            panel_servers.push(signed_in(&panel).await?);
        }
        execute(&mut postgres.connect().await?, reference::TABLE).await?;
        let workers = std::thread::available_parallelism()?.get();
        let reference = Reference::start(postgres.url(), workers, CONNECTIONS).await?;
        Ok(Self { cloud, panel, panel_servers, reference, postgres, streams: AtomicU64::new(1) })
    }

    fn next_stream(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// Where tabs connect, one after the other.
    fn server(&self, is_ours: bool) -> Vec<Server> {
        match is_ours {
            true => self.panel_servers.clone(),
            false => vec![Server::SocketIo { address: self.reference.address() }],
        }
    }

    fn processes(&self, is_ours: bool) -> Result<Vec<u32>> {
        if is_ours { Ok(vec![self.panel.pid()]) } else { self.reference.processes() }
    }

    fn server_cpu(&self, is_ours: bool) -> Result<f64> {
        self.processes(is_ours)?.into_iter().map(node::cpu_seconds).sum()
    }

    /// Resident memory once it has come to rest.
    async fn settled_mb(&self, is_ours: bool) -> Result<f64> {
        if !is_ours {
            self.reference.collect_garbage()?;
        }
        let mb = || self.processes(is_ours)?.into_iter().map(node::resident_mb).sum::<Result<f64>>();
        let mut last = mb()?;
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = mb()?;
            if (now - last).abs() < 0.2 {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    /// Lets one of the two store for a while, and counts afterwards what is there.
    async fn turn(&self, is_ours: bool, messages: u64) -> Result<Turn> {
        let mut connection = self.postgres.connect().await?;
        execute(&mut connection, "TRUNCATE log_lines, client_log_streams, reference_lines; CHECKPOINT")
            .await?;
        let servers = self.server(is_ours);
        let counted = Arc::new(Counted::default());
        let begins = Instant::now() + WARM_UP;
        let mut tabs = JoinSet::new();
        for tab in 0..TABS {
            let server = servers[tab % servers.len()].clone();
            tabs.spawn(send(server, stream(self.next_stream()), messages, begins, counted.clone()));
        }
        tokio::time::sleep_until(begins.into()).await;
        let used =
            || Ok::<_, anyhow::Error>([self.server_cpu(is_ours)?, self.postgres.cpu_seconds()?, own_cpu()?]);
        let before = used()?;
        tokio::time::sleep(ROUND).await;
        let after = used()?;
        let mut answers = Vec::new();
        while let Some(tab) = tabs.join_next().await {
            answers.extend(tab??);
        }
        let measured = counted.measured.load(Ordering::Relaxed);
        ensure!(measured > 0, "nothing was stored");
        let [server, postgres, load] = [0, 1, 2].map(|at| (after[at] - before[at]) * 1e6 / measured as f64);
        let stored = stored(&mut connection, is_ours).await?;
        let acknowledged = counted.all.load(Ordering::Relaxed);
        ensure!(
            stored == i64::try_from(acknowledged)?,
            "{acknowledged} messages were acknowledged, {stored} are stored"
        );
        answers.sort_by(f64::total_cmp);
        let p99_ms = answers.get(answers.len() * 99 / 100).copied().context("nothing was answered")?;
        let per_second = measured as f64 / ROUND.as_secs_f64();
        Ok(Turn { per_second, server_us: server, postgres_us: postgres, load_us: load, p99_ms })
    }

    async fn stop(self) -> Result<()> {
        self.panel.stop().await?;
        self.cloud.shutdown().await;
        Ok(())
    }
}

/// Messages that were acknowledged.
#[derive(Default)]
struct Counted {
    all: AtomicU64,
    /// Of these, those in the time that is measured.
    measured: AtomicU64,
}

/// A tab: a batch, its answer, the next batch. Returns how many milliseconds the answers took.
async fn send(
    server: Server,
    stream: String,
    messages: u64,
    begins: Instant,
    counted: Arc<Counted>,
) -> Result<Vec<f64>> {
    let mut wire = Wire::open(&server).await?;
    let mut first = 1;
    let mut answers = Vec::new();
    let ends = begins + ROUND;
    while Instant::now() < ends {
        let text = batch(&stream, first, messages);
        let sent = Instant::now();
        match wire.exchange(&text).await? {
            Answer::Stored { .. } => {}
            Answer::Later { retry_after_ms, .. } => {
                tokio::time::sleep(Duration::from_millis(retry_after_ms)).await;
                continue;
            }
            other => anyhow::bail!("a tab was told {other:?}"),
        }
        let now = Instant::now();
        counted.all.fetch_add(messages, Ordering::Relaxed);
        if (begins..ends).contains(&now) {
            counted.measured.fetch_add(messages, Ordering::Relaxed);
            answers.push((now - sent).as_secs_f64() * 1000.0);
        }
        first += messages;
    }
    Ok(answers)
}

/// The panel on this database, with the bounds that hold back browsers out of the way.
fn settings(database_url: &str) -> Vec<(String, String)> {
    let settings = [
        ("DATABASE_URL", database_url.to_owned()),
        ("DATABASE_MAX_CONNECTIONS", CONNECTIONS.to_string()),
        ("LISTEN_MAX_CONNECTIONS", "20000".to_owned()),
        ("CLIENT_LOG_MESSAGES_PER_SECOND", "10000000".to_owned()),
        ("CLIENT_LOG_NODE_MESSAGES_PER_SECOND", "10000000".to_owned()),
        ("CLIENT_LOG_SESSION_MESSAGES_PER_DAY", "4000000000".to_owned()),
        ("CLIENT_LOG_SESSION_MIB_PER_DAY", "4000000000".to_owned()),
        ("CLIENT_LOG_PAGES_PER_HOUR", "4000000000".to_owned()),
        ("CLIENT_LOG_NODE_MIB_PER_DAY", "4000000000".to_owned()),
        ("CLIENT_LOG_SOCKETS", "20000".to_owned()),
        ("CLIENT_LOG_SOCKETS_PER_SESSION", "20000".to_owned()),
        // Before it stops, a node says for a while that it will.
        ("HEALTH_DRAIN_FOR_SECS", "1".to_owned()),
    ];
    settings.map(|(key, value)| (key.to_owned(), value)).into()
}

/// A session at this panel, for tabs to connect with.
async fn signed_in(panel: &Panel) -> Result<Server> {
    let address: SocketAddr = panel.url().trim_start_matches("http://").parse()?;
    let visitor = Visitor::sign_in(&panel.url(), DEMO_USER, DEMO_PASSWORD).await?;
    Ok(Server::Panel { address, cookie: visitor.cookie })
}

async fn stored(connection: &mut PgConnection, is_ours: bool) -> Result<i64> {
    let statement = match is_ours {
        true => "SELECT count(*) FROM log_lines WHERE facility = 'client'",
        false => "SELECT count(*) FROM reference_lines",
    };
    Ok(sqlx::query_scalar(statement).fetch_one(connection).await?)
}

fn own_cpu() -> Result<f64> {
    node::cpu_seconds(std::process::id())
}
