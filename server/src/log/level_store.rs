//! The levels that operators set for a while: in Postgres, followed by every node.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Executor, PgPool, postgres::PgListener};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{
    Level,
    levels::{InvalidFilter, Levels, Overrides, parse_filter},
};
use crate::clock::Clock;

/// What is set for a while, for one user or for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelOverride {
    pub id: Uuid,
    /// `None`: everybody.
    pub user: Option<String>,
    /// A level; for everybody also levels by module, as `log.filter` has them.
    pub filter: String,
    pub until: DateTime<Utc>,
    pub set_by: String,
    pub set_at: DateTime<Utc>,
    pub because: String,
}

/// What is to be set. A second one for the same user replaces the first.
#[derive(Clone, Debug)]
pub struct SetLevel {
    pub user: Option<String>,
    pub filter: String,
    pub until: DateTime<Utc>,
    pub set_by: String,
    pub because: String,
}

/// Why a level was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetLevelError {
    #[error("the filter {0:?} is none")]
    Filter(String, #[source] InvalidFilter),
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

/// The table `log_levels`. Cheap to clone.
#[derive(Clone)]
pub struct LevelStore {
    db: PgPool,
    clock: Clock,
}

/// The channel of the trigger on `log_levels`.
const CHANGED: &str = "log_levels";
/// Asked this often, in case nothing is heard; and what ends, ends by then.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// A connection that cannot be had is tried again then.
const PAUSE: Duration = Duration::from_secs(1);

impl LevelStore {
    pub fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Sets what is logged of one user, or of everybody, until a time. All nodes follow within moments.
    ///
    /// Errors: the filter is none, the database does not answer.
    pub async fn set_level(&self, wanted: SetLevel) -> Result<LevelOverride, SetLevelError> {
        let is_filter = match &wanted.user {
            Some(_) => wanted.filter.parse::<Level>().map(drop).map_err(|_| InvalidFilter),
            None => parse_filter(&wanted.filter).map(drop),
        };
        is_filter.map_err(|error| SetLevelError::Filter(wanted.filter.clone(), error))?;
        let now = self.clock.now();
        Ok(sqlx::query_as!(
            LevelOverride,
            r#"INSERT INTO log_levels (user_name, filter, until, set_by, set_at, because)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (COALESCE(user_name, '')) DO UPDATE SET
                 filter = EXCLUDED.filter, until = EXCLUDED.until, set_by = EXCLUDED.set_by,
                 set_at = EXCLUDED.set_at, because = EXCLUDED.because
             RETURNING id, user_name AS user, filter, until, set_by, set_at, because"#,
            wanted.user,
            wanted.filter,
            wanted.until,
            wanted.set_by,
            now,
            wanted.because
        )
        .fetch_one(&self.db)
        .await?)
    }

    /// What is set now, that of everybody first.
    pub async fn list_levels(&self) -> sqlx::Result<Vec<LevelOverride>> {
        sqlx::query_as!(
            LevelOverride,
            r#"SELECT id, user_name AS user, filter, until, set_by, set_at, because
             FROM log_levels
             WHERE until > $1
             ORDER BY user_name NULLS FIRST"#,
            self.clock.now()
        )
        .fetch_all(&self.db)
        .await
    }

    /// Ends what was set. Returns what it was, where it was there.
    pub async fn clear_level(&self, id: Uuid) -> sqlx::Result<Option<LevelOverride>> {
        sqlx::query_as!(
            LevelOverride,
            r#"DELETE FROM log_levels
             WHERE id = $1
             RETURNING id, user_name AS user, filter, until, set_by, set_at, because"#,
            id
        )
        .fetch_optional(&self.db)
        .await
    }

    /// Deletes what is over.
    async fn delete_ended(&self) -> sqlx::Result<()> {
        sqlx::query!("DELETE FROM log_levels WHERE until <= $1", self.clock.now()).execute(&self.db).await?;
        Ok(())
    }
}

/// Follows what is set, for ever: by what Postgres announces, and by asking now and then.
pub(super) async fn follow(store: LevelStore, levels: Levels) {
    let mut known = Vec::new();
    loop {
        let _ = hear(&store, &levels, &mut known).await;
        // What was set goes on until its time is over, also while the database is away.
        apply(&store, &levels, &known);
        sleep(PAUSE).await;
    }
}

/// Follows until the connection is lost.
async fn hear(
    store: &LevelStore,
    levels: &Levels,
    known: &mut Vec<LevelOverride>,
) -> sqlx::Result<std::convert::Infallible> {
    let mut listener = PgListener::connect_with(&store.db).await?;
    listener.listen(CHANGED).await?;
    loop {
        *known = timeout(POLL_EVERY, store.list_levels()).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        apply(store, levels, known);
        match timeout(next_look(store, known), listener.try_recv()).await {
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => return Err(sqlx::Error::PoolClosed),
            Ok(Err(error)) => return Err(error),
            Err(_quiet) => {
                timeout(POLL_EVERY, listener.execute("SELECT 1"))
                    .await
                    .map_err(|_| sqlx::Error::PoolTimedOut)??;
                if known.iter().any(|known| known.until <= store.clock.now()) {
                    store.delete_ended().await?;
                }
            }
        }
    }
}

/// Until something known ends, or it is time to ask.
fn next_look(store: &LevelStore, known: &[LevelOverride]) -> Duration {
    let now = store.clock.now();
    let ends = known.iter().map(|known| (known.until - now).to_std().unwrap_or_default());
    ends.min().unwrap_or(POLL_EVERY).clamp(Duration::from_millis(100), POLL_EVERY)
}

fn apply(store: &LevelStore, levels: &Levels, known: &[LevelOverride]) {
    let now = store.clock.now();
    let mut overrides = Overrides::default();
    // A filter of a newer release that this one cannot read is left alone.
    for set in known.iter().filter(|set| set.until > now) {
        match &set.user {
            Some(user) => overrides.users.extend(set.filter.parse().map(|level| (user.clone(), level))),
            None => overrides.everybody = parse_filter(&set.filter).ok(),
        }
    }
    levels.apply(overrides);
}
