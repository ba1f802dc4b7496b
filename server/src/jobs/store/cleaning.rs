//! What becomes of jobs that are over: their secrets are erased, and later they are deleted.

use chrono::{DateTime, Utc};
use sqlx::{Result, query, query_scalar};
use uuid::Uuid;

use super::{JobStore, PLAN_LASTS, bounded};

impl JobStore {
    /// Takes back the permit of a job that needs none now, and erases what nobody may find once it is over.
    pub async fn take_sealed_permit(&self, id: Uuid) -> Result<Option<Vec<u8>>> {
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

    /// Ends what nobody was left to end, at most `limit` of each kind: jobs that are paused or over and still held by a
    /// node that died before it let go, and canceled ones whose last call was ended by a node that held them no more.
    pub async fn end_left_jobs(&self, limit: i64) -> Result<()> {
        let end = query!(
            "UPDATE jobs
            SET lease_node = NULL, lease_until = NULL, version = version + 1,
                finished_at = CASE WHEN state = 'canceled' THEN COALESCE(finished_at, $1) ELSE finished_at END
            WHERE id = ANY (
                    ARRAY(
                        SELECT id FROM jobs
                        WHERE lease_node IS NOT NULL AND lease_until <= $1 AND state <> 'running' AND running = 0
                        LIMIT $2
                        FOR UPDATE SKIP LOCKED
                    ) || ARRAY(
                        SELECT id FROM jobs
                        WHERE state = 'canceled' AND finished_at IS NULL AND running = 0 AND lease_node IS NULL
                        LIMIT $2
                        FOR UPDATE SKIP LOCKED
                    )
                )",
            self.clock.now(),
            limit,
        );
        bounded(end.execute(&self.db)).await?;
        Ok(())
    }

    /// Jobs whose permit or password nobody was left to erase, at most `limit`.
    pub async fn list_left_permits(&self, limit: i64) -> Result<Vec<Uuid>> {
        let list = query_scalar!(
            "SELECT jobs.id FROM job_secrets AS secret
            JOIN jobs ON jobs.id = secret.job_id
            WHERE (secret.permit IS NOT NULL OR (secret.payload_is_secret AND secret.payload IS NOT NULL))
                AND jobs.state <> 'running' AND jobs.running = 0
                AND (jobs.lease_node IS NULL OR jobs.lease_until <= $1)
                AND (secret.permit IS NOT NULL OR jobs.state IN ('done', 'canceled'))
            LIMIT $2",
            self.clock.now(),
            limit,
        );
        bounded(list.fetch_all(&self.db)).await
    }

    /// Deletes some plans nobody started and some jobs that ended before a time, at most `limit` of each kind. Returns
    /// how many.
    pub async fn delete_old_jobs(&self, ended_before: DateTime<Utc>, limit: i64) -> Result<u64> {
        let delete = query!(
            "DELETE FROM jobs
            WHERE id = ANY (
                    ARRAY(
                        SELECT id FROM jobs
                        WHERE state = 'planned' AND created_at <= $1
                        LIMIT $3
                        FOR UPDATE SKIP LOCKED
                    ) || ARRAY(
                        SELECT id FROM jobs
                        WHERE finished_at <= $2
                        LIMIT $3
                        FOR UPDATE SKIP LOCKED
                    ) || ARRAY(
                        SELECT id FROM jobs
                        WHERE state = 'paused' AND running = 0 AND created_at <= $2
                        LIMIT $3
                        FOR UPDATE SKIP LOCKED
                    )
                )",
            self.clock.now() - PLAN_LASTS,
            ended_before,
            limit,
        );
        Ok(bounded(delete.execute(&self.db)).await?.rows_affected())
    }
}
