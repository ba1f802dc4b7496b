//! Looking at a customer's project: while it lasts, the operator's session changes nothing there.
//!
//! It belongs to the session, as a row of `support_views` and in every node's memory with it, so that no request has to
//! ask for it and none gets past it. What it refuses stands in `middleware/read_only.rs`.

use api_types::ProjectId;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Result, query};
use uuid::Uuid;

use super::{Session, SessionId, SessionStore};

/// What a session looks at. It is over at `until`, whatever else happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportView {
    pub id: Uuid,
    pub project: ProjectId,
    pub project_name: String,
    pub customer: Option<String>,
    pub reason: String,
    pub until: DateTime<Utc>,
}

/// A row of `support_views`.
#[derive(Clone, Debug)]
pub struct SupportViewRow {
    pub id: Uuid,
    pub operator: String,
    pub project: String,
    pub project_name: String,
    pub customer: Option<String>,
    pub reason: String,
    pub started_at: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// A view that begins.
pub struct NewSupportView<'a> {
    pub project: &'a ProjectId,
    pub project_name: &'a str,
    pub customer: Option<&'a str>,
    pub reason: &'a str,
}

/// How long one lasts at most.
pub const LASTS: TimeDelta = TimeDelta::minutes(30);
/// How long rows are kept.
pub const KEPT: TimeDelta = TimeDelta::days(400);

impl SupportView {
    /// From the columns of a row that may not be there.
    pub(super) fn read(
        id: Option<Uuid>,
        project: Option<String>,
        project_name: Option<String>,
        customer: Option<String>,
        reason: Option<String>,
        until: Option<DateTime<Utc>>,
    ) -> Option<Self> {
        Some(Self {
            id: id?,
            project: project?.parse().ok()?,
            project_name: project_name?,
            customer,
            reason: reason?,
            until: until?,
        })
    }

    /// Whether it is about this project. Some Keystones tell no capital letters from small ones.
    pub fn is_of(&self, project: &str) -> bool {
        self.project.as_str().eq_ignore_ascii_case(project)
    }
}

impl SessionStore {
    /// Begins a view, and ends the one the session had.
    pub async fn open_support_view(
        &self,
        session: &Session,
        new: &NewSupportView<'_>,
        now: DateTime<Utc>,
    ) -> Result<SupportViewRow> {
        let row = SupportViewRow {
            id: Uuid::new_v4(),
            operator: session.user.name.clone(),
            project: new.project.to_string(),
            project_name: new.project_name.to_owned(),
            customer: new.customer.map(str::to_owned),
            reason: new.reason.to_owned(),
            started_at: now,
            until: (now + LASTS).min(session.expires_at),
            ended_at: None,
        };
        let work = async {
            let mut transaction = self.pool().begin().await?;
            query!(
                "UPDATE support_views SET ended_at = LEAST($2, until) WHERE session_id = $1 AND ended_at IS NULL",
                session.id.0,
                now,
            )
            .execute(&mut *transaction)
            .await?;
            query!(
                "INSERT INTO support_views (
                    id, session_id, operator_id, operator_name, project_id, project_name, customer, reason,
                    started_at, until
                ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                row.id,
                session.id.0,
                session.user.id,
                row.operator,
                row.project,
                row.project_name,
                row.customer,
                row.reason,
                row.started_at,
                row.until,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await
        };
        self.bounded(work).await?;
        Ok(row)
    }

    /// Ends the view of a session. `false`: it has none.
    pub async fn end_support_view(&self, session: SessionId, now: DateTime<Utc>) -> Result<bool> {
        let end = query!(
            "UPDATE support_views SET ended_at = LEAST($2, until) WHERE session_id = $1 AND ended_at IS NULL",
            session.0,
            now,
        );
        Ok(self.bounded(end.execute(self.pool())).await?.rows_affected() > 0)
    }

    /// The latest views, of one project or of all, the newest first.
    pub async fn list_support_views(
        &self,
        project: Option<&ProjectId>,
        limit: i64,
    ) -> Result<Vec<SupportViewRow>> {
        let list = query!(
            "SELECT id, operator_name, project_id, project_name, customer, reason, started_at, until, ended_at
            FROM support_views
            WHERE $1::text IS NULL OR project_id = $1
            ORDER BY started_at DESC, id
            LIMIT $2",
            project.map(ProjectId::as_str),
            limit,
        )
        .map(|row| SupportViewRow {
            id: row.id,
            operator: row.operator_name,
            project: row.project_id,
            project_name: row.project_name,
            customer: row.customer,
            reason: row.reason,
            started_at: row.started_at,
            until: row.until,
            ended_at: row.ended_at,
        });
        self.bounded(list.fetch_all(self.pool())).await
    }

    /// Deletes what is older than it is kept, at most `limit`. Returns how many.
    pub async fn delete_old_support_views(&self, before: DateTime<Utc>, limit: i64) -> Result<u64> {
        let delete = query!(
            "DELETE FROM support_views
            WHERE id IN (SELECT id FROM support_views WHERE started_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            before,
            limit,
        );
        Ok(self.bounded(delete.execute(self.pool())).await?.rows_affected())
    }
}
