//! Following what operators set, on whichever node.

use std::{convert::Infallible, time::Duration};

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use super::{Flags, READ_WITHIN, store::CHANGED};

/// Asked this often, in case nothing is heard.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// A connection that cannot be had is tried again then.
const PAUSE: Duration = Duration::from_secs(1);

impl Flags {
    /// Follows what is set, for ever: by what Postgres announces, and by asking now and then. What is known goes on while
    /// Postgres is away.
    ///
    /// It has a connection of its own: one that listens is none of those that requests share.
    pub async fn follow(self) {
        let options = (*self.0.store.db().connect_options()).clone();
        loop {
            // Made anew each time: a connection that hangs would keep the only place there is.
            let one = PgPoolOptions::new().max_connections(1).acquire_timeout(READ_WITHIN);
            let db = one.connect_lazy_with(options.clone());
            if let Ok(mut listener) = PgListener::connect_with(&db).await {
                _ = self.hear(&mut listener).await;
            }
            sleep(PAUSE).await;
        }
    }

    /// Follows until the connection is lost.
    async fn hear(&self, listener: &mut PgListener) -> sqlx::Result<Infallible> {
        let lost = |_| sqlx::Error::PoolTimedOut;
        timeout(READ_WITHIN, listener.listen(CHANGED)).await.map_err(lost)??;
        loop {
            self.read(&mut *listener).await?;
            match timeout(POLL_EVERY, listener.try_recv()).await {
                Ok(Ok(Some(_))) | Err(_) => {}
                Ok(Ok(None)) => return Err(sqlx::Error::PoolClosed),
                Ok(Err(error)) => return Err(error),
            }
        }
    }
}
