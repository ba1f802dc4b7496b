//! What their owner does to a job: starts, pauses, cancels and repeats it.

use sqlx::{PgConnection, Result, query, query_scalar};
use uuid::Uuid;

use super::{JobStore, bounded};

/// One search of the log looks for so many requests.
const MOST_REQUESTS: i64 = 500;

/// What became of a permit that was meant for a job.
#[derive(Debug, PartialEq, Eq)]
pub enum Permit {
    /// The job has it. What it had before is to be ended, where no node ever worked with it: the cloud may still need
    /// one that was used.
    Kept { replaced: Option<Vec<u8>> },
    /// The job has no use for it.
    NotKept,
}

/// What became of the wish to repeat what failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Repeated {
    InLine(Permit),
    NothingFailed,
    /// What there was to do had a password in it, and was erased.
    Erased,
    Paused,
    /// It was not started, or there is none.
    NotStarted,
}

impl JobStore {
    /// Begins a plan or goes on with a paused job, with a permit. Not kept: it is in another state by now.
    pub async fn start_job(
        &self,
        user_id: &str,
        id: Uuid,
        from: &str,
        sealed_permit: &[u8],
        request_id: &str,
    ) -> Result<Permit> {
        bounded(async {
            let mut transaction = self.db.begin().await?;
            let start = query!(
                "UPDATE jobs
                SET state = 'running', held_because = NULL, version = version + 1
                WHERE id = $1 AND user_id = $2 AND state = $3",
                id,
                user_id,
                from,
            );
            if start.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Ok(Permit::NotKept);
            }
            let replaced = self.put_permit(&mut transaction, id, sealed_permit).await?;
            self.note_request(&mut transaction, id, request_id).await?;
            transaction.commit().await?;
            Ok(Permit::Kept { replaced })
        })
        .await
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

