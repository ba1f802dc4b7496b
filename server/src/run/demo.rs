//! Serves the panel with everything it needs beside it: a simulated cloud and a private PostgreSQL.

use std::{net::Ipv4Addr, path::PathBuf, time::Duration};

use anyhow::Context;
use api_types::ProjectId;
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{Args, ValueEnum};
use private_postgres::{Options, PrivatePostgres};
use rand::{TryRngCore, rngs::OsRng};
use simcloud::{Cloud, CloudConfig, DEMO_PASSWORD, DEMO_USER, Latency, OPERATOR_USER, TEST_PASSWORD};
use sqlx::PgPool;
use tokio::net::TcpListener;

use super::{connect, serve, start_log};
use crate::{
    clock::Clock,
    config::{Config, Source},
    jobs::JobStore,
    metrics::Metrics,
    migrations,
    secret::Secret,
    session::{Keystone, PasswordAnswer, SessionStore},
    upstream::UpstreamClient,
};

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Servers in the project `web-shop`, over all regions.
    #[arg(long, default_value_t = 10_000)]
    servers: usize,
    /// Same seed, same cloud.
    #[arg(long)]
    seed: Option<u64>,
    /// How long the cloud takes to answer.
    #[arg(long, value_enum, default_value_t = LatencyModel::Realistic)]
    latency: LatencyModel,
    /// API workers of each service and region.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// The panel's port; the next free one if it is taken.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where the private PostgreSQL keeps its files. Not used when DATABASE_URL is set.
    #[arg(long, default_value = ".data/postgres", value_name = "FOLDER")]
    data: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LatencyModel {
    /// As the recorded services: about 6 ms for a row of a detailed list.
    Realistic,
    /// At once.
    None,
}

/// Runs until Ctrl-C, then stops all it started. The last line printed is for scripts:
/// `ready url=http://127.0.0.1:8080 user=demo password=…`.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    // Before anything is started, so that a Ctrl-C during the start stops it all as well.
    let shutdown = serve::stop_on_signal(Duration::ZERO)?;
    let stopped = shutdown.clone();
    let started = tokio::select! {
        started = Demo::start(&options) => started?,
        () = stopped.begun() => return Ok(()),
    };
    let Demo { cloud, postgres, config, db, listener } = started;
    let (log, _end) = start_log(&config, true)?;
    let url = config.listen.public_url.to_string();
    println!("The panel is at {url}; Ctrl-C stops it and everything it started.");
    println!("Sign in as {DEMO_USER} with the password {DEMO_PASSWORD}.");
    println!("For the operator's console sign in as {OPERATOR_USER} with the password {TEST_PASSWORD}.");
    println!(
        "The cloud's Keystone is at {}; its knobs are at {}.",
        cloud.keystone_url(),
        cloud.control_url()
    );
    println!("ready url={url} user={DEMO_USER} password={DEMO_PASSWORD}");

    serve::serve(config, db, listener, shutdown, log).await?;
    cloud.shutdown().await;
    if let Some(postgres) = postgres {
        tokio::task::spawn_blocking(move || postgres.stop()).await??;
    }
    Ok(())
}

struct Demo {
    cloud: Cloud,
    /// `None` where DATABASE_URL names another one.
    postgres: Option<PrivatePostgres>,
    config: Config,
    db: PgPool,
    listener: TcpListener,
}

impl Demo {
    async fn start(options: &DemoOptions) -> anyhow::Result<Self> {
        let (cloud, database) = tokio::join!(start_cloud(options), start_database(options));
        let (cloud, (database_url, postgres)) = (cloud?, database?);
        let listener = bind(options.port).await?;
        let address = listener.local_addr()?.to_string();

        let mut key = [0u8; 32];
        OsRng.try_fill_bytes(&mut key).context("no random bytes")?;
        // The console has all of it; a person who asks for more wants to see it.
        let quiet = if std::env::var_os("LOG_FILTER").is_some() { "trace" } else { "warn" };
        let source = Source::from_process(None)?
            .without_env("OS_CLOUD")
            .with_env("OS_AUTH_URL", &cloud.keystone_url())
            .with_env("DATABASE_URL", &database_url)
            .with_env("LISTEN_ADDRESS", &address)
            .with_env("PUBLIC_URL", &format!("http://{address}"))
            // Good for this start only, as the sessions are.
            .with_env("SESSION_KEY", &STANDARD.encode(key))
            .with_default_env("UPSTREAM_CONCURRENCY", &options.workers.to_string())
            .with_default_env("STOP_AFTER_SECS", "2")
            // It is alone, and has nobody to ask.
            .with_default_env("HEALTH_WHEN_DATABASE_IS_GONE", "stay")
            .with_default_env("LOG_STDOUT_LEVEL", quiet)
            .with_default_env("LOG_FORMAT", "text");
        let config = Config::load(&source)?;
        let db = connect(&config.database)?;
        migrations::migrate(&db).await.context("the database cannot be migrated")?;
        welcome(&config, &db, &cloud).await?;
        Ok(Self { cloud, postgres, config, db, listener })
    }
}

/// Prepares the database for this cloud: sessions of an earlier one hold tokens it does not know, and the demo user
/// begins where the servers are.
async fn welcome(config: &Config, db: &PgPool, cloud: &Cloud) -> anyhow::Result<()> {
    let store = SessionStore::new(db.clone(), config.database.timeout);
    store.delete_all_sessions().await?;
    JobStore::new(db.clone(), Clock::system()).delete_all_jobs().await?;
    let upstream = UpstreamClient::new(&config.upstream, Metrics::nowhere())?;
    let keystone = Keystone::new(upstream, config.keystone.auth_url.clone());
    let password = Secret::new(DEMO_PASSWORD.to_owned());
    let PasswordAnswer::Token(issued) = keystone.check_password(DEMO_USER, "Default", &password).await?
    else {
        anyhow::bail!("the cloud asks the demo user for a second factor");
    };
    let project: ProjectId = cloud.admin().project_id("web-shop").parse()?;
    store.put_last_project(&issued.user.id, &project, None, Clock::system().now()).await?;
    Ok(())
}

async fn start_cloud(options: &DemoOptions) -> anyhow::Result<Cloud> {
    let mut config = CloudConfig::demo(options.servers);
    config.seed = options.seed.unwrap_or(config.seed);
    config.latency = match options.latency {
        LatencyModel::Realistic => Latency::realistic(options.workers),
        LatencyModel::None => Latency::none(),
    };
    Cloud::start(config).await.context("the simulated cloud does not start")
}

/// The URL of the database and, where it is our own, the database itself.
async fn start_database(options: &DemoOptions) -> anyhow::Result<(String, Option<PrivatePostgres>)> {
    if let Ok(url) = std::env::var("DATABASE_URL")
        && !url.is_empty()
    {
        return Ok((url, None));
    }
    let data_dir = options.data.clone();
    let started =
        tokio::task::spawn_blocking(move || PrivatePostgres::start(Options { data_dir, durable: true }));
    let postgres = started.await?.context("the private PostgreSQL does not start")?;
    Ok((postgres.url().to_owned(), Some(postgres)))
}

/// The port that was asked for, or one of the next, or any.
async fn bind(port: u16) -> anyhow::Result<TcpListener> {
    for port in (port..=port.saturating_add(20)).chain([0]) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).with_context(|| format!("cannot listen on port {port}")),
        }
    }
    anyhow::bail!("no port is free")
}
