//! What browsers log: how much of it a node stores, and what a tab that says nothing costs, against a socket.io server
//! on Node that stores the same in the same Postgres.

mod reference;
mod restarts;
mod wire;

use std::{
    collections::VecDeque,
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

/// Tabs that send.
const TABS: usize = 200;
/// Messages of a tab that are not stored yet, at any time: a click makes about as many.
const NOT_STORED: u64 = 8;
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
        "What browsers log, against socket.io on Node (a process per processor) with the same messages and indexes, each \
         batch one INSERT; {TABS} tabs; Postgres keeps what it commits; {rounds} rounds in turns, medians"
    ));
    let ground = Ground::start(true).await?;
    for sending in [Sending::AsItsLibrary].into_iter().chain(BATCHES.map(Sending::Batches)) {
        rate(report, &ground, sending, rounds).await?;
    }
    ground.stop().await
}

/// Has a panel store for a while, and measures nothing.
pub async fn use_it() -> Result<()> {
    let ground = Ground::start(false).await?;
    ground.turn(true, Sending::AsItsLibrary).await?;
    ground.panel.terminate().await?;
    ground.stop().await
}

/// How tabs send.
#[derive(Clone, Copy)]
enum Sending {
    /// A tab has [`NOT_STORED`] messages under way and logs the next as soon as one is stored. Our page sends one batch at
    /// a time, with all that has come together since the last; socket.io sends each message when it comes.
    AsItsLibrary,
    /// One batch after the other, of so many messages, on both sides: what batches save is given to the reference, too.
    Batches(u64),
}

impl Sending {
    fn name(self) -> String {
        match self {
            Self::AsItsLibrary => {
                format!("{NOT_STORED} under way, as its library sends")
            }
            Self::Batches(messages) => format!("both in batches of {messages}"),
        }
    }
}

/// What silent tabs cost, in processes that have done nothing else.
pub async fn sockets(report: &mut Report, count: usize, rounds: usize) -> Result<()> {
    report.section(&format!(
        "Tabs that say nothing, against socket.io on Node ({rounds} rounds with new processes, medians)"
    ));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let ground = Ground::start(true).await?;
        ours.push(memory_kib(&ground, true, count).await?);
        theirs.push(memory_kib(&ground, false, count).await?);
        ground.stop().await?;
    }
    let name = format!("client log: memory of one of {count} idle sockets");
    report.add(Figure::new(name, median(ours), "KiB").against(median(theirs)).ratio_at_most(0.33));
    Ok(())
}

/// Messages a second that are stored and acknowledged.
async fn rate(report: &mut Report, ground: &Ground, sending: Sending, rounds: usize) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut turns = [true, false];
        turns.rotate_left(round % 2);
        for is_ours in turns {
            let turn = ground.turn(is_ours, sending).await?;
            if is_ours { ours.push(turn) } else { theirs.push(turn) }
        }
    }
    let of = |turns: &[Turn], value: &dyn Fn(&Turn) -> f64| median(turns.iter().map(value).collect());
    let figure = |name: &str, unit: &str, value: &dyn Fn(&Turn) -> f64| {
        Figure::new(format!("client log, {}: {name}", sending.name()), of(&ours, value), unit)
            .against(of(&theirs, value))
    };
    let rate = figure("messages stored a second", "/s", &|turn| turn.per_second);
    report.add(match sending {
        Sending::AsItsLibrary => rate.ratio_at_least(5.0),
        Sending::Batches(_) => rate,
    });
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
async fn memory_kib(ground: &Ground, is_ours: bool, sockets: usize) -> Result<f64> {
    let server = ground.server(is_ours);
    // What a process takes once, whoever comes.
    let _first = open_idle(ground, &server, 200).await?;
    let before = ground.settled_mb(is_ours).await?;
    let _idle = open_idle(ground, &server, sockets).await?;
    let after = ground.settled_mb(is_ours).await?;
    Ok((after - before) * 1e6 / 1024.0 / sockets as f64)
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
    reference: Option<Reference>,
    postgres: Postgres,
    streams: AtomicU64,
}

impl Ground {
    async fn start(with_reference: bool) -> Result<Self> {
        let postgres = Postgres::start("client-log", true)?;
        let cloud = Cloud::start(CloudConfig::default()).await?;
        let panel = Panel::start(&cloud.keystone_url(), &settings(postgres.url())).await?;
        let mut panel_servers = Vec::new();
        for _ in 0..TABS.div_ceil(TABS_OF_SESSION) {
            panel_servers.push(signed_in(&panel).await?);
        }
        execute(&mut postgres.connect().await?, reference::TABLE).await?;
        let workers = std::thread::available_parallelism()?.get();
        let reference = match with_reference {
            true => Some(Reference::start(postgres.url(), workers, CONNECTIONS).await?),
            false => None,
        };
        Ok(Self { cloud, panel, panel_servers, reference, postgres, streams: AtomicU64::new(1) })
    }