    /// Cancels a job that is not over, and with it all it did not begin. False: it is over.
    pub async fn cancel_job(&self, user_id: &str, id: Uuid) -> Result<bool> {
        bounded(async {
            let mut transaction = self.db.begin().await?;
            let cancel = query!(
                "UPDATE jobs
                SET state = 'canceled', held_because = NULL, version = version + 1,
                    finished_at = CASE WHEN running = 0 THEN $3::timestamptz END
                WHERE id = $1 AND user_id = $2 AND state IN ('planned', 'running', 'paused')",
                id,
                user_id,
                self.clock.now(),
            );
            if cancel.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Ok(false);
            }
            self.cancel_waiting(&mut transaction, id).await?;
            transaction.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Puts what failed back in line, and what is uncertain where said, and goes on with a job that is not paused. What
    /// was canceled stays so. The permit is kept unless the job runs: then it has one.
    pub async fn retry_items(
        &self,
        user_id: &str,
        id: Uuid,
        uncertain_too: bool,
        sealed_permit: &[u8],
        request_id: &str,
    ) -> Result<Repeated> {
        bounded(self.retry_items_unbounded(user_id, id, uncertain_too, sealed_permit, request_id)).await
    }

    async fn retry_items_unbounded(
        &self,
        user_id: &str,
        id: Uuid,
        uncertain_too: bool,
        sealed_permit: &[u8],
        request_id: &str,
    ) -> Result<Repeated> {
        let mut transaction = self.db.begin().await?;
        let lock = query!(
            "SELECT state, failed, uncertain FROM jobs WHERE id = $1 AND user_id = $2 FOR UPDATE",
            id,
            user_id,
        );
        let job = match lock.fetch_optional(&mut *transaction).await? {
            None => return Ok(Repeated::NotStarted),
            Some(job) if job.state == "planned" => return Ok(Repeated::NotStarted),
            Some(job) if job.state == "paused" => return Ok(Repeated::Paused),
            Some(job) if job.failed == 0 && !(uncertain_too && job.uncertain > 0) => {
                return Ok(Repeated::NothingFailed);
            }
            Some(job) => job,
        };
        // Asked once the row is held: it is erased under the same lock.
        let can_be_done = query_scalar!(
            r#"SELECT EXISTS (SELECT FROM job_secrets WHERE job_id = $1 AND payload IS NOT NULL) AS "exists!""#,
            id,
        );
        if !can_be_done.fetch_one(&mut *transaction).await? {
            return Ok(Repeated::Erased);
        }
        // A node of the release before this one may have left some.
        if job.state == "canceled" {
            self.cancel_waiting(&mut transaction, id).await?;
        }
        let put_back = query!(
            r#"WITH changed AS (
                UPDATE job_items
                SET result = 'waiting', reason = NULL, note = NULL, ended_at = NULL, upstream_request_id = NULL
                FROM job_items AS before
                WHERE job_items.job_id = $1 AND before.job_id = $1 AND job_items.number = before.number
                    AND (before.result = 'failed' OR ($2 AND before.result = 'uncertain'))
                RETURNING before.result
            )
            SELECT COUNT(*) FILTER (WHERE result = 'failed') AS "failed!",
                COUNT(*) FILTER (WHERE result = 'uncertain') AS "uncertain!"
            FROM changed"#,
            id,
            uncertain_too,
        );
        let put_back = put_back.fetch_one(&mut *transaction).await?;
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
        let permit = if job.state == "running" {
            Permit::NotKept
        } else {
            Permit::Kept { replaced: self.put_permit(&mut transaction, id, sealed_permit).await? }
        };
        self.note_request(&mut transaction, id, request_id).await?;
        transaction.commit().await?;
        Ok(Repeated::InLine(permit))
    }

    /// Gives a job a permit, which begins a new run of it. The one it had, unless a node has worked with it.
    async fn put_permit(
        &self,
        transaction: &mut PgConnection,
        id: Uuid,
        sealed_permit: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let number = query!(
            r#"UPDATE jobs
            SET run = run + 1
            WHERE id = $1
            RETURNING leased_run = run - 1 AS "was_used?""#,
            id,
        );
        let was_used = number.fetch_one(&mut *transaction).await?.was_used == Some(true);
        let put = query!(
            r#"UPDATE job_secrets
            SET permit = $2
            FROM job_secrets AS before
            WHERE job_secrets.job_id = $1 AND before.job_id = $1
            RETURNING before.permit AS "replaced?""#,
            id,
            sealed_permit,
        );
        let replaced = put.fetch_optional(transaction).await?.and_then(|row| row.replaced);
        Ok(replaced.filter(|_| !was_used))
    }

    /// What the job does from now on belongs to this request.
    async fn note_request(&self, transaction: &mut PgConnection, id: Uuid, request_id: &str) -> Result<()> {
        let note = query!(
            "INSERT INTO job_requests (job_id, request_id, at) VALUES ($1, $2, $3)
            ON CONFLICT (job_id, request_id) DO UPDATE SET at = EXCLUDED.at",
            id,
            request_id,
            self.clock.now(),
        );
        note.execute(transaction).await.map(drop)
    }

    /// The ids that belong to this one; as many as one search of the log can look for. Of a request that set jobs going,
    /// those of all they asked of the cloud; of one that a job made, by our id or the cloud's, those that set it going.
    pub async fn list_requests_of(&self, request_id: &str) -> Result<Vec<String>> {
        let list = query_scalar!(
            r#"WITH item AS (
                SELECT job_id, request_id FROM job_items WHERE request_id = $1
                UNION
                SELECT job_id, request_id FROM job_items WHERE upstream_request_id = $1
            )
            (
                SELECT request_id AS "request_id!" FROM item WHERE request_id IS NOT NULL
                UNION
                SELECT set_going.request_id FROM item JOIN job_requests AS set_going USING (job_id)
            )
            UNION ALL
            (
                SELECT item.request_id
                FROM job_requests AS set_going
                JOIN job_items AS item ON item.job_id = set_going.job_id
                WHERE set_going.request_id = $1 AND item.request_id IS NOT NULL
                ORDER BY item.job_id, item.number
            )
            LIMIT $2"#,
            request_id,
            MOST_REQUESTS,
        );
        bounded(list.fetch_all(&self.db)).await
    }

    /// Ends the items that wait, in a job that is canceled and whose row is held.
    async fn cancel_waiting(&self, transaction: &mut PgConnection, id: Uuid) -> Result<()> {
        let items = query!(
            "UPDATE job_items SET result = 'canceled', ended_at = $2 WHERE job_id = $1 AND result = 'waiting'",
            id,
            self.clock.now(),
        );
        items.execute(&mut *transaction).await?;
        let counts = query!("UPDATE jobs SET canceled = canceled + waiting, waiting = 0 WHERE id = $1", id);
        counts.execute(transaction).await?;
        Ok(())
    }
}
