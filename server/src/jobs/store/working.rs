//! What a node does to the jobs it works on. Every statement names the node, or the id of the call, so that one that
//! lost its lease changes nothing of what another one does.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Result, query, query_as, query_scalar};
use uuid::Uuid;

use super::{JobStore, bounded};
use crate::jobs::{Item, LeasedJob};

/// A job that this node has taken, with its secrets as they lie there.
pub struct Leased {
    pub job: LeasedJob,
    pub sealed_payload: Option<Vec<u8>>,
    pub sealed_permit: Option<Vec<u8>>,
}

/// How a node left a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub state: String,
    pub running: i32,
    pub waiting: i32,
    /// Another one than the node worked on, where the job went on with another permit meanwhile.
    pub run: i32,
}

/// An item that waits, as the node takes it up.
#[derive(Clone, Debug)]
pub struct WaitingItem {
    pub number: i32,
    pub place: String,
    pub target: Uuid,
    pub name: String,
    pub attempts: i32,
}

/// The end of one attempt at an item.
pub struct Ended<'a> {
    pub job: Uuid,
    pub number: i32,
    /// The attempt's, so that nobody's else is ended.
    pub request_id: &'a str,
    pub result: &'a str,
    pub reason: Option<&'a str>,
    pub note: Option<&'a str>,
    pub upstream_request_id: Option<&'a str>,
    /// It goes back in line and was surely not done.
    pub was_not_done: bool,
    /// Nor sent.
    pub was_not_sent: bool,
}

