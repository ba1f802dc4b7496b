//! The jobs in Postgres, for those who ask for them and look at them. How they are steered is in `store/steering.rs`,
//! what a node does to those it works on in `store/working.rs`, how nodes share a region's time in `store/places.rs`, and
//! what becomes of those that are over in `store/cleaning.rs`.

mod cleaning;
mod people;
mod places;
mod steering;
mod working;

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{PgPool, Result, query, query_as, query_scalar};
use uuid::Uuid;

pub use self::{
    steering::{Permit, Repeated},
    working::{Ended, Leased, WaitingItem},
};
use super::{ItemRow, JobRow, NewItem, NewJob, Past, model::action_text};
use crate::clock::Clock;

/// The tables `jobs`, `job_items`, `job_secrets` and `job_places`. Cheap to clone.
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
                id, user_id, user_name, session, project_id, project_name, idempotency_key, request, action, detail,
                state, total, waiting, skipped, created_at, finished_at
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            ON CONFLICT (user_id, idempotency_key) DO NOTHING",
            job.id,
            job.user_id,
            job.user_name,
            job.session,
            job.project_id,
            job.project_name,
            job.idempotency_key,
            job.request,
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
                running, done, failed, skipped, uncertain, canceled, created_at, finished_at, version,
                CASE WHEN total = 1 THEN (SELECT name FROM job_items WHERE job_id = id LIMIT 1) END AS "only_name?"
            FROM jobs
            WHERE id = $1 AND user_id = $2"#,
            id,
            user_id,
        );
        bounded(find.fetch_optional(&self.db)).await
    }

    /// The job a user asked for under this key, and what was asked for, signed; `None` instead of that where an
    /// earlier release wrote the job down.
    pub async fn find_job_by_key(
        &self,
        user_id: &str,
        key: Uuid,
    ) -> Result<Option<(JobRow, Option<String>)>> {
        let find =
            query!("SELECT id, request FROM jobs WHERE user_id = $1 AND idempotency_key = $2", user_id, key,);
        let Some(found) = bounded(find.fetch_optional(&self.db)).await? else { return Ok(None) };
        Ok(self.find_job(user_id, found.id).await?.map(|row| (row, found.request)))
    }

    /// A user's jobs, the newest first: the newest `limit` of all, and those that are not over whatever their age.
    pub async fn list_jobs(&self, user_id: &str, limit: i64) -> Result<Vec<JobRow>> {
        let list = query_as!(
            JobRow,
            r#"SELECT id, user_id, project_id, project_name, action, detail, state, held_because, total, waiting,
                running, done, failed, skipped, uncertain, canceled, created_at, finished_at, version,
                CASE WHEN total = 1 THEN (SELECT name FROM job_items WHERE job_id = id LIMIT 1) END AS "only_name?"
            FROM jobs
            WHERE id = ANY (
                    ARRAY(SELECT id FROM jobs WHERE user_id = $1 AND state IN ('planned', 'running', 'paused'))
                    || ARRAY(SELECT id FROM jobs WHERE user_id = $1 ORDER BY created_at DESC, id LIMIT $2)
                )
            ORDER BY created_at DESC, id"#,
            user_id,
            limit,
        );
        bounded(list.fetch_all(&self.db)).await
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
