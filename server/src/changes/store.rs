//! The table `server_changes`.

use std::time::Duration;

use api_types::{ProjectId, Region, ServerId};
use chrono::{DateTime, Utc};
use sqlx::{PgPool, Result, query, query_as};
use uuid::Uuid;

use super::Change;

pub struct ChangeStore {
    db: PgPool,
    /// Longest wait for a query.
    timeout: Duration,
}

/// A change as it is kept.
#[derive(Clone, Debug)]
pub struct PastChange {
    pub request_id: String,
    pub at: DateTime<Utc>,
    pub action: String,
    pub detail: Option<String>,
    pub user_id: String,
    pub user_name: String,
    /// Of the cloud's answer.
    pub status: i16,
    pub upstream_request_id: Option<String>,
}

impl ChangeStore {
    pub fn new(db: PgPool, timeout: Duration) -> Self {
        Self { db, timeout }
    }

    /// Writes changes; those that are there stay as they are.
    pub async fn insert_changes(&self, changes: &[Change]) -> Result<()> {
        fn each<T>(changes: &[Change], of: impl Fn(&Change) -> T) -> Vec<T> {
            changes.iter().map(of).collect()
        }
        let insert = query!(
            "INSERT INTO server_changes (
                request_id, at, project_id, region, server_id, action, detail, user_id, user_name, status,
                upstream_request_id
            )
            SELECT * FROM UNNEST(
                $1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::smallint[], $11::text[]
            )
            ON CONFLICT (request_id) DO NOTHING",
            &each(changes, |change| change.request_id.to_string()),
            &each(changes, |change| change.at),
            &each(changes, |change| change.project.to_string()),
            &each(changes, |change| change.region.to_string()),
            &each(changes, |change| Uuid::from_bytes(change.server.0)),
            &each(changes, |change| change.action.to_owned()),
            &each(changes, |change| change.detail.clone()) as &[Option<String>],
            &each(changes, |change| change.user_id.clone()),
            &each(changes, |change| change.user_name.clone()),
            // Below 1000.
            &each(changes, |change| change.status.as_u16() as i16),
            &each(changes, |change| change.upstream_request_id.clone()) as &[Option<String>],
        );
        self.bounded(insert.execute(&self.db)).await?;
        Ok(())
    }

    pub async fn list_changes(
        &self,
        project: &ProjectId,
        region: &Region,
        server: ServerId,
        limit: i64,
    ) -> Result<Vec<PastChange>> {
        let list = query_as!(
            PastChange,
            "SELECT request_id, at, action, detail, user_id, user_name, status, upstream_request_id
            FROM server_changes
            WHERE server_id = $3 AND project_id = $1 AND region = $2
            ORDER BY at DESC, request_id
            LIMIT $4",
            project.as_str(),
            region.as_str(),
            Uuid::from_bytes(server.0),
            limit,
        );
        self.bounded(list.fetch_all(&self.db)).await
    }

    /// Deletes some of what was asked for before a time, at most `limit`. Returns how many.
    pub async fn delete_changes_before(&self, before: DateTime<Utc>, limit: i64) -> Result<u64> {
        let delete = query!(
            "DELETE FROM server_changes
            WHERE request_id = ANY (
                    ARRAY(
                        SELECT request_id FROM server_changes
                        WHERE at < $1
                        ORDER BY at
                        LIMIT $2
                        FOR UPDATE SKIP LOCKED
                    )
                )",
            before,
            limit,
        );
        Ok(self.bounded(delete.execute(&self.db)).await?.rows_affected())
    }

    /// A database that does not answer is not waited for.
    async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}
