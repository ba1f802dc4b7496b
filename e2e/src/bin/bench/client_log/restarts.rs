//! Messages that arrive although the node they are sent to keeps dying: every one, and each once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use api_types::client_log::{Answer, MOST_MESSAGES};
use e2e::harness::panel::Panel;
use simcloud::{Cloud, CloudConfig};
use sqlx::PgConnection;
use tokio::{sync::watch, task::JoinSet};

use super::{
    settings, signed_in,
    wire::{Server, Wire, batch, stream},
};
use crate::{
    postgres::Postgres,
    report::{Figure, Report},
};

const TABS: u64 = 200;
const RESTARTS: u64 = 5;
/// After so much of all messages was stored comes the next restart. A node that stops goes on storing for a while.
const SHARES: u64 = 20;
/// How long the tabs take to say everything, whether anybody listens or not.
const SPEAK_FOR: Duration = Duration::from_secs(30);
/// Longest wait for the last message to arrive.
const LONGEST: Duration = Duration::from_secs(180);

/// One node that is stopped and killed in turns, then two nodes that take turns.
pub async fn restarts(report: &mut Report, messages: u64) -> Result<()> {
    let each = messages.div_ceil(TABS);
    report.section(&format!(
        "What browsers log while nodes die: {TABS} tabs with {each} messages each, Postgres keeps what it commits"
    ));
    let postgres = Postgres::start("restarts", true)?;
    let cloud = Cloud::start(CloudConfig::default()).await?;
    let first = Panel::start(&cloud.keystone_url(), &settings(postgres.url())).await?;
    let server = signed_in(&first).await?;
    let mut connection = postgres.connect().await?;

    let name = format!("{RESTARTS} restarts");
    let seen = Tabs::speak(vec![server.clone()], each, async |progress| {
        for restart in 1..=RESTARTS {
            progress.by_one_of(SHARES).await?;
            end(&first, restart).await?;
            first.start_again().await?;
        }
        Ok(())
    });
    tell(report, &name, seen.await?, &mut connection).await?;

    // The other node of the same panel: its own port, the same database, the same sessions.
    let second = Panel::start(&cloud.keystone_url(), &settings(postgres.url())).await?;
    let nodes = vec![server.clone(), server.at(second.url().trim_start_matches("http://").parse()?)];
    sqlx::query("TRUNCATE log_lines").execute(&mut connection).await?;
    let seen = Tabs::speak(nodes, each, async |progress| {
        for change in 1..=RESTARTS {
            progress.by_one_of(SHARES).await?;
            let (leaving, coming) = if change % 2 == 1 { (&first, &second) } else { (&second, &first) };
            if change > 1 {
                coming.start_again().await?;
            }
            end(leaving, change).await?;
        }
        Ok(())
    });
    tell(report, &format!("{RESTARTS} changes between two nodes"), seen.await?, &mut connection).await?;
    second.stop().await?;
    first.stop().await?;
    cloud.shutdown().await;
    Ok(())
}

/// Stops a node as a deploy does, or kills it as a host that loses power.
async fn end(panel: &Panel, number: u64) -> Result<()> {
    if number % 2 == 1 { panel.terminate().await } else { panel.kill() }
}

async fn tell(report: &mut Report, name: &str, seen: Seen, connection: &mut PgConnection) -> Result<()> {
    let statement = "
        SELECT count(*), count(DISTINCT (fields->>'stream', fields->>'number'))
        FROM log_lines WHERE facility = 'client'";
    let (stored, different): (i64, i64) = sqlx::query_as(statement).fetch_one(connection).await?;
    let name = |what: &str| format!("client log, {name}: {what}");
    report.add(Figure::new(name("messages written"), seen.written as f64, ""));
    report.add(Figure::new(name("lost"), seen.written as f64 - different as f64, "").at_most(0.0));
    report.add(Figure::new(name("stored twice"), (stored - different) as f64, "").at_most(0.0));
    report.add(Figure::new(name("sent more than once"), seen.again as f64, ""));
    report.add(Figure::new(name("connections that were lost"), seen.reconnected as f64, ""));
    report.add(Figure::new(name("longest from writing to storing"), seen.longest.as_secs_f64(), "s"));
    Ok(())
}

/// What all tabs together saw.
#[derive(Default)]
struct Seen {
    written: u64,
    again: u64,
    reconnected: u64,
    longest: Duration,
}

/// How far the tabs are.
struct Progress {
    acknowledged: watch::Receiver<u64>,
    total: u64,
}