impl JobStore {
    /// Takes jobs that nobody works on, the oldest first, at most `room`.
    pub async fn lease_jobs(&self, node: Uuid, lease: TimeDelta, room: i64) -> Result<Vec<Leased>> {
        let now = self.clock.now();
        let take = query!(
            "WITH taken AS (
                UPDATE jobs
                SET lease_node = $1, lease_until = $3, leased_run = run
                WHERE id IN (
                    SELECT id FROM jobs
                    WHERE (state = 'running' OR running > 0) AND (lease_until IS NULL OR lease_until <= $2)
                    ORDER BY created_at
                    LIMIT $4
                    FOR UPDATE SKIP LOCKED
                )
                RETURNING id, user_id, user_name, session, project_id, total, run
            )
            SELECT taken.*, secret.payload, secret.permit,
                (SELECT request_id FROM job_requests WHERE job_id = taken.id ORDER BY at DESC LIMIT 1) AS request_id
            FROM taken
            JOIN job_secrets AS secret ON secret.job_id = taken.id",
            node,
            now,
            now + lease,
            room,
        )
        .map(|row| Leased {
            job: LeasedJob {
                id: row.id,
                user_id: row.user_id,
                user_name: row.user_name,
                session: row.session,
                project_id: row.project_id,
                request_id: row.request_id,
                is_single: row.total == 1,
                run: row.run,
            },
            sealed_payload: row.payload,
            sealed_permit: row.permit,
        });
        bounded(take.fetch_all(&self.db)).await
    }

    /// Goes on holding a job. False: another node has it.
    pub async fn renew_lease(&self, job: Uuid, node: Uuid, lease: TimeDelta) -> Result<bool> {
        let renew = query!(
            "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND lease_node = $2",
            job,
            node,
            self.clock.now() + lease,
        );
        Ok(bounded(renew.execute(&self.db)).await?.rows_affected() > 0)
    }

    /// Lets go of a job, which is over if nothing is left of it. `None`: another node has it.
    pub async fn leave_job(&self, job: Uuid, node: Uuid) -> Result<Option<Left>> {
        let leave = query_as!(
            Left,
            "UPDATE jobs
            SET state = CASE WHEN state = 'running' AND waiting = 0 AND running = 0 THEN 'done' ELSE state END,
                finished_at = CASE
                    WHEN running = 0 AND (state = 'canceled' OR (state = 'running' AND waiting = 0))
                        THEN COALESCE(finished_at, $3)
                    ELSE finished_at
                END,
                lease_node = NULL, lease_until = NULL, version = version + 1
            WHERE id = $1 AND lease_node = $2
            RETURNING state, running, waiting, run",
            job,
            node,
            self.clock.now(),
        );
        bounded(leave.fetch_optional(&self.db)).await
    }

    /// Pauses a job that cannot go on by itself. False: it goes on with another permit by now, or not at all.
    pub async fn hold_job(&self, job: &LeasedJob, node: Uuid, because: &str) -> Result<bool> {
        let hold = query!(
            "UPDATE jobs SET state = 'paused', held_because = $4, version = version + 1
            WHERE id = $1 AND state = 'running' AND lease_node = $2 AND run = $3",
            job.id,
            node,
            job.run,
            because,
        );
        Ok(bounded(hold.execute(&self.db)).await?.rows_affected() > 0)
    }

    /// Whether the job is still to be done, if not now, and held by this node.
    pub async fn is_wanted(&self, job: Uuid, node: Uuid) -> Result<bool> {
        let is_wanted = query_scalar!(
            r#"SELECT EXISTS (
                SELECT FROM jobs WHERE id = $1 AND state IN ('running', 'paused') AND lease_node = $2
            ) AS "is_wanted!""#,
            job,
            node,
        );
        bounded(is_wanted.fetch_one(&self.db)).await
    }

    /// Where there are items that this node is to do.
    pub async fn list_places(&self, job: &LeasedJob, node: Uuid) -> Result<Vec<String>> {
        let list = query_scalar!(
            "SELECT DISTINCT place FROM job_items
            WHERE job_id = $1 AND result = 'waiting'
                AND EXISTS (
                    SELECT FROM jobs WHERE id = $1 AND state = 'running' AND lease_node = $2 AND run = $3
                )
            ORDER BY place",
            job.id,
            node,
            job.run,
        );
        bounded(list.fetch_all(&self.db)).await
    }

    /// The next items to do in a place.
    pub async fn list_waiting(
        &self,
        job: Uuid,
        place: &str,
        after: i32,
        limit: i64,
    ) -> Result<Vec<WaitingItem>> {
        let list = query_as!(
            WaitingItem,
            "SELECT number, place, target, name, attempts
            FROM job_items
            WHERE job_id = $1 AND result = 'waiting' AND place = $2 AND number > $3
            ORDER BY number
            LIMIT $4",
            job,
            place,
            after,
            limit,
        );
        bounded(list.fetch_all(&self.db)).await
    }

    /// Writes down that an item is begun, for the one node that holds the job while it runs. `None`: it is not to be
    /// done, or not by this node, or not with the permit it has.
    ///
    /// `room`: it waits for no turn, and the items of many that nodes begin in its place make so much room for it, where
    /// there are any.
    pub async fn begin_item(
        &self,
        job: &LeasedJob,
        node: Uuid,
        number: i32,
        request_id: &str,
        over_after: TimeDelta,
        room: Option<Duration>,
    ) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>> {
        let now = self.clock.now();
        let begin = query!(
            // The job's row is locked first: whoever pauses it or takes it over comes before or after, not between.
            "WITH allowed AS (
                UPDATE jobs
                SET waiting = waiting - 1, running = running + 1, version = version + 1
                WHERE id = $1 AND lease_node = $2 AND run = $7 AND state = 'running' AND lease_until > $5
                    AND EXISTS (SELECT FROM job_items WHERE job_id = $1 AND number = $3 AND result = 'waiting')
                RETURNING id
            ), room AS (
                UPDATE job_places
                SET next_at = next_at + make_interval(secs => $8)
                WHERE $8::float8 IS NOT NULL AND next_at > clock_timestamp() AND place = (
                        SELECT place FROM job_items WHERE job_id = (SELECT id FROM allowed) AND number = $3
                    )
            )
            UPDATE job_items
            SET result = 'running', node = $2, request_id = $4, sent_at = $5, over_at = $6,
                attempts = attempts + 1
            WHERE job_id = (SELECT id FROM allowed) AND number = $3 AND result = 'waiting'",
            job.id,
            node,
            number,
            request_id,
            now,
            now + over_after,
            job.run,
            room.map(|room| room.as_secs_f64()),
        );
        let has_begun = bounded(begin.execute(&self.db)).await?.rows_affected() > 0;
        Ok(has_begun.then_some((now, now + over_after)))
    }

    /// Writes down how an attempt ended. Whoever made the call knows best, so this also corrects what another node made
    /// of it meanwhile. False: the attempt is not the item's last one.
    pub async fn end_item(&self, ended: &Ended<'_>) -> Result<bool> {
        bounded(self.end_item_unbounded(ended)).await
    }

    async fn end_item_unbounded(&self, ended: &Ended<'_>) -> Result<bool> {
        let mut transaction = self.db.begin().await?;
        // The job's row first, as everybody does: so two never wait for each other.
        let lock = query_scalar!("SELECT state FROM jobs WHERE id = $1 FOR UPDATE", ended.job);
        let Some(state) = lock.fetch_optional(&mut *transaction).await? else { return Ok(false) };
        let result = match ended.result {
            "waiting" if state == "canceled" && ended.was_not_done => "canceled",
            // It could be asked for again, and is not to be.
            "waiting" if state == "canceled" => "uncertain",
            result => result,
        };
        let end = query!(
            "WITH before AS (
                SELECT number, result FROM job_items
                WHERE job_id = $1 AND number = $2 AND request_id = $3 AND result IN ('running', 'uncertain')
                FOR UPDATE
            ), item AS (
                UPDATE job_items
                SET result = $4, reason = $5, note = $6, upstream_request_id = $7,
                    ended_at = CASE WHEN $4 = 'waiting' THEN NULL ELSE $8::timestamptz END,
                    attempts = attempts - CASE WHEN $9 THEN 1 ELSE 0 END,
                    sent_at = CASE WHEN $9 AND attempts = 1 THEN NULL ELSE sent_at END
                FROM before
                WHERE job_items.job_id = $1 AND job_items.number = before.number
            )
            UPDATE jobs
            SET running = running - (before.result = 'running')::integer,
                uncertain = uncertain - (before.result = 'uncertain')::integer + ($4 = 'uncertain')::integer,
                waiting = waiting + ($4 = 'waiting')::integer,
                canceled = canceled + ($4 = 'canceled')::integer,
                done = done + ($4 = 'done')::integer,
                failed = failed + ($4 = 'failed')::integer,
                version = version + 1
            FROM before
            WHERE jobs.id = $1",
            ended.job,
            ended.number,
            ended.request_id,
            result,
            ended.reason,
            ended.note,
            ended.upstream_request_id,
            self.clock.now(),
            ended.was_not_sent,
        );
        let has_ended = end.execute(&mut *transaction).await?.rows_affected() > 0;
        transaction.commit().await?;
        Ok(has_ended)
    }

    /// Items whose calls were begun, and whose ends nobody wrote down: their node died, or lost its job.
    pub async fn list_left_running(&self, job: Uuid) -> Result<Vec<Item>> {
        let list = query!(
            r#"SELECT number, place, target, name, attempts, request_id AS "request_id!", sent_at AS "sent_at!",
                over_at AS "over_at!"
            FROM job_items
            WHERE job_id = $1 AND result = 'running'
            ORDER BY number"#,
            job,
        )
        .map(|row| Item {
            number: row.number,
            place: row.place,
            target: row.target,
            name: row.name,
            attempts: row.attempts,
            request_id: row.request_id,
            sent_at: row.sent_at,
            over_at: row.over_at,
        });
        bounded(list.fetch_all(&self.db)).await
    }

    /// Items being done in all jobs, for the measurements.
    pub async fn count_to_do(&self) -> Result<i64> {
        let count = query_scalar!(
            r#"SELECT COALESCE(SUM(waiting + running), 0) AS "count!" FROM jobs WHERE state = 'running' OR running > 0"#
        );
        bounded(count.fetch_one(&self.db)).await
    }
}
