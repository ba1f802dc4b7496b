//! Serves the panel until a signal.

use anyhow::Context;
use sqlx::{PgPool, migrate::MigrateError};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    app::{self, App},
    clock::Clock,
    config::Config,
    connections,
    metrics::Metrics,
    migrations,
    shutdown::Shutdown,
};

/// Serves on the configured address.
///
/// Errors: the address is taken, the database is older than this release.
pub async fn run(config: Config) -> anyhow::Result<()> {
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
    let shutdown = stop_on_signal()?;
    tracing::info!(%address, public_url = %config.listen.public_url, release = crate::RELEASE, "serving");
    serve(config, db, listener, shutdown).await
}

/// Serves on a listener until `shutdown` begins and what is under way has finished.
pub async fn serve(
    config: Config,
    db: PgPool,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let metrics = Metrics::new(&config.statsd);
    let listen = config.listen.clone();
    let app = App::new(config, db, Clock::system(), metrics, shutdown.clone())?;
    let upkeep = app.start_upkeep();
    connections::serve(listener, app::router(app), shutdown, listen).await;
    upkeep.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM or Ctrl-C begins the stop; the second one ends the process there and then.
pub fn stop_on_signal() -> anyhow::Result<Shutdown> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = Shutdown::default();
    let begun = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        begun.begin();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // 128 + SIGINT, as shells say it.
        std::process::exit(130);
    });
    Ok(shutdown)
}
