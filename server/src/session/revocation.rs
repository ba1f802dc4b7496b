//! Hears from Postgres which sessions have ended, on whichever node.

use std::{sync::atomic::Ordering, time::Duration};

use sqlx::{Executor, postgres::PgListener};

use super::{SessionId, Sessions};

/// The channel of the trigger on `sessions`.
const CHANNEL: &str = "session_ended";
/// A connection that says nothing for so long is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Listens for ever, and connects again after every loss. Ends with the task it runs in.
pub async fn listen(sessions: Sessions) {
    let mut pause = FIRST_PAUSE;
    loop {
        let lost = hear(&sessions, &mut pause).await;
        if sessions.inner().hears.swap(false, Ordering::Relaxed) {
            tracing::warn!(error = %lost, "revocations are not heard at the moment; sessions are read more often");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Listens until the connection is lost; says why.
async fn hear(sessions: &Sessions, pause: &mut Duration) -> sqlx::Error {
    let inner = sessions.inner();
    let connect = async {
        let mut listener = PgListener::connect_with(inner.store.pool()).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    };
    let mut listener = match connect.await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    // What ended while nobody listened is found by asking about every session in memory.
    if let Err(error) = super::upkeep::confirm_known(sessions).await {
        return error;
    }
    inner.hears.store(true, Ordering::Relaxed);
    *pause = FIRST_PAUSE;
    loop {
        match tokio::time::timeout(QUIET, listener.try_recv()).await {
            Ok(Ok(Some(ended))) => {
                if let Ok(id) = ended.payload().parse() {
                    sessions.forget(SessionId(id));
                }
            }
            // The connection was lost, and with it maybe some words.
            Ok(Ok(None)) => return sqlx::Error::PoolClosed,
            Ok(Err(error)) => return error,
            Err(_quiet) => match tokio::time::timeout(QUIET, listener.execute("SELECT 1")).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error,
                Err(_) => return sqlx::Error::PoolTimedOut,
            },
        }
    }
}
