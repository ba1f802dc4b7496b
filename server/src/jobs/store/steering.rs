//! What their owner does to a job: starts, pauses, cancels and repeats it.

use sqlx::{Result, query};
use uuid::Uuid;

use super::{JobStore, bounded};

impl JobStore {
    /// Begins a plan or goes on with a paused job, with a permit. False: it is in another state by now.
    pub async fn start_job(&self, user_id: &str, id: Uuid, from: &str, sealed_permit: &[u8]) -> Result<bool> {
        let start = query!(
            "WITH started AS (
                UPDATE jobs
                SET state = 'running', held_because = NULL, version = version + 1
                WHERE id = $1 AND user_id = $2 AND state = $3
                RETURNING id
            )
            UPDATE job_secrets SET permit = $4 WHERE job_id = (SELECT id FROM started)",
            id,
            user_id,
            from,
            sealed_permit,
        );
        Ok(bounded(start.execute(&self.db)).await?.rows_affected() > 0)
    }

    /// Pauses a running job. False: it is in another state by now.
    pub async fn pause_job(&self, user_id: &str, id: Uuid) -> Result<bool> {
        let pause = query!(
            "UPDATE jobs
            SET state = 'paused', held_because = NULL, version = version + 1
            WHERE id = $1 AND user_id = $2 AND state = 'running'",
            id,
            user_id,
        );
        Ok(bounded(pause.execute(&self.db)).await?.rows_affected() > 0)
    }

    /// Cancels a job that is not over. False: it is.
    pub async fn cancel_job(&self, user_id: &str, id: Uuid) -> Result<bool> {
        let cancel = query!(
            "UPDATE jobs
            SET state = 'canceled', held_because = NULL, version = version + 1,
                finished_at = CASE WHEN running = 0 THEN $3::timestamptz END
            WHERE id = $1 AND user_id = $2 AND state IN ('planned', 'running', 'paused')",
            id,
            user_id,
            self.clock.now(),
        );
        Ok(bounded(cancel.execute(&self.db)).await?.rows_affected() > 0)
    }

    /// Puts what failed back in line, and what is uncertain where said, and goes on with the job. `None`: it is in
    /// another state by now, or what it was to do was erased; else how many there were.
    pub async fn retry_items(
        &self,
        user_id: &str,
        id: Uuid,
        uncertain_too: bool,
        sealed_permit: &[u8],
    ) -> Result<Option<u64>> {
        bounded(self.retry_items_unbounded(user_id, id, uncertain_too, sealed_permit)).await
    }

    async fn retry_items_unbounded(
        &self,
        user_id: &str,
        id: Uuid,
        uncertain_too: bool,
        sealed_permit: &[u8],
    ) -> Result<Option<u64>> {
        let mut transaction = self.db.begin().await?;
        let lock = query!(
            "SELECT state FROM jobs
            WHERE id = $1 AND user_id = $2 AND state <> 'planned'
                AND EXISTS (SELECT FROM job_secrets WHERE job_id = id AND payload IS NOT NULL)
            FOR UPDATE",
            id,
            user_id,
        );
        let Some(job) = lock.fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let put_back = query!(
            r#"WITH again AS (
                SELECT number, result FROM job_items
                WHERE job_id = $1 AND (result = 'failed' OR ($2 AND result = 'uncertain'))
                FOR UPDATE
            ), changed AS (
                UPDATE job_items
                SET result = 'waiting', reason = NULL, note = NULL, ended_at = NULL, upstream_request_id = NULL
                FROM again
                WHERE job_items.job_id = $1 AND job_items.number = again.number
                RETURNING again.result
            )
            SELECT COUNT(*) FILTER (WHERE result = 'failed') AS "failed!",
                COUNT(*) FILTER (WHERE result = 'uncertain') AS "uncertain!"
            FROM changed"#,
            id,
            uncertain_too,
        );
        let put_back = put_back.fetch_one(&mut *transaction).await?;
        if put_back.failed + put_back.uncertain == 0 {
            return Ok(Some(0));
        }
        let go_on = query!(
            "UPDATE jobs
            SET state = 'running', held_because = NULL, finished_at = NULL, version = version + 1,
                waiting = waiting + $2::bigint::integer + $3::bigint::integer,
                failed = failed - $2::bigint::integer, uncertain = uncertain - $3::bigint::integer
            WHERE id = $1",
            id,
            put_back.failed,
            put_back.uncertain,
        );
        go_on.execute(&mut *transaction).await?;
        // One that runs has a permit in use.
        if job.state != "running" {
            let permit = query!("UPDATE job_secrets SET permit = $2 WHERE job_id = $1", id, sealed_permit);
            permit.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(Some((put_back.failed + put_back.uncertain).unsigned_abs()))
    }
}
