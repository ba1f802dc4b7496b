//! What the panel adds to a call that is passed through, against nginx's `proxy_pass` to the same service.

mod nginx;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinHandle;

use self::nginx::Nginx;
use crate::{
    ground::Ground,
    load::{self, Asked, Load},
    node,
    report::{Figure, Report, median},
    service,
};

/// Throughput, added time and memory, one after the other, with the session looked up, the log line written to a file
/// and the measurements sent, as in production.
pub async fn run(report: &mut Report, rounds: usize) -> Result<()> {
    report.section(
        "Passing calls through, against nginx (proxy_pass, keep-alive, access log) on the same service",
    );
    // As many calls side by side as the load makes, and nginx's pool holds.
    let side_by_side = ("UPSTREAM_CONCURRENCY".to_owned(), (2 * CONNECTIONS).to_string());
    // Like nginx's access log, the line goes to a file and nowhere else.
    let to_a_file = ("LOG_POSTGRES".to_owned(), "false".to_owned());
    let ground = Ground::start(vec![side_by_side.clone(), to_a_file]).await?;
    let nginx = Nginx::start(ground.service.address(), 2 * CONNECTIONS).await?;
    let asked = ground.visitor().await?.image(&ground.cloud)?;
    let what = "calls a second, against nginx";
    let turns = throughput(&ground, &nginx, &asked, rounds).await?;
    let most = turns.ours();
    let figure = Figure::new(format!("proxy: {what}"), most, "/s");
    report.add(figure.against(turns.theirs()).ratio_at_least(0.8));
    let name = "proxy: processor time of a call, against nginx's";
    let (ours, theirs) = (median(turns.panel.cpu_us), median(turns.nginx.cpu_us));
    report.add(Figure::new(name, ours, "µs").against(theirs));
    // The same question with the same headers to nginx, and to the service itself.
    let all = [&asked, &at(&asked, nginx.address()), &at(&asked, ground.service.address())];
    report.add(added_time("at 80 requests/s", 80.0, all).await?.at_most(1.0));
    report.add(added_time("at half of its maximum", most / 2.0, all).await?.at_most(3.0));
    memory(report, &ground, &asked).await?;
    nginx.stop()?;
    ground.stop().await?;

    // The same where every line is stored in Postgres too, which shares the machine here with all the others: what
    // that takes of it, rather than what the panel does.
    let ground = Ground::start(vec![side_by_side]).await?;
    let nginx = Nginx::start(ground.service.address(), 2 * CONNECTIONS).await?;
    let asked = ground.visitor().await?.image(&ground.cloud)?;
    let turns = throughput(&ground, &nginx, &asked, rounds).await?;
    let most = turns.ours();
    let stored = "every line stored in Postgres on this machine";
    report.add(Figure::new(format!("proxy: {what}, {stored}"), most, "/s").against(turns.theirs()));
    let all = [&asked, &at(&asked, nginx.address()), &at(&asked, ground.service.address())];
    report.add(added_time(&format!("at half of its maximum, {stored}"), most / 2.0, all).await?);
    nginx.stop()?;
    ground.stop().await
}

/// Connections of the load, each with one request at a time: what a browser's or a proxy's pool has.
const CONNECTIONS: usize = 32;
const ROUND: Duration = Duration::from_secs(5);

/// The same question with the same headers, asked elsewhere.
fn at(asked: &Asked, address: SocketAddr) -> Asked {
    Asked { address, prefix: "/v2".to_owned(), ..asked.clone() }
}

/// As many calls a second as go through, the panel's and nginx's turns one after the other.
async fn throughput(ground: &Ground, nginx: &Nginx, ours: &Asked, rounds: usize) -> Result<Both> {
    let theirs = &at(ours, nginx.address());
    let mut both = Both::default();
    for asked in [theirs, ours] {
        Load::closed(CONNECTIONS, Duration::from_secs(1)).run(asked).await?;
    }
    for _ in 0..rounds {
        both.nginx.take(theirs, &nginx.processes()?).await?;
        both.panel.take(ours, &[ground.panel.pid()]).await?;
    }
    Ok(both)
}

#[derive(Default)]
struct Both {
    panel: Turns,
    nginx: Turns,
}

impl Both {
    /// Calls a second.
    fn ours(&self) -> f64 {
        median(self.panel.per_second.clone())
    }

    fn theirs(&self) -> f64 {
        median(self.nginx.per_second.clone())
    }
}

/// What one of the two did when it was its turn.
#[derive(Default)]
struct Turns {
    per_second: Vec<f64>,
    cpu_us: Vec<f64>,
}

impl Turns {
    async fn take(&mut self, asked: &Asked, processes: &[u32]) -> Result<()> {
        let used = || processes.iter().map(|pid| node::cpu_seconds(*pid)).sum::<Result<f64>>();
        let before = used()?;
        let outcome = Load::closed(CONNECTIONS, ROUND).run(asked).await?;
        self.cpu_us.push((used()? - before) * 1e6 / outcome.answers() as f64);
        self.per_second.push(outcome.per_second());
        Ok(())
    }
}

/// The 99th percentile beyond that of the service itself, at an even rate. Each call's time counts from when it was
/// due, so that one that had to wait for another shows it.
async fn added_time(what: &str, rate: f64, [ours, theirs, direct]: [&Asked; 3]) -> Result<Figure> {
    const FOR: Duration = Duration::from_secs(15);
    let mut p99 = Vec::new();
    for asked in [direct, theirs, ours] {
        p99.push(Load::paced(CONNECTIONS, FOR, rate).run(asked).await?.percentile_ms(99.0));
    }
    let [direct, theirs, ours] = p99[..] else { unreachable!("three were asked") };
    let name = format!("proxy: added p99 {what}, against nginx's");
    Ok(Figure::new(name, (ours - direct).max(0.0), "ms").against((theirs - direct).max(0.0)))
}

/// The panel's memory while a GiB goes down and another goes up.
async fn memory(report: &mut Report, ground: &Ground, ours: &Asked) -> Result<()> {
    for (way, upload) in [("down", false), ("up", true)] {
        let before = node::resident_mb(ground.panel.pid())?;
        let watching = watch_memory(ground.panel.pid());
        let start = Instant::now();
        load::stream(ours, service::GIB, upload).await?;
        let took = start.elapsed().as_secs_f64();
        let peak = watching.stop().await?;
        let name = format!("proxy: memory while 1 GiB goes {way}, beyond that before");
        report.add(Figure::new(name, (peak - before).max(0.0), "MB").at_most(16.0));
        let speed = service::GIB as f64 / 1e6 / took;
        report.add(Figure::new(format!("proxy: 1 GiB {way}"), speed, "MB/s"));
    }
    Ok(())
}

struct Watching {
    stop: tokio::sync::oneshot::Sender<()>,
    peak: JoinHandle<Result<f64>>,
}

/// Notes the highest resident memory of a process, looking often.
fn watch_memory(pid: u32) -> Watching {
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let peak = tokio::spawn(async move {
        let mut peak: f64 = 0.0;
        loop {
            peak = peak.max(node::resident_mb(pid)?);
            match tokio::time::timeout(Duration::from_millis(20), &mut stopped).await {
                Ok(_) => return Ok(peak),
                Err(_) => continue,
            }
        }
    });
    Watching { stop, peak }
}

impl Watching {
    async fn stop(self) -> Result<f64> {
        let _ = self.stop.send(());
        self.peak.await?
    }
}
