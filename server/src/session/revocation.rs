//! Hears from Postgres which sessions have ended or have a new cookie, on whichever node.

use std::{sync::atomic::Ordering, time::Duration};

use sqlx::{Executor, postgres::PgListener};

use super::{SessionId, Sessions};

/// The channels of the triggers on `sessions`.
const ENDED: &str = "session_ended";
const RENEWED: &str = "session_renewed";
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
        listener.listen_all([ENDED, RENEWED]).await?;
        Ok(listener)
    };
    let mut listener = match connect.await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    // What ended while nobody listened is found by asking about every session in memory.
    if let Err(error) = sessions.confirm_known().await {
        return error;
    }
    inner.hears.store(true, Ordering::Relaxed);
    *pause = FIRST_PAUSE;
    loop {
        match tokio::time::timeout(QUIET, listener.try_recv()).await {
            Ok(Ok(Some(said))) => {
                let id = said.payload().parse().map(SessionId);
                match (said.channel(), id) {
                    (ENDED, Ok(id)) => sessions.forget(id),
                    // Beside the listening: the next word may be that a session has ended.
                    (RENEWED, Ok(id)) if inner.knows(id) => {
                        drop(tokio::spawn(ask_again(sessions.clone(), id)))
                    }
                    _ => {}
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

/// Finds out which cookie is the old one and when it is over.
async fn ask_again(sessions: Sessions, id: SessionId) {
    if let Err(error) = sessions.confirm(&[id]).await {
        // It is asked about again soon, as every session in memory is.
        tracing::debug!(%error, "a session with a new cookie could not be asked about");
    }
}
