//! The sessions in Postgres. Every query has its function here.

use std::time::Duration;

use api_types::ProjectId;
use chrono::{DateTime, Utc};
use sqlx::{PgPool, Result, query, query_scalar};
use uuid::Uuid;

use super::{SessionId, SessionUser, SupportView};

/// The tables `sessions`, `session_project_tokens` and `last_projects`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionStore {
    db: PgPool,
    /// Longest wait for a query.
    timeout: Duration,
}

/// A row of `sessions`, as it is read.
pub struct SessionRow {
    pub id: SessionId,
    pub user: SessionUser,
    pub sealed_token: Vec<u8>,
    pub token_expires_at: DateTime<Utc>,
    pub needs_totp: bool,
    pub default_project: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Until when the cookie it was found by is good; `None` for the present one.
    pub cookie_until: Option<DateTime<Utc>>,
    pub support_view: Option<SupportView>,
}

/// What is asked again and again about a session that is in memory.
pub struct LiveSessionRow {
    pub id: SessionId,
    pub last_seen_at: DateTime<Utc>,
    pub cookie_hash: Vec<u8>,
    /// The cookie before, and until when it is good.
    pub previous_cookie: Option<(Vec<u8>, DateTime<Utc>)>,
    pub support_view: Option<SupportView>,
}

/// A row of `sessions`, as it is first written.
pub struct NewSessionRow<'a> {
    pub id: SessionId,
    pub cookie_hash: [u8; 32],
    pub user: &'a SessionUser,
    pub sealed_token: Vec<u8>,
    pub token_expires_at: DateTime<Utc>,
    pub needs_totp: bool,
    pub default_project: Option<&'a ProjectId>,
    pub now: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub address: &'a str,
    pub browser: &'a str,
}

/// A session as its owner sees it in a list.
pub struct ListedSessionRow {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub address: String,
    pub browser: String,
}

/// A session that was deleted, with its token, so that Keystone can be told.
pub struct DeletedSessionRow {
    pub id: SessionId,
    pub sealed_token: Vec<u8>,
}

/// What changes when a session goes on with a new token.
pub struct RenewedSessionRow {
    pub id: SessionId,
    pub cookie_hash: [u8; 32],
    pub previous_cookie_hash: [u8; 32],
    pub previous_cookie_until: DateTime<Utc>,
    pub sealed_token: Vec<u8>,
    pub token_expires_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

impl SessionStore {
    pub fn new(db: PgPool, timeout: Duration) -> Self {
        Self { db, timeout }
    }

    pub fn pool(&self) -> &PgPool {
        &self.db
    }

    pub async fn insert_session(&self, row: &NewSessionRow<'_>) -> Result<()> {
        let insert = query!(
            "INSERT INTO sessions (
                id, cookie_hash, user_id, user_name, domain_id, domain_name, token, token_expires_at, needs_totp,
                default_project, created_at, last_seen_at, expires_at, address, browser
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14)",
            row.id.0,
            &row.cookie_hash[..],
            row.user.id,
            row.user.name,
            row.user.domain_id,
            row.user.domain,
            row.sealed_token,
            row.token_expires_at,
            row.needs_totp,
            row.default_project.map(ProjectId::as_str),
            row.now,
            row.expires_at,
            row.address,
            row.browser,
        );
        self.bounded(insert.execute(&self.db)).await?;
        Ok(())
    }

    /// The session of a cookie, expired or not.
    pub async fn find_session(
        &self,
        cookie_hash: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<SessionRow>> {
        let find = query!(
            r#"SELECT sessions.id, user_id, user_name, domain_id, domain_name, token, token_expires_at, needs_totp,
                default_project, created_at, last_seen_at, expires_at,
                CASE WHEN cookie_hash <> $1 THEN previous_cookie_until END AS cookie_until,
                view.id AS "view_id?", view.project_id AS "view_project?",
                view.project_name AS "view_project_name?", view.customer AS view_customer,
                view.reason AS "view_reason?", view.until AS "view_until?"
            FROM sessions
            LEFT JOIN support_views AS view ON view.session_id = sessions.id AND view.ended_at IS NULL
            WHERE cookie_hash = $1 OR (previous_cookie_hash = $1 AND previous_cookie_until > $2)"#,
            &cookie_hash[..],
            now,
        )
        .map(|row| SessionRow {
            id: SessionId(row.id),
            user: SessionUser {
                id: row.user_id,
                name: row.user_name,
                domain_id: row.domain_id,
                domain: row.domain_name,
            },
            sealed_token: row.token,
            token_expires_at: row.token_expires_at,
            needs_totp: row.needs_totp,
            default_project: row.default_project,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            cookie_until: row.cookie_until,
            support_view: SupportView::read(
                row.view_id,
                row.view_project,
                row.view_project_name,
                row.view_customer,
                row.view_reason,
                row.view_until,
            ),
        });
        self.bounded(find.fetch_optional(&self.db)).await
    }

    /// The token of a session, sealed, and when it expires: another node may have renewed it.
    pub async fn find_token(&self, id: SessionId) -> Result<Option<(Vec<u8>, DateTime<Utc>)>> {
        let find = query!("SELECT token, token_expires_at FROM sessions WHERE id = $1", id.0)
            .map(|row| (row.token, row.token_expires_at));
        self.bounded(find.fetch_optional(&self.db)).await
    }

    /// Which of these sessions there are, under which cookies, and when each was last seen.
    pub async fn find_live(&self, ids: &[SessionId], now: DateTime<Utc>) -> Result<Vec<LiveSessionRow>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let find = query!(
            r#"SELECT sessions.id, last_seen_at, cookie_hash, previous_cookie_hash, previous_cookie_until,
                view.id AS "view_id?", view.project_id AS "view_project?",
                view.project_name AS "view_project_name?", view.customer AS view_customer,
                view.reason AS "view_reason?", view.until AS "view_until?"
            FROM sessions
            LEFT JOIN support_views AS view ON view.session_id = sessions.id AND view.ended_at IS NULL
            WHERE sessions.id = ANY($1) AND expires_at > $2"#,
            &ids,
            now,
        )
        .map(|row| LiveSessionRow {
            id: SessionId(row.id),
            last_seen_at: row.last_seen_at,
            cookie_hash: row.cookie_hash,
            previous_cookie: row.previous_cookie_hash.zip(row.previous_cookie_until),
            support_view: SupportView::read(
                row.view_id,
                row.view_project,
                row.view_project_name,
                row.view_customer,
                row.view_reason,
                row.view_until,
            ),
        });
        self.bounded(find.fetch_all(&self.db)).await
    }

