//! What the database says of itself, for operators: asked now and then, however many look.

use std::time::{Duration, Instant};

use sqlx::{PgPool, query};

use super::Health;

/// Sizes and companions of the database.
#[derive(Clone, Debug)]
pub struct DatabaseFacts {
    pub version: String,
    pub size_bytes: i64,
    pub log_bytes: i64,
    /// Days of the log that have a partition.
    pub log_days: i64,
    /// Servers that take their changes from it.
    pub replicas: i64,
}

/// The last answer, and when it was asked for; a database that did not answer is left alone as long.
pub type KnownFacts = tokio::sync::Mutex<Option<(Instant, Option<DatabaseFacts>)>>;

/// Sizes change slowly.
const GOOD_FOR: Duration = Duration::from_secs(10);

impl Health {
    /// `None` while the database does not answer.
    pub async fn database_facts(&self) -> Option<DatabaseFacts> {
        let shared = &*self.0;
        let now = shared.clock.instant();
        let mut known = shared.facts.lock().await;
        if let Some((asked_at, facts)) = &*known
            && now.duration_since(*asked_at) < GOOD_FOR
        {
            return facts.clone();
        }
        let asked = tokio::time::timeout(shared.config.timeout, ask(shared.store.db())).await;
        let facts = match asked {
            Ok(Ok(facts)) => Some(facts),
            Ok(Err(error)) => {
                tracing::debug!(facility = "health", %error, "the database did not say how large it is");
                None
            }
            Err(_) => None,
        };
        *known = Some((now, facts.clone()));
        facts
    }
}

async fn ask(db: &PgPool) -> sqlx::Result<DatabaseFacts> {
    let row = query!(
        r#"SELECT current_setting('server_version') AS "version!",
            pg_database_size(current_database()) AS "size_bytes!",
            (SELECT COALESCE(SUM(pg_total_relation_size(relid)), 0)::bigint
                FROM pg_partition_tree('log_lines') WHERE isleaf) AS "log_bytes!",
            (SELECT COUNT(*) FROM pg_partition_tree('log_lines')
                WHERE isleaf AND relid <> 'log_lines_default'::regclass
                    -- Some are made ahead.
                    AND relid::regclass::text <= 'log_lines_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')
            ) AS "log_days!",
            (SELECT COUNT(*) FROM pg_stat_replication) AS "replicas!""#,
    )
    .fetch_one(db)
    .await?;
    // Without the name of whoever packaged it.
    let version = row.version.split(' ').next().unwrap_or_default().to_owned();
    Ok(DatabaseFacts {
        version,
        size_bytes: row.size_bytes,
        log_bytes: row.log_bytes,
        log_days: row.log_days,
        replicas: row.replicas,
    })
}
