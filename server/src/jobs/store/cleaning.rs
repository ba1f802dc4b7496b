//! What becomes of jobs that are over: their secrets are erased, and later they are deleted.

use chrono::{DateTime, Utc};
use sqlx::{Result, query, query_scalar};
use uuid::Uuid;

use super::{JobStore, PLAN_LASTS, bounded};

impl JobStore {
    /// Takes back the permit of a job that needs none now, and erases what nobody may find once it is over.
    pub async fn take_permit(&self, id: Uuid) -> Result<Option<Vec<u8>>> {
        let take = query_scalar!(
            r#"WITH held AS (
                SELECT secret.job_id, secret.permit, jobs.state
                FROM job_secrets AS secret
                JOIN jobs ON jobs.id = secret.job_id
                WHERE secret.job_id = $1 AND jobs.state <> 'running' AND jobs.running = 0
                FOR UPDATE
            )
            UPDATE job_secrets
            SET permit = NULL,
                payload = CASE
                    WHEN job_secrets.payload_is_secret AND held.state IN ('done', 'canceled') THEN NULL
                    ELSE job_secrets.payload
                END
            FROM held
            WHERE job_secrets.job_id = held.job_id
            RETURNING held.permit AS "permit?""#,
            id,
        );
        Ok(bounded(take.fetch_optional(&self.db)).await?.flatten())
    }

    /// Jobs whose permit was left behind by a node that died between the end and the erasing, at most `limit`.
    pub async fn list_left_permits(&self, limit: i64) -> Result<Vec<Uuid>> {
        let list = query_scalar!(
            "SELECT jobs.id FROM jobs
            JOIN job_secrets AS secret ON secret.job_id = jobs.id
            WHERE jobs.state <> 'running' AND jobs.running = 0 AND jobs.lease_node IS NULL
                AND (secret.permit IS NOT NULL
                    OR (secret.payload_is_secret AND secret.payload IS NOT NULL
                        AND jobs.state IN ('done', 'canceled')))
            LIMIT $1",
            limit,
        );
        bounded(list.fetch_all(&self.db)).await
    }

    /// Deletes some plans nobody started and some jobs that ended before a time, at most `limit`. Returns how many.
    pub async fn delete_old_jobs(&self, ended_before: DateTime<Utc>, limit: i64) -> Result<u64> {
        let delete = query!(
            "DELETE FROM jobs
            WHERE id IN (
                SELECT id FROM jobs
                WHERE (state = 'planned' AND created_at <= $1) OR finished_at <= $2
                    OR (state = 'paused' AND running = 0 AND created_at <= $2)
                LIMIT $3
                FOR UPDATE SKIP LOCKED
            )",
            self.clock.now() - PLAN_LASTS,
            ended_before,
            limit,
        );
        Ok(bounded(delete.execute(&self.db)).await?.rows_affected())
    }
}
