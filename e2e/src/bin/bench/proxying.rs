//! What the panel adds to a call that is passed through, against nginx's `proxy_pass` to the same service.

mod load;
mod nginx;
mod service;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use api_types::routes::{self, CSRF_HEADER, PROJECT_HEADER};
use e2e::harness::panel::Panel;
use simcloud::{Cloud, CloudConfig, DEMO_PASSWORD, DEMO_USER, Service};
use tokio::{net::UdpSocket, task::JoinHandle};

use self::{
    load::{Asked, Load},
    nginx::Nginx,
    service::FakeService,
};
use crate::{
    node,
    report::{Figure, Report, median},
};

/// Throughput, added time and memory, one after the other, with the session looked up, the log line written to a file
/// and the measurements sent, as in production.
pub async fn run(report: &mut Report, rounds: usize) -> Result<()> {
    report.section(
        "Passing calls through, against nginx (proxy_pass, keep-alive, access log) on the same service",
    );
    let ground = Ground::start().await?;
    let asked = ground.asked().await?;
    let [ours, theirs, direct] = &asked;
    let most = throughput(report, &ground, ours, theirs, rounds).await?;
    added_time(report, "at 80 requests/s", 80.0, 1.0, [ours, theirs, direct]).await?;
    added_time(report, "at half of its maximum", most / 2.0, 3.0, [ours, theirs, direct]).await?;
    memory(report, &ground, ours).await?;
    ground.stop().await
}

/// Connections of the load, each with one request at a time: what a browser's or a proxy's pool has.
const CONNECTIONS: usize = 32;
const ROUND: Duration = Duration::from_secs(5);

/// As many calls a second as go through, the panel's and nginx's turns one after the other.
async fn throughput(
    report: &mut Report,
    ground: &Ground,
    ours: &Asked,
    theirs: &Asked,
    rounds: usize,
) -> Result<f64> {
    let (mut of_panel, mut of_nginx) = (Turns::default(), Turns::default());
    for asked in [theirs, ours] {
        Load::closed(CONNECTIONS, Duration::from_secs(1)).run(asked).await?;
    }
    for _ in 0..rounds {
        of_nginx.take(theirs, &ground.nginx.processes()?).await?;
        of_panel.take(ours, &[ground.panel.pid()]).await?;
    }
    let most = median(of_panel.per_second);
    let figure = Figure::new("proxy: calls a second, against nginx", most, "/s");
    report.add(figure.against(median(of_nginx.per_second)).ratio_at_least(0.8));
    let figure =
        Figure::new("proxy: processor time of a call, against nginx's", median(of_panel.cpu_us), "µs");
    report.add(figure.against(median(of_nginx.cpu_us)));
    Ok(most)
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
async fn added_time(
    report: &mut Report,
    what: &str,
    rate: f64,
    goal_ms: f64,
    [ours, theirs, direct]: [&Asked; 3],
) -> Result<()> {
    const FOR: Duration = Duration::from_secs(15);
    let mut p99 = Vec::new();
    for asked in [direct, theirs, ours] {
        p99.push(Load::paced(CONNECTIONS, FOR, rate).run(asked).await?.percentile_ms(99.0));
    }
    let [direct, theirs, ours] = p99[..] else { unreachable!("three were asked") };
    let name = format!("proxy: added p99 {what}, against nginx's");
    report.add(
        Figure::new(name, (ours - direct).max(0.0), "ms")
            .against((theirs - direct).max(0.0))
            .at_most(goal_ms),
    );
    Ok(())
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

/// Everything that runs: the service, the panel with its cloud, nginx, and somebody who listens to measurements.
struct Ground {
    service: FakeService,
    cloud: Cloud,
    panel: Panel,
    nginx: Nginx,
    statsd: JoinHandle<()>,
}

impl Ground {
    async fn start() -> Result<Self> {
        let service = FakeService::start()?;
        let cloud = Cloud::start(CloudConfig::default()).await?;
        for kind in [Service::Compute, Service::Image] {
            cloud.admin().set_address("RegionOne", kind, Some(&format!("http://{}/v2", service.address())));
        }
        let sink = UdpSocket::bind("127.0.0.1:0").await?;
        let statsd_address = sink.local_addr()?;
        let statsd = tokio::spawn(async move {
            let mut datagram = [0; 2048];
            while sink.recv(&mut datagram).await.is_ok() {}
        });
        let settings = [
            ("STATSD_ADDRESS", statsd_address.to_string()),
            // As many calls side by side as the load makes, and nginx's pool holds.
            ("UPSTREAM_CONCURRENCY", (2 * CONNECTIONS).to_string()),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value));
        let panel = Panel::start(&cloud.keystone_url(), &settings).await?;
        let nginx = Nginx::start(service.address(), 2 * CONNECTIONS).await?;
        Ok(Self { service, cloud, panel, nginx, statsd })
    }

    /// The same question to the panel, to nginx and to the service itself, with the same headers.
    async fn asked(&self) -> Result<[Asked; 3]> {
        let browser = sign_in(&self.panel.url()).await?;
        let project = self.cloud.admin().project_id("three").to_string();
        let panel: SocketAddr = self.panel.url().trim_start_matches("http://").parse()?;
        let headers = vec![
            ("cookie".to_owned(), browser.cookie),
            (CSRF_HEADER.to_owned(), browser.csrf_token),
            (PROJECT_HEADER.to_owned(), project),
            ("accept".to_owned(), "application/json".to_owned()),
            (
                "user-agent".to_owned(),
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140".to_owned(),
            ),
        ];
        let asked =
            |address, prefix: &str| Asked { address, prefix: prefix.to_owned(), headers: headers.clone() };
        Ok([
            asked(panel, "/api/cloud/RegionOne/image"),
            asked(self.nginx.address(), "/v2"),
            asked(self.service.address(), "/v2"),
        ])
    }

    async fn stop(self) -> Result<()> {
        self.statsd.abort();
        self.nginx.stop()?;
        self.panel.stop().await?;
        self.cloud.shutdown().await;
        Ok(())
    }
}

struct Browser {
    cookie: String,
    csrf_token: String,
}

/// Signs the demo's user in by the form, as a browser without scripts does.
async fn sign_in(panel: &str) -> Result<Browser> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let cookie_of = |answer: &reqwest::Response| {
        let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        cookies.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
    };
    let form = client.get(format!("{panel}{}", routes::SIGN_IN)).send().await?;
    let cookie = cookie_of(&form);
    let page = form.text().await?;
    let token = page.split_once("name=\"form_token\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let token = token.context("the form has no token")?.0.replace("&#38;", "&").replace("&#61;", "=");
    let encoded = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("form_token", token.as_str()), ("user", DEMO_USER), ("password", DEMO_PASSWORD)])
        .finish();
    let answer = client
        .post(format!("{panel}{}", routes::SIGN_IN))
        .header("cookie", &cookie)
        .header("origin", panel)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded)
        .send()
        .await?;
    ensure!(answer.status().is_redirection(), "signing in was answered with {}", answer.status());
    let cookie =
        cookie_of(&answer).split("; ").find(|cookie| cookie.starts_with("meridian=")).map(str::to_owned);
    let cookie = cookie.context("there is no session")?;
    let session: serde_json::Value = client
        .get(format!("{panel}{}", routes::SESSION))
        .header("cookie", &cookie)
        .send()
        .await?
        .json()
        .await?;
    let csrf_token = session["csrf_token"].as_str().context("the session has no token")?.to_owned();
    Ok(Browser { cookie, csrf_token })
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
