//! The table of nodes: what each says of itself, and what the others read of it. Every query has its function here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Result, query, query_as};
use uuid::Uuid;

use crate::config::NodeConfig;

/// The tables `nodes` and `releases`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct NodeStore {
    db: PgPool,
    /// Longest wait for a query.
    timeout: Duration,
}

/// A node, as the others know it.
#[derive(Clone, Debug)]
pub struct NodeRow {
    pub id: Uuid,
    pub name: String,
    pub region: Option<String>,
    pub zone: Option<String>,
    pub environment: Option<String>,
    pub release: String,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    /// How long ago that was, by the database's clock.
    pub silent_for: Duration,
    pub is_draining: bool,
    pub sees: Sees,
}

/// What a node sees. Written as JSON: a field that another release does not know is left out there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sees {
    #[serde(default)]
    pub needs: Vec<SeenNeed>,
    /// Circuits that are not closed.
    #[serde(default)]
    pub circuits: Vec<SeenCircuit>,
    #[serde(default)]
    pub hops: Vec<SeenHop>,
    /// Why it is out of service, in words that traffic managers are told; empty when it is in.
    #[serde(default)]
    pub lacks: Vec<String>,
}

/// Whether a node can use one of the things it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenNeed {
    pub need: String,
    /// It could with the last check, and is not known to lack it.
    pub is_good: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCircuit {
    pub service: String,
    /// `None` for the identity service, which all regions share.
    pub region: Option<String>,
    pub circuit: String,
}

/// What a node sees of another one's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenHop {
    pub url: String,
    pub is_good: bool,
    /// Seconds since 1970.
    pub since: i64,
    pub took_ms: Option<u32>,
    /// Why it does not answer, as a code.
    pub error: Option<String>,
}

/// What the database says of itself with every heartbeat.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    /// A node in recovery would not have taken the heartbeat; still, this is what the server says.
    pub is_replica: bool,
}

/// Nodes that are read. Far more than anybody runs, and a bound nevertheless.
const MOST_NODES: i64 = 500;
/// A node not heard of for so long is forgotten.
const KEEP_SECS: f64 = 86_400.0;

impl NodeStore {
    pub fn new(db: PgPool, timeout: Duration) -> Self {
        Self { db, timeout }
    }

    pub fn db(&self) -> &PgPool {
        &self.db
    }

    /// Writes this node's row. That it can be written is the check of the database: one that only reads would let
    /// nobody sign in.
    pub async fn beat(
        &self,
        id: Uuid,
        node: &NodeConfig,
        started_at: DateTime<Utc>,
        is_draining: bool,
        sees: &Sees,
    ) -> Result<Beat> {
        let sees = serde_json::to_string(sees).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let beat = query!(
            r#"INSERT INTO nodes (
                id, name, region, zone, environment, release, started_at, seen_at, is_draining, sees
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), $8, $9::text::jsonb)
            ON CONFLICT (id) DO UPDATE
            SET seen_at = clock_timestamp(), is_draining = EXCLUDED.is_draining, sees = EXCLUDED.sees
            RETURNING pg_is_in_recovery() AS "is_replica!""#,
            id,
            node.name,
            node.region,
            node.zone,
            node.environment,
            crate::RELEASE,
            started_at,
            is_draining,
            sees,
        );
        let row = self.bounded(beat.fetch_one(&self.db)).await?;
        Ok(Beat { is_replica: row.is_replica })
    }

    /// Notes that this release runs, the first time it does.
    pub async fn note_release(&self) -> Result<()> {
        let note = query!(
            "INSERT INTO releases (release, first_seen_at) VALUES ($1, clock_timestamp())
            ON CONFLICT (release) DO NOTHING",
            crate::RELEASE,
        );
        self.bounded(note.execute(&self.db)).await?;
        Ok(())
    }

    /// The releases that were first seen since then, the oldest first: the latest hundred.
    pub async fn list_releases(&self, since: DateTime<Utc>) -> Result<Vec<(String, DateTime<Utc>)>> {
        let list = query!(
            "SELECT release, first_seen_at
            FROM releases
            WHERE first_seen_at >= $1
            ORDER BY first_seen_at DESC
            LIMIT 100",
            since,
        );
        let rows = self.bounded(list.fetch_all(&self.db)).await?;
        Ok(rows.into_iter().rev().map(|row| (row.release, row.first_seen_at)).collect())
    }

    /// All nodes that were heard of within a day, by name.
    pub async fn list(&self) -> Result<Vec<NodeRow>> {
        let list = query_as!(
            ListedRow,
            r#"SELECT id, name, region, zone, environment, release, started_at, seen_at, is_draining,
                GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - seen_at))::float8 AS "silent_secs!",
                sees::text AS "sees!"
            FROM nodes
            ORDER BY name, started_at, id
            LIMIT $1"#,
            MOST_NODES,
        );
        let rows = self.bounded(list.fetch_all(&self.db)).await?;
        Ok(rows.into_iter().map(NodeRow::from).collect())
    }

    /// Takes this node's row away: it stops, and is no node that vanished.
    pub async fn leave(&self, id: Uuid) -> Result<()> {
        self.bounded(query!("DELETE FROM nodes WHERE id = $1", id).execute(&self.db)).await?;
        Ok(())
    }

    /// Forgets nodes that vanished long ago.
    pub async fn prune(&self) -> Result<u64> {
        let prune = query!(
            "DELETE FROM nodes WHERE seen_at < clock_timestamp() - make_interval(secs => $1)",
            KEEP_SECS,
        );
        Ok(self.bounded(prune.execute(&self.db)).await?.rows_affected())
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

struct ListedRow {
    id: Uuid,
    name: String,
    region: Option<String>,
    zone: Option<String>,
    environment: Option<String>,
    release: String,
    started_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    is_draining: bool,
    silent_secs: f64,
    sees: String,
}

impl From<ListedRow> for NodeRow {
    fn from(row: ListedRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            region: row.region,
            zone: row.zone,
            environment: row.environment,
            release: row.release,
            started_at: row.started_at,
            seen_at: row.seen_at,
            silent_for: Duration::try_from_secs_f64(row.silent_secs).unwrap_or_default(),
            is_draining: row.is_draining,
            // Of another release, and of another shape than ours: it says nothing that we understand.
            sees: serde_json::from_str(&row.sees).unwrap_or_default(),
        }
    }
}
