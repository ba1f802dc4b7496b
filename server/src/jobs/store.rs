//! The jobs in Postgres, for those who ask for them, look at them and steer them. What a node does to the jobs it
//! works on is in `store/working.rs`.

mod working;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgPool, Result, query, query_as, query_scalar};
use uuid::Uuid;

pub use self::working::{Ended, Leased, WaitingItem};
use super::{ItemRow, JobRow, NewItem, NewJob, Past, model::action_text};
use crate::clock::Clock;

/// The tables `jobs`, `job_items` and `job_secrets`. Cheap to clone.
#[derive(Clone)]
pub struct JobStore {
    db: PgPool,
    clock: Clock,
}

/// What became of a job that was to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    New,
    /// The user has a job of this key already.
    KeyIsUsed,
    /// The user has so many jobs that are not over.
    TooMany,
}

/// Jobs that are not over, of one user. More than any person follows.
pub const MOST_ACTIVE: i64 = 200;
/// A plan nobody started is forgotten after so long.
pub const PLAN_LASTS: TimeDelta = TimeDelta::hours(1);
/// Rows of one statement.
const INSERT_BATCH: usize = 5_000;
/// A database that does not answer is not to keep a request: a list of 20,000 takes it a second.
const LONGEST: Duration = Duration::from_secs(15);

impl JobStore {
    pub fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Writes down a plan: the job and its list.
    pub async fn create_job(&self, job: &NewJob, items: &[NewItem]) -> Result<Created> {
        bounded(self.create_job_unbounded(job, items)).await
    }

    async fn create_job_unbounded(&self, job: &NewJob, items: &[NewItem]) -> Result<Created> {
        let now = self.clock.now();
        let skipped = items.iter().filter(|item| item.skipped.is_some()).count();
        let (total, skipped) = (number_of(items.len()), number_of(skipped));
        let mut transaction = self.db.begin().await?;
        let active = query_scalar!(
            "SELECT COUNT(*) FROM jobs WHERE user_id = $1 AND state IN ('planned', 'running', 'paused')",
            job.user_id,
        );
        if active.fetch_one(&mut *transaction).await?.unwrap_or(0) >= MOST_ACTIVE {
            return Ok(Created::TooMany);
        }
        let insert = query!(
            "INSERT INTO jobs (
                id, user_id, user_name, session, project_id, project_name, idempotency_key, action, detail, state,
                total, waiting, skipped, created_at, finished_at
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            ON CONFLICT (user_id, idempotency_key) DO NOTHING",
            job.id,
            job.user_id,
            job.user_name,
            job.session,
            job.project_id,
            job.project_name,
            job.idempotency_key,
            action_text(job.action),
            job.detail,
            // Nothing that could be done is done.
            if skipped == total { "done" } else { "planned" },
            total,
            total - skipped,
            skipped,
            now,
            (skipped == total).then_some(now),
        );
        if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(Created::KeyIsUsed);
        }
        for (batch, items) in items.chunks(INSERT_BATCH).enumerate() {
            let first = number_of(batch * INSERT_BATCH);
            let numbers: Vec<i32> = (first..).take(items.len()).collect();
            let places: Vec<String> = items.iter().map(|item| item.place.clone()).collect();
            let targets: Vec<Uuid> = items.iter().map(|item| item.target).collect();
            let names: Vec<String> = items.iter().map(|item| item.name.clone()).collect();
            let reasons: Vec<Option<String>> = items.iter().map(|item| item.skipped.clone()).collect();
            let insert = query!(
                "INSERT INTO job_items (job_id, number, place, target, name, result, reason)
                SELECT $1, number, place, target, name, CASE WHEN reason IS NULL THEN 'waiting' ELSE 'skipped' END,
                    reason
                FROM UNNEST($2::integer[], $3::text[], $4::uuid[], $5::text[], $6::text[])
                    AS items (number, place, target, name, reason)",
                job.id,
                &numbers,
                &places,
                &targets,
                &names,
                &reasons as &[Option<String>],
            );
            insert.execute(&mut *transaction).await?;
        }
        if skipped < total {
            let insert = query!(
                "INSERT INTO job_secrets (job_id, payload, payload_is_secret) VALUES ($1, $2, $3)",
                job.id,
                job.sealed_payload,
                job.payload_is_secret,
            );
            insert.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(Created::New)
    }

