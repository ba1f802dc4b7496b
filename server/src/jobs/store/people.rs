//! Whose jobs there are, and in which projects: for operators, who look for one of many.

use sqlx::{Result, query};

use super::{JobStore, bounded};

impl JobStore {
    /// Projects of jobs whose name holds the text or whose id it is, with their names.
    pub async fn find_projects(&self, search: &str, limit: i64) -> Result<Vec<(String, String)>> {
        let find = query!(
            r#"SELECT project_id, max(project_name) AS "project_name!"
            FROM jobs
            WHERE strpos(lower(project_name), lower($1)) > 0 OR project_id = $1
            GROUP BY project_id
            ORDER BY 2, 1
            LIMIT $2"#,
            search,
            limit,
        )
        .map(|row| (row.project_id, row.project_name));
        bounded(find.fetch_all(&self.db)).await
    }

    /// Projects that a user has jobs in, with their names.
    pub async fn list_projects_of_user(&self, user_id: &str, limit: i64) -> Result<Vec<(String, String)>> {
        let list = query!(
            r#"SELECT project_id, max(project_name) AS "project_name!"
            FROM jobs
            WHERE user_id = $1
            GROUP BY project_id
            ORDER BY 2, 1
            LIMIT $2"#,
            user_id,
            limit,
        )
        .map(|row| (row.project_id, row.project_name));
        bounded(list.fetch_all(&self.db)).await
    }
}
