//! What the index of servers costs: filling it, keeping it, sending it. Prints a figure a line as JSON; a `reference`
//! beside a value is what it is compared with.

use std::{
    collections::BTreeMap,
    future::Future,
    hint::black_box,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use api_types::servers::ServerRow;
use serde_json::{Value, json};
use server::{
    config::{Config, Source},
    features::servers::{
        ServerIndexes,
        decode::{Names, RawPage, decode_row},
        feed::{Feed, Format},
        index::{BatchLimit, Credentials, Known, Refusal, Rows},
    },
    metrics::Metrics,
    secret::Secret,
    session::{Keystone, PasswordAnswer, ProjectScope},
    upstream::UpstreamClient,
};
use simcloud::{Cloud, CloudConfig, DEMO_PASSWORD, DEMO_USER, Latency, ProjectSeed};

const SERVERS: usize = 100_000;
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    // `cargo test` runs benchmarks too, to see that they work: a small one will do.
    let is_trial = !std::env::args().any(|argument| argument == "--bench");
    let servers = if is_trial { 2_000 } else { SERVERS };
    runtime.block_on(async {
        let cloud = Cloud::start(one_region(servers, Latency::none())).await?;
        let pages = received_pages(&cloud).await?;
        ensure!(pages.iter().map(Vec::len).sum::<usize>() > 0, "the cloud gave no page");
        let rows = hold(&pages, servers);
        keep(&pages, &rows, servers);
        send(&cloud, servers).await?;
        cloud.shutdown().await;
        if !is_trial {
            for (servers, workers) in [(5_000, 4), (5_000, 8), (10_000, 8)] {
                fill(servers, workers).await?;
            }
        }
        Ok(())
    })
}

/// Decoding pages that have arrived, and holding their rows.
fn hold(pages: &[Vec<u8>], servers: usize) -> Rows {
    let names = Names::default();
    let ours = median(|| {
        let mut rows = Rows::new(1);
        for page in pages {
            take_in(&mut rows, page, &names);
        }
        rows
    });
    let generic =
        median(|| pages.iter().map(|page| serde_json::from_slice::<Value>(page)).collect::<Vec<_>>());
    figure(
        &format!("fill: decode and hold {servers} rows, against parsing them as JSON values"),
        ours,
        "ms",
        Some(generic),
    );

    let mut rows = Rows::new(1);
    for page in pages {
        take_in(&mut rows, page, &names);
    }
    let received: usize = pages.iter().map(Vec::len).sum();
    let held = rows.bytes() as f64 / rows.len() as f64;
    figure("memory for a row, against its JSON", held, "bytes", Some(received as f64 / rows.len() as f64));
    rows
}

/// Changes of some rows among many.
fn keep(pages: &[Vec<u8>], rows: &Rows, servers: usize) {
    const CHANGED: usize = 100;
    let names = Names::default();
    let mut kept = rows.rebuilt(2);
    let known = all_known(&kept);
    let sample: Vec<ServerRow> = RawPage::parse(&pages[0])
        .map(|page| page.servers.iter().take(CHANGED).map(|raw| decode_row(raw, &names)).collect())
        .unwrap_or_default();
    let mut round = 0;
    let change = median(|| {
        round += 1;
        for row in &sample {
            let changed =
                ServerRow { updated_at: row.updated_at + round, status: "REBOOT".to_owned(), ..row.clone() };
            kept.upsert(&changed);
        }
    });
    figure(&format!("diff: take in {CHANGED} changed rows of {servers}"), change, "ms", None);
    let limit = BatchLimit { rows: 1024, bytes: 256 * 1024 };
    let read = median(|| kept.batch_after(&known, limit).rows.len());
    let whole = median(|| drain(&kept, limit));
    figure(
        &format!("diff: read {CHANGED} changed rows of {servers}, against reading all"),
        read,
        "ms",
        Some(whole),
    );
}

/// A warm list as one viewer gets it, in both formats.
async fn send(cloud: &Cloud, servers: usize) -> Result<()> {
    let (indexes, credentials) = panel(cloud, 8).await?;
    let mut viewer = Feed::open(&indexes, &credentials, Format::Frames, None);
    ensure!(until_complete(&indexes, &*credentials, &mut viewer).await? == servers);
    let piece_by_piece = |format| {
        let mut feed = Feed::open(&indexes, &credentials, format, None);
        let (mut bytes, mut first) = (0, None);
        let began = Instant::now();
        while let Some(piece) = feed.next_piece() {
            first.get_or_insert_with(|| began.elapsed());
            bytes += black_box(piece).len();
        }
        (milliseconds(began.elapsed()), bytes as f64, milliseconds(first.unwrap_or_default()))
    };
    let of = |format| {
        let mut runs: Vec<_> = (0..ROUNDS).map(|_| piece_by_piece(format)).collect();
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        runs[ROUNDS / 2]
    };
    let (frames, lines) = (of(Format::Frames), of(Format::Lines));
    figure(&format!("send: {servers} rows as frames, against JSON lines"), frames.0, "ms", Some(lines.0));
    figure(
        &format!("send: size of {servers} rows as frames, against JSON lines"),
        frames.1 / 1e6,
        "MB",
        Some(lines.1 / 1e6),
    );
    figure("send: first piece as frames, against JSON lines", frames.2, "ms", Some(lines.2));
    Ok(())
}