    fn next_stream(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// Where tabs connect, one after the other.
    fn server(&self, is_ours: bool) -> Vec<Server> {
        match is_ours {
            true => self.panel_servers.clone(),
            false => self.reference.iter().map(|it| Server::SocketIo { address: it.address() }).collect(),
        }
    }

    fn processes(&self, is_ours: bool) -> Result<Vec<u32>> {
        match &self.reference {
            Some(reference) if !is_ours => reference.processes(),
            _ => Ok(vec![self.panel.pid()]),
        }
    }

    fn server_cpu(&self, is_ours: bool) -> Result<f64> {
        self.processes(is_ours)?.into_iter().map(node::cpu_seconds).sum()
    }

    /// Resident memory once it has come to rest.
    async fn settled_mb(&self, is_ours: bool) -> Result<f64> {
        if let Some(reference) = self.reference.as_ref().filter(|_| !is_ours) {
            reference.collect_garbage()?;
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
    async fn turn(&self, is_ours: bool, sending: Sending) -> Result<Turn> {
        let mut connection = self.postgres.connect().await?;
        execute(&mut connection, "TRUNCATE log_lines, client_log_streams, reference_lines; CHECKPOINT")
            .await?;
        let servers = self.server(is_ours);
        let counted = Arc::new(Counted::default());
        let begins = Instant::now() + WARM_UP;
        let mut tabs = JoinSet::new();
        for tab in 0..TABS {
            let server = servers[tab % servers.len()].clone();
            let tab = Tab::open(server, stream(self.next_stream()), begins, counted.clone());
            tabs.spawn(async move {
                let tab = tab.await?;
                match sending {
                    Sending::Batches(messages) => tab.send_batches(messages).await,
                    Sending::AsItsLibrary if is_ours => tab.send_what_gathers().await,
                    Sending::AsItsLibrary => tab.send_each().await,
                }
            });
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

/// An open page that logs. Each way to send returns how many milliseconds the answers took.
struct Tab {
    wire: Wire,
    stream: String,
    /// The number of the next message.
    next: u64,
    begins: Instant,
    counted: Arc<Counted>,
    answers_ms: Vec<f64>,
}

impl Tab {
    async fn open(server: Server, stream: String, begins: Instant, counted: Arc<Counted>) -> Result<Self> {
        let wire = Wire::open(&server).await?;
        Ok(Self { wire, stream, next: 1, begins, counted, answers_ms: Vec::new() })
    }

    async fn send_batches(mut self, messages: u64) -> Result<Vec<f64>> {
        while !self.is_over() {
            self.exchange(messages).await?;
        }
        Ok(self.answers_ms)
    }

    /// As our pages do.
    async fn send_what_gathers(mut self) -> Result<Vec<f64>> {
        // The first is sent as soon as it comes; the rest come meanwhile.
        let mut batch = 1;
        while !self.is_over() {
            self.exchange(batch).await?;
            batch = NOT_STORED - batch;
        }
        Ok(self.answers_ms)
    }

    /// As socket.io does.
    async fn send_each(mut self) -> Result<Vec<f64>> {
        let mut sent_at = VecDeque::new();
        while !self.is_over() {
            while sent_at.len() < usize::try_from(NOT_STORED)? {
                self.wire.send(&batch(&self.stream, self.next, 1)).await?;
                self.next += 1;
                sent_at.push_back(Instant::now());
            }
            self.take_answer(&mut sent_at).await?;
        }
        while !sent_at.is_empty() {
            self.take_answer(&mut sent_at).await?;
        }
        Ok(self.answers_ms)
    }

    async fn take_answer(&mut self, sent_at: &mut VecDeque<Instant>) -> Result<()> {
        let answer = self.wire.answer().await?;
        ensure!(matches!(answer, Answer::Stored { .. }), "a tab was told {answer:?}");
        // Answers come about in the order of what they answer.
        let sent = sent_at.pop_front().context("nothing was to be answered")?;
        self.count(1, sent);
        Ok(())
    }

    /// Sends the next messages as one batch, and waits for the answer. Where it was not taken it is the next one again.
    async fn exchange(&mut self, messages: u64) -> Result<()> {
        let text = batch(&self.stream, self.next, messages);
        loop {
            let sent = Instant::now();
            match self.wire.exchange(&text).await? {
                Answer::Stored { .. } => {
                    self.next += messages;
                    self.count(messages, sent);
                    return Ok(());
                }
                Answer::Later { retry_after_ms, .. } => {
                    tokio::time::sleep(Duration::from_millis(retry_after_ms)).await;
                }
                other => anyhow::bail!("a tab was told {other:?}"),
            }
        }
    }

    fn count(&mut self, messages: u64, sent: Instant) {
        let now = Instant::now();
        self.counted.all.fetch_add(messages, Ordering::Relaxed);
        if (self.begins..self.begins + ROUND).contains(&now) {
            self.counted.measured.fetch_add(messages, Ordering::Relaxed);
            self.answers_ms.push((now - sent).as_secs_f64() * 1000.0);
        }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.begins + ROUND
    }
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