impl Progress {
    /// Waits until a further share of all messages is acknowledged.
    async fn by_one_of(&mut self, shares: u64) -> Result<()> {
        let wanted = *self.acknowledged.borrow() + self.total / shares;
        self.acknowledged.wait_for(|count| *count >= wanted).await.context("the tabs have ended")?;
        Ok(())
    }
}

/// Browsers' tabs, as far as a node can tell.
struct Tabs;

impl Tabs {
    /// Has the tabs write and send everything, connecting to one of `nodes` after the other, while `disturb` does what
    /// it does.
    async fn speak(
        nodes: Vec<Server>,
        each: u64,
        disturb: impl AsyncFnOnce(&mut Progress) -> Result<()>,
    ) -> Result<Seen> {
        static RUNS: AtomicU64 = AtomicU64::new(1);
        let run = RUNS.fetch_add(1, Ordering::Relaxed) << 32;
        let acknowledged = Arc::new(watch::Sender::new(0));
        let mut progress = Progress { acknowledged: acknowledged.subscribe(), total: TABS * each };
        let mut tabs = JoinSet::new();
        for number in 0..TABS {
            let tab = Tab {
                nodes: nodes.clone(),
                node: number as usize,
                stream: stream(run + number),
                each,
                began: Instant::now(),
                acknowledged: acknowledged.clone(),
                stored: 0,
                sent: 0,
                seen: Seen { written: each, ..Seen::default() },
                // Not all at once, and the same ones in every run.
                jitter: Duration::from_millis(50 + number * 37 % 400),
            };
            tabs.spawn(tab.run());
        }
        disturb(&mut progress).await?;
        let mut all = Seen::default();
        let ended = async {
            while let Some(seen) = tabs.join_next().await {
                let seen = seen??;
                all.written += seen.written;
                all.again += seen.again;
                all.reconnected += seen.reconnected;
                all.longest = all.longest.max(seen.longest);
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::time::timeout(LONGEST, ended).await.context("some messages never arrived")??;
        Ok(all)
    }
}

struct Tab {
    nodes: Vec<Server>,
    /// Which of them is next.
    node: usize,
    stream: String,
    each: u64,
    began: Instant,
    acknowledged: Arc<watch::Sender<u64>>,
    /// The last message that was acknowledged, and the last that was ever sent.
    stored: u64,
    sent: u64,
    seen: Seen,
    jitter: Duration,
}

impl Tab {
    async fn run(mut self) -> Result<Seen> {
        while self.stored < self.each {
            let server = &self.nodes[self.node % self.nodes.len()];
            match Wire::open(server).await {
                Ok(wire) => self.send_over(wire).await?,
                Err(_) => self.node += 1,
            }
            if self.stored < self.each {
                self.seen.reconnected += 1;
                tokio::time::sleep(self.jitter).await;
            }
        }
        Ok(self.seen)
    }

    /// Sends until everything is stored or the connection is lost.
    async fn send_over(&mut self, mut wire: Wire) -> Result<()> {
        while self.stored < self.each {
            let first = self.stored + 1;
            tokio::time::sleep_until(self.written_at(first).into()).await;
            let last = self.written().min(self.stored + MOST_MESSAGES as u64);
            self.seen.again += self.sent.min(last).saturating_sub(self.stored);
            self.sent = self.sent.max(last);
            let text = batch(&self.stream, first, last - self.stored);
            // A node that is about to stop answers what it has before it closes.
            let mut answer = wire.exchange(&text).await;
            while matches!(answer, Ok(Answer::Bye { .. })) {
                answer = wire.answer().await;
            }
            match answer {
                Err(_) => return Ok(()),
                Ok(Answer::Stored { last: stored, .. }) => {
                    self.seen.longest = self.seen.longest.max(self.written_at(first).elapsed());
                    self.acknowledged.send_modify(|count| *count += stored - self.stored);
                    self.stored = stored;
                }
                Ok(Answer::Later { retry_after_ms, .. }) => {
                    tokio::time::sleep(Duration::from_millis(retry_after_ms)).await;
                }
                Ok(other) => bail!("a tab was told {other:?}"),
            }
        }
        Ok(())
    }

    /// When a message was written: evenly, from the first on.
    fn written_at(&self, number: u64) -> Instant {
        self.began + SPEAK_FOR.mul_f64(number as f64 / self.each as f64)
    }

    /// How many are written by now, at least those that may be sent.
    fn written(&self) -> u64 {
        let share = self.began.elapsed().as_secs_f64() / SPEAK_FOR.as_secs_f64();
        ((share * self.each as f64) as u64).clamp(self.stored + 1, self.each)
    }
}