/// A cold fill on the realistic latency model, against what the API workers need when all are busy.
async fn fill(servers: usize, workers: usize) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..3 {
        let cloud = Cloud::start(one_region(servers, Latency::realistic(workers))).await?;
        let (indexes, credentials) = panel(&cloud, workers).await?;
        let began = Instant::now();
        let mut viewer = Feed::open(&indexes, &credentials, Format::Frames, None);
        ensure!(until_complete(&indexes, &*credentials, &mut viewer).await? == servers);
        times.push(milliseconds(began.elapsed()));
        drop(viewer);
        cloud.shutdown().await;
    }
    times.sort_by(f64::total_cmp);
    let row = Latency::realistic(workers).detail_row;
    let needed = milliseconds(row) * servers as f64 / workers as f64;
    let name = format!("fill: {servers} servers cold, against {workers} busy API workers");
    figure(&name, times[times.len() / 2], "ms", Some(needed));
    Ok(())
}

fn figure(name: &str, value: f64, unit: &str, reference: Option<f64>) {
    let mut line = BTreeMap::from([("name", json!(name)), ("value", json!(value)), ("unit", json!(unit))]);
    line.extend(reference.map(|reference| ("reference", json!(reference))));
    println!("{}", json!(line));
}

/// The median of some runs, in milliseconds.
fn median<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let result = black_box(run());
            let took = milliseconds(began.elapsed());
            drop(result);
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn take_in(rows: &mut Rows, page: &[u8], names: &Names) {
    if let Ok(page) = RawPage::parse(page) {
        for raw in &page.servers {
            rows.upsert(&decode_row(raw, names));
        }
    }
}

fn all_known(rows: &Rows) -> Known {
    let mut known = Known::default();
    loop {
        let batch = rows.batch_after(&known, BatchLimit { rows: 1024, bytes: 256 * 1024 });
        known = batch.known;
        if !batch.is_partial {
            return known;
        }
    }
}

fn drain(rows: &Rows, limit: BatchLimit) -> usize {
    let (mut known, mut count) = (Known::default(), 0);
    loop {
        let batch = rows.batch_after(&known, limit);
        known = batch.known;
        count += batch.rows.iter().map(|row| row.len()).sum::<usize>();
        if !batch.is_partial {
            return count;
        }
    }
}

fn one_region(servers: usize, latency: Latency) -> CloudConfig {
    CloudConfig {
        regions: vec!["RegionOne".to_owned()],
        projects: vec![ProjectSeed::new("web-shop").with("RegionOne", servers)],
        latency,
        ..CloudConfig::default()
    }
}

/// All pages of the detailed list, as they come.
async fn received_pages(cloud: &Cloud) -> Result<Vec<Vec<u8>>> {
    let (_, credentials) = panel(cloud, 1).await?;
    let scope = credentials.scope();
    let region = "RegionOne".parse()?;
    let endpoint = scope
        .catalog
        .endpoint(server::upstream::ServiceType::Compute, &region, server::config::EndpointInterface::Public)
        .context("the cloud has no compute service")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let (mut pages, mut marker) = (Vec::new(), None::<String>);
    loop {
        let mut url = endpoint.clone();
        url.set_path("/v2.1/servers/detail");
        url.query_pairs_mut().append_pair("limit", "1000");
        if let Some(marker) = &marker {
            url.query_pairs_mut().append_pair("marker", marker);
        }
        let request = client.get(url).header("x-auth-token", scope.token.expose());
        let answer =
            request.header("openstack-api-version", "compute 2.79").send().await?.error_for_status()?;
        let body = answer.bytes().await?.to_vec();
        let page = RawPage::parse(&body)?;
        let next = page.ids().last().filter(|_| page.has_next()).map(ToString::to_string);
        pages.push(body);
        match next {
            Some(next) => marker = Some(next),
            None => return Ok(pages),
        }
    }
}

async fn panel(cloud: &Cloud, concurrency: usize) -> Result<(ServerIndexes, Arc<dyn Credentials>)> {
    let source = Source::from_map([
        ("DATABASE_URL", "postgres://unused"),
        ("OS_AUTH_URL", &cloud.keystone_url()),
        ("PUBLIC_URL", "https://panel.test"),
        ("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("UPSTREAM_CONCURRENCY", &concurrency.to_string()),
        ("INDEX_POLL_IDLE_SECS", "3600"),
    ]);
    let config = Config::load(&source)?;
    let upstream = UpstreamClient::new(&config.upstream, Metrics::nowhere())?;
    let keystone = Keystone::new(upstream.clone(), config.keystone.auth_url.clone());
    let password = Secret::new(DEMO_PASSWORD.to_owned());
    let PasswordAnswer::Token(unscoped) = keystone.check_password(DEMO_USER, "Default", &password).await?
    else {
        anyhow::bail!("the demo user has a second factor");
    };
    let project = cloud.admin().project_id("web-shop").parse()?;
    let issued = keystone.scope_to_project(&unscoped.token, &project).await?;
    let scope = Arc::new(ProjectScope {
        project,
        project_name: "web-shop".to_owned(),
        token: issued.token,
        expires_at: issued.expires_at,
        roles: issued.roles,
        catalog: issued.catalog,
    });
    let indexes = ServerIndexes::new(upstream, &config.index, Metrics::nowhere());
    Ok((indexes, Arc::new(Scoped(scope))))
}

async fn until_complete(
    indexes: &ServerIndexes,
    credentials: &dyn Credentials,
    viewer: &mut Feed,
) -> Result<usize> {
    let index = indexes.find(&credentials.scope(), &"RegionOne".parse()?).context("there is no index")?;
    while !index.health(|health| health.is_complete()) {
        viewer.news().await;
    }
    Ok(index.read(Rows::len))
}

/// One good token.
struct Scoped(Arc<ProjectScope>);

impl Credentials for Scoped {
    fn scope(&self) -> Arc<ProjectScope> {
        self.0.clone()
    }

    fn refused<'a>(&'a self, _: &'a ProjectScope) -> Pin<Box<dyn Future<Output = Refusal> + Send + 'a>> {
        Box::pin(async { Refusal::Ended })
    }
}
