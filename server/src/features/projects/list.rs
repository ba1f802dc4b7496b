//! Searches the caller's projects.

use api_types::projects::{ListProjectsQuery, Project, ProjectList};
use axum::{
    Json,
    extract::{Query, State},
};

use super::ProjectLists;
use crate::{error::ApiError, session::Caller};

/// Lists the caller's projects by name: those whose name holds the search, or whose id begins with it.
///
/// Errors: 400 a limit that is none, 401 no session or an expired token, 503 or 504 Keystone does not answer.
pub async fn list_projects(
    caller: Caller,
    Query(query): Query<ListProjectsQuery>,
    State(lists): State<ProjectLists>,
) -> Result<Json<ProjectList>, ApiError> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(ApiError::Invalid {
            code: "invalid_limit",
            message: "The limit has to be from 1 to 200.".to_owned(),
        });
    }
    let projects = lists.list(&caller.session).await?;
    Ok(Json(search(&projects, &query.search, limit)))
}

fn search(projects: &[Project], search: &str, limit: usize) -> ProjectList {
    let search = search.trim().to_lowercase();
    let mut matching: Vec<&Project> = projects
        .iter()
        .filter(|project| {
            project.name.to_lowercase().contains(&search) || project.id.as_str().starts_with(&search)
        })
        .collect();
    // Who types the beginning of a name means that name; the list itself is sorted.
    matching.sort_by_key(|project| !project.name.to_lowercase().starts_with(&search));
    let total = matching.len();
    ProjectList { items: matching.into_iter().take(limit).cloned().collect(), total }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projects(names: &[&str]) -> Vec<Project> {
        let project = |(at, name): (usize, &&str)| Project {
            id: format!("{at:032x}").parse().expect("an id"),
            name: (*name).to_owned(),
            domain: "Default".to_owned(),
        };
        names.iter().enumerate().map(project).collect()
    }

    fn found(search_for: &str, limit: usize) -> (Vec<String>, usize) {
        let list = search(&projects(&["alpha", "Beta", "the beta test", "Ärger"]), search_for, limit);
        (list.items.into_iter().map(|project| project.name).collect(), list.total)
    }

    #[test]
    fn a_search_ignores_case_and_puts_beginnings_first() {
        assert_eq!(found("bET", 50), (vec!["Beta".to_owned(), "the beta test".to_owned()], 2));
        assert_eq!(found("ä", 50), (vec!["Ärger".to_owned()], 1));
        assert_eq!(found("00000000000000000000000000000002", 50), (vec!["the beta test".to_owned()], 1));
        assert_eq!(found("nothing", 50), (vec![], 0));
    }

    #[test]
    fn the_total_counts_what_the_limit_leaves_out() {
        assert_eq!(found("", 1), (vec!["alpha".to_owned()], 4));
    }
}