    /// Notes when sessions were last used, and from where; never moves a time back.
    pub async fn touch_sessions(&self, touched: &[(SessionId, DateTime<Utc>, String)]) -> Result<()> {
        let ids: Vec<Uuid> = touched.iter().map(|(id, ..)| id.0).collect();
        let times: Vec<DateTime<Utc>> = touched.iter().map(|(_, at, _)| *at).collect();
        let addresses: Vec<String> = touched.iter().map(|(.., address)| address.clone()).collect();
        let touch = query!(
            "UPDATE sessions
            SET last_seen_at = GREATEST(last_seen_at, touched.at), address = touched.address
            FROM UNNEST($1::uuid[], $2::timestamptz[], $3::text[]) AS touched (id, at, address)
            WHERE sessions.id = touched.id",
            &ids,
            &times,
            &addresses,
        );
        self.bounded(touch.execute(&self.db)).await?;
        Ok(())
    }

    /// Gives a session a new cookie and token and forgets its project tokens. `false`: there is no such session.
    pub async fn renew_session(&self, row: &RenewedSessionRow) -> Result<bool> {
        let renew = query!(
            "WITH forgotten AS (DELETE FROM session_project_tokens WHERE session_id = $1)
            UPDATE sessions
            SET cookie_hash = $2, previous_cookie_hash = $3, previous_cookie_until = $4, token = $5,
                token_expires_at = $6, last_seen_at = $7
            WHERE id = $1",
            row.id.0,
            &row.cookie_hash[..],
            &row.previous_cookie_hash[..],
            row.previous_cookie_until,
            row.sealed_token,
            row.token_expires_at,
            row.now,
        );
        Ok(self.bounded(renew.execute(&self.db)).await?.rows_affected() > 0)
    }

    pub async fn delete_session(&self, id: SessionId) -> Result<Option<DeletedSessionRow>> {
        let delete = query!("DELETE FROM sessions WHERE id = $1 RETURNING id, token", id.0)
            .map(|row| DeletedSessionRow { id: SessionId(row.id), sealed_token: row.token });
        self.bounded(delete.fetch_optional(&self.db)).await
    }

    /// Deletes one of a user's sessions; another user's is as good as none.
    pub async fn delete_session_of_user(
        &self,
        id: SessionId,
        user_id: &str,
    ) -> Result<Option<DeletedSessionRow>> {
        let delete =
            query!("DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id, token", id.0, user_id)
                .map(|row| DeletedSessionRow { id: SessionId(row.id), sealed_token: row.token });
        self.bounded(delete.fetch_optional(&self.db)).await
    }

    /// Deletes all of a user's sessions, or all but one.
    pub async fn delete_sessions_of_user(
        &self,
        user_id: &str,
        except: Option<SessionId>,
    ) -> Result<Vec<DeletedSessionRow>> {
        let delete = query!(
            "DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2 RETURNING id, token",
            user_id,
            except.map(|id| id.0),
        )
        .map(|row| DeletedSessionRow { id: SessionId(row.id), sealed_token: row.token });
        self.bounded(delete.fetch_all(&self.db)).await
    }

    /// Deletes every session there is: for a database whose cloud is a new one.
    pub async fn delete_all_sessions(&self) -> Result<()> {
        self.bounded(query!("DELETE FROM sessions").execute(&self.db)).await?;
        Ok(())
    }

