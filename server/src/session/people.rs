//! Whose sessions there are: for operators, who look for one of many.

use api_types::ProjectId;
use chrono::{DateTime, Utc};
use sqlx::{Result, query, query_as, query_scalar};

use super::{SessionId, SessionStore, SessionUser, store::DeletedSessionRow};

/// A user who has sessions now.
pub struct SeenUserRow {
    pub user: SessionUser,
    pub sessions: i64,
    pub last_seen_at: DateTime<Utc>,
}

impl SessionStore {
    /// Users with live sessions: those whose name holds the text, whose id it is, or who came from this address; those
    /// seen last first.
    pub async fn find_users(
        &self,
        search: &str,
        now: DateTime<Utc>,
        idle_since: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<SeenUserRow>> {
        let find = query_as!(
            SeenUser,
            r#"SELECT user_id, user_name, domain_id, domain_name, count(*) AS "sessions!",
                max(last_seen_at) AS "last_seen_at!"
            FROM sessions
            WHERE expires_at > $2 AND last_seen_at > $3
                AND (strpos(lower(user_name), lower($1)) > 0 OR user_id = $1 OR address = $1)
            GROUP BY user_id, user_name, domain_id, domain_name
            ORDER BY max(last_seen_at) DESC, user_id
            LIMIT $4"#,
            search,
            now,
            idle_since,
            limit,
        )
        .map(SeenUserRow::from);
        self.bounded(find.fetch_all(self.pool())).await
    }

    /// Those of these names under which somebody is signed in.
    pub async fn list_signed_in(
        &self,
        names: &[String],
        now: DateTime<Utc>,
        idle_since: DateTime<Utc>,
    ) -> Result<Vec<String>> {
        let list = query_scalar!(
            "SELECT DISTINCT user_name
            FROM sessions
            WHERE user_name = ANY($1) AND expires_at > $2 AND last_seen_at > $3",
            names,
            now,
            idle_since,
        );
        self.bounded(list.fetch_all(self.pool())).await
    }

    /// Users whose live sessions have worked in a project of late, or begin there; not operators who looked at it.
    pub async fn list_users_of_project(
        &self,
        project: &ProjectId,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<SeenUserRow>> {
        let list = query_as!(
            SeenUser,
            r#"SELECT user_id, user_name, domain_id, domain_name, count(*) AS "sessions!",
                max(last_seen_at) AS "last_seen_at!"
            FROM sessions
            WHERE expires_at > $2
                AND (default_project = $1
                    OR EXISTS (
                        SELECT FROM session_project_tokens AS scope
                        WHERE scope.session_id = sessions.id AND scope.project_id = $1
                    ))
                AND NOT EXISTS (
                    SELECT FROM support_views AS view
                    WHERE view.session_id = sessions.id AND view.project_id = $1
                )
            GROUP BY user_id, user_name, domain_id, domain_name
            ORDER BY max(last_seen_at) DESC, user_id
            LIMIT $3"#,
            project.as_str(),
            now,
            limit,
        )
        .map(SeenUserRow::from);
        self.bounded(list.fetch_all(self.pool())).await
    }

    /// Projects that a user worked in: those of live sessions and the one used last.
    pub async fn list_projects_of_user(&self, user_id: &str) -> Result<Vec<String>> {
        let list = query_scalar!(
            r#"SELECT project_id AS "project_id!"
            FROM (
                SELECT project_id FROM last_projects WHERE user_id = $1
                UNION
                SELECT default_project FROM sessions WHERE user_id = $1 AND default_project IS NOT NULL
                UNION
                SELECT scope.project_id
                FROM session_project_tokens AS scope
                JOIN sessions ON sessions.id = scope.session_id
                WHERE sessions.user_id = $1
                    AND NOT EXISTS (
                        SELECT FROM support_views AS view
                        WHERE view.session_id = sessions.id AND view.project_id = scope.project_id
                    )
            ) AS seen
            ORDER BY 1
            LIMIT 200"#,
            user_id,
        );
        self.bounded(list.fetch_all(self.pool())).await
    }

    /// Deletes anybody's session, and says whose it was.
    pub async fn delete_session_of_anybody(
        &self,
        id: SessionId,
    ) -> Result<Option<(DeletedSessionRow, String)>> {
        let delete = query!("DELETE FROM sessions WHERE id = $1 RETURNING id, token, user_name", id.0)
            .map(|row| (DeletedSessionRow { id: SessionId(row.id), sealed_token: row.token }, row.user_name));
        self.bounded(delete.fetch_optional(self.pool())).await
    }
}

/// [`SeenUserRow`] as a query gives it.
struct SeenUser {
    user_id: String,
    user_name: String,
    domain_id: String,
    domain_name: String,
    sessions: i64,
    last_seen_at: DateTime<Utc>,
}

impl From<SeenUser> for SeenUserRow {
    fn from(row: SeenUser) -> Self {
        let user = SessionUser {
            id: row.user_id,
            name: row.user_name,
            domain_id: row.domain_id,
            domain: row.domain_name,
        };
        Self { user, sessions: row.sessions, last_seen_at: row.last_seen_at }
    }
}