    /// One of a user's jobs; another user's is as good as none.
    pub async fn find_job(&self, user_id: &str, id: Uuid) -> Result<Option<JobRow>> {
        let find = query_as!(
            JobRow,
            r#"SELECT id, user_id, project_id, project_name, action, detail, state, held_because, total, waiting,
                running, done, failed, skipped, uncertain, created_at, finished_at, version,
                CASE WHEN total = 1 THEN (SELECT name FROM job_items WHERE job_id = id LIMIT 1) END AS "only_name?"
            FROM jobs
            WHERE id = $1 AND user_id = $2"#,
            id,
            user_id,
        );
        bounded(find.fetch_optional(&self.db)).await
    }

    /// The job a user asked for under this key.
    pub async fn find_job_by_key(&self, user_id: &str, key: Uuid) -> Result<Option<JobRow>> {
        let find =
            query_scalar!("SELECT id FROM jobs WHERE user_id = $1 AND idempotency_key = $2", user_id, key,);
        match bounded(find.fetch_optional(&self.db)).await? {
            Some(id) => self.find_job(user_id, id).await,
            None => Ok(None),
        }
    }

    /// A user's jobs, the newest first, at most `limit`; those that are not over come whatever their age.
    pub async fn list_jobs(&self, user_id: &str, limit: i64) -> Result<Vec<JobRow>> {
        let list = query_as!(
            JobRow,
            r#"SELECT id, user_id, project_id, project_name, action, detail, state, held_because, total, waiting,
                running, done, failed, skipped, uncertain, created_at, finished_at, version,
                CASE WHEN total = 1 THEN (SELECT name FROM job_items WHERE job_id = id LIMIT 1) END AS "only_name?"
            FROM jobs
            WHERE user_id = $1
            ORDER BY (state IN ('running', 'paused')) DESC, created_at DESC, id
            LIMIT $2"#,
            user_id,
            limit,
        );
        let mut jobs = bounded(list.fetch_all(&self.db)).await?;
        jobs.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(a.id.cmp(&b.id)));
        Ok(jobs)
    }

    /// A page of a job's items after a number, all or those with one result.
    pub async fn list_items(
        &self,
        job: Uuid,
        result: Option<&str>,
        after: i32,
        limit: i64,
    ) -> Result<Vec<ItemRow>> {
        let list = query_as!(
            ItemRow,
            "SELECT number, place, target, name, result, reason, note, request_id, upstream_request_id
            FROM job_items
            WHERE job_id = $1 AND ($2::text IS NULL OR result = $2) AND number > $3
            ORDER BY number
            LIMIT $4",
            job,
            result,
            after,
            limit,
        );
        bounded(list.fetch_all(&self.db)).await
    }

    /// What was done to one target in the jobs of a project, the newest first, at most `limit`.
    pub async fn list_past(
        &self,
        project_id: &str,
        place: &str,
        target: Uuid,
        limit: i64,
    ) -> Result<Vec<Past>> {
        let list = query_as!(
            Past,
            r#"SELECT jobs.id AS job_id, jobs.action, COALESCE(item.note, jobs.detail) AS detail, jobs.user_id,
                jobs.user_name, item.sent_at AS "at!", item.result, item.reason, item.request_id,
                item.upstream_request_id
            FROM job_items AS item
            JOIN jobs ON jobs.id = item.job_id
            WHERE item.target = $3 AND item.sent_at IS NOT NULL AND jobs.project_id = $1 AND item.place = $2
            ORDER BY item.sent_at DESC, jobs.id
            LIMIT $4"#,
            project_id,
            place,
            target,
            limit,
        );
        bounded(list.fetch_all(&self.db)).await
    }

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

    /// Deletes every job there is: for a database whose cloud is a new one.
    pub async fn delete_all_jobs(&self) -> Result<()> {
        bounded(query!("DELETE FROM jobs").execute(&self.db)).await?;
        Ok(())
    }
}

pub(super) async fn bounded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(LONGEST, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Lists are bounded far below what does not fit.
fn number_of(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