    /// A user's live sessions, the newest first. Source of the page that lists them.
    pub async fn list_sessions_of_user(
        &self,
        user_id: &str,
        now: DateTime<Utc>,
        idle_since: DateTime<Utc>,
    ) -> Result<Vec<ListedSessionRow>> {
        let list = query!(
            "SELECT id, created_at, last_seen_at, address, browser
            FROM sessions
            WHERE user_id = $1 AND expires_at > $2 AND last_seen_at > $3
            ORDER BY created_at DESC, id
            LIMIT 1000",
            user_id,
            now,
            idle_since,
        )
        .map(|row| ListedSessionRow {
            id: SessionId(row.id),
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            address: row.address,
            browser: row.browser,
        });
        self.bounded(list.fetch_all(&self.db)).await
    }

    /// Deletes some expired sessions, at most `limit`; skips rows another node is deleting. Returns how many.
    pub async fn delete_expired_sessions(
        &self,
        now: DateTime<Utc>,
        idle_since: DateTime<Utc>,
        limit: i64,
    ) -> Result<u64> {
        let delete = query!(
            "DELETE FROM sessions
            WHERE id IN (
                SELECT id FROM sessions
                WHERE expires_at <= $1 OR last_seen_at <= $2
                LIMIT $3
                FOR UPDATE SKIP LOCKED
            )",
            now,
            idle_since,
            limit,
        );
        Ok(self.bounded(delete.execute(&self.db)).await?.rows_affected())
    }

    /// The sealed scope of a session in a project, if it is still good.
    pub async fn find_scope(
        &self,
        session: SessionId,
        project: &ProjectId,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>> {
        let find = query_scalar!(
            "SELECT scope FROM session_project_tokens
            WHERE session_id = $1 AND project_id = $2 AND expires_at > $3",
            session.0,
            project.as_str(),
            now,
        );
        self.bounded(find.fetch_optional(&self.db)).await
    }

    /// Keeps the sealed scope of a session in a project; does nothing if the session is gone.
    pub async fn put_scope(
        &self,
        session: SessionId,
        project: &ProjectId,
        sealed_scope: &[u8],
        expires_at: DateTime<Utc>,
    ) -> Result<()> {
        let put = query!(
            "INSERT INTO session_project_tokens (session_id, project_id, scope, expires_at)
            SELECT id, $2, $3, $4 FROM sessions WHERE id = $1
            ON CONFLICT (session_id, project_id) DO UPDATE SET scope = $3, expires_at = $4",
            session.0,
            project.as_str(),
            sealed_scope,
            expires_at,
        );
        self.bounded(put.execute(&self.db)).await?;
        Ok(())
    }

    pub async fn delete_scope(&self, session: SessionId, project: &ProjectId) -> Result<()> {
        let delete = query!(
            "DELETE FROM session_project_tokens WHERE session_id = $1 AND project_id = $2",
            session.0,
            project.as_str(),
        );
        self.bounded(delete.execute(&self.db)).await?;
        Ok(())
    }

    /// Deletes some project tokens that have expired, at most `limit`; skips rows another node is deleting. Returns how
    /// many.
    pub async fn delete_expired_scopes(&self, now: DateTime<Utc>, limit: i64) -> Result<u64> {
        let delete = query!(
            "DELETE FROM session_project_tokens
            WHERE (session_id, project_id) IN (
                SELECT session_id, project_id FROM session_project_tokens
                WHERE expires_at <= $1
                LIMIT $2
                FOR UPDATE SKIP LOCKED
            )",
            now,
            limit,
        );
        Ok(self.bounded(delete.execute(&self.db)).await?.rows_affected())
    }

    /// The project a user used last, in any session.
    pub async fn find_last_project(&self, user_id: &str) -> Result<Option<String>> {
        let find = query_scalar!("SELECT project_id FROM last_projects WHERE user_id = $1", user_id);
        self.bounded(find.fetch_optional(&self.db)).await
    }

    /// Notes where a user worked last. A project that this session only looked at, as an operator does for a customer, is
    /// none.
    pub async fn put_last_project(
        &self,
        user_id: &str,
        project: &ProjectId,
        session: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let put = query!(
            "INSERT INTO last_projects (user_id, project_id, used_at)
            SELECT $1, $2, $4
            WHERE NOT EXISTS (
                SELECT FROM support_views WHERE support_views.session_id = $3 AND support_views.project_id = $2
            )
            ON CONFLICT (user_id) DO UPDATE SET project_id = $2, used_at = $4",
            user_id,
            project.as_str(),
            session.map(|session| session.0),
            now,
        );
        self.bounded(put.execute(&self.db)).await?;
        Ok(())
    }

    /// Deletes some of the last projects noted before a time, at most `limit`; skips rows another node is deleting.
    /// Returns how many.
    pub async fn delete_old_last_projects(&self, before: DateTime<Utc>, limit: i64) -> Result<u64> {
        let delete = query!(
            "DELETE FROM last_projects
            WHERE user_id IN (
                SELECT user_id FROM last_projects
                WHERE used_at <= $1
                LIMIT $2
                FOR UPDATE SKIP LOCKED
            )",
            before,
            limit,
        );
        Ok(self.bounded(delete.execute(&self.db)).await?.rows_affected())
    }

    /// A database that does not answer must cost a request little: its sessions may well be in memory.
    pub(super) async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}
