//! Serves the panel until a signal.

use std::time::Duration;

use anyhow::Context;
use sqlx::{PgPool, migrate::MigrateError};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};

use super::systemd::Systemd;
use crate::{
    app::{App, Panel},
    clock::Clock,
    config::Config,
    connections,
    event_loops::EventLoops,
    log::{self, Log},
    metrics::{Metrics, page, process},
    migrations,
    shutdown::Shutdown,
};

/// Serves on the configured address.
///
/// Errors: the address is taken, the database is older than this release.
pub async fn run(config: Config, log: Log) -> anyhow::Result<()> {
    let db = super::connect(&config.database)?;
    match migrations::pending(&db).await {
        Ok(0) => {}
        Ok(pending) => {
            anyhow::bail!("the database lacks {pending} migrations of this release; run `meridian migrate`")
        }
        // It may come back; until then nobody can sign in, and everything else waits for it too.
        Err(error @ MigrateError::Execute(_)) => tracing::warn!(%error, "the database does not answer yet"),
        Err(error) => return Err(error.into()),
    }
    let address = config.listen.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let shutdown = stop_on_signal(config.health.drain_for)?;
    tracing::info!(%address, public_url = %config.listen.public_url, "serving");
    serve(config, db, listener, shutdown, log).await
}

/// Serves on a listener until `shutdown` begins and what is under way has finished.
pub async fn serve(
    config: Config,
    db: PgPool,
    listener: TcpListener,
    shutdown: Shutdown,
    log: Log,
) -> anyhow::Result<()> {
    let metrics = Metrics::new(&config.statsd, &config.metrics, &config.node.name);
    let page = serve_metrics(&config, &metrics, &shutdown).await?;
    // To the very end: a connection to Postgres that was made on one of them is of no use without it.
    let loops = EventLoops::start().context("cannot start a thread for connections")?;
    let watching = tokio::spawn(process::watch(metrics.clone(), db.clone(), loops.clone()));
    let listen = config.listen.clone();
    log.count_with(metrics.clone());
    let storing = log::Upkeep::start(&log, &db, &config.log, &Clock::system())?;
    let app = App::new(config, db, Clock::system(), metrics.clone(), shutdown.clone(), log)?;
    let longest = app.config.health.drain_for + listen.stop_after * 2 + LONGEST_END;
    // The first pages are answered by what operators set as well.
    app.flags.look().await;
    let systemd = Systemd::from_env().accompany(app.health.clone(), shutdown.clone(), longest);
    let systemd = tokio::spawn(systemd);
    let changes = app.changes.clone();
    let upkeep = app.start_upkeep().finishing(tokio::spawn(app.health.clone().run()), LONGEST_END);
    connections::serve(listener, Panel::new(&app), shutdown, listen, &loops).await;
    changes.end();
    upkeep.stop().await;
    systemd.abort();
    page.abort();
    watching.abort();
    // What was counted last is counted too.
    tokio::task::spawn_blocking(move || metrics.finish()).await?;
    tracing::info!("stopped");
    // Last of all, so that this is stored as well.
    storing.stop().await;
    Ok(())
}

/// The page for Prometheus on its own address, where one is configured.
///
/// Errors: the address is taken.
async fn serve_metrics(
    config: &Config,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<JoinHandle<()>> {
    let Some(address) = config.metrics.listen else { return Ok(tokio::spawn(async {})) };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (metrics.listen)"))?;
    tracing::info!(%address, "showing measurements to Prometheus");
    let (metrics, page, listen) = (metrics.clone(), config.metrics.clone(), config.listen.clone());
    Ok(tokio::spawn(page::serve(listener, metrics, page, listen, shutdown.clone())))
}

/// What is left to do when nobody is answered any more takes no longer.
const LONGEST_END: Duration = Duration::from_secs(5);

/// SIGTERM says for `drain_for` that this node is going away, while it serves on, and then begins the stop. Ctrl-C begins
/// it at once: whoever presses it watches. The second signal ends the process there and then.
pub fn stop_on_signal(drain_for: Duration) -> anyhow::Result<Shutdown> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = Shutdown::default();
    let begun = shutdown.clone();
    tokio::spawn(async move {
        let drain_for = tokio::select! {
            _ = terminate.recv() => drain_for,
            _ = interrupt.recv() => Duration::ZERO,
        };
        let second = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let stop = async {
            if !drain_for.is_zero() {
                tracing::info!(for_secs = drain_for.as_secs_f64(), "going away, and serving on until then");
                begun.drain();
                tokio::time::sleep(drain_for).await;
            }
            tracing::info!("stopping");
            begun.begin();
            std::future::pending().await
        };
        tokio::select! {
            () = second => {}
            () = stop => {}
        }
        // 128 + SIGINT, as shells say it.
        std::process::exit(130);
    });
    Ok(shutdown)
}
