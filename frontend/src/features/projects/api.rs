//! The projects' calls.

use api_types::{
    ProjectId,
    projects::{Project, ProjectList},
    routes,
};
use web_sys::AbortSignal;

use crate::api_client::{ApiError, Call};

/// The first projects whose name or id matches, and how many there are.
pub async fn search_projects(search: &str, until: Option<AbortSignal>) -> Result<ProjectList, ApiError> {
    const LIMIT: usize = 50;
    list(search, LIMIT, until).await
}

/// One project, to have its name; `None` when the caller has no such project.
pub async fn find_project(id: &ProjectId, until: Option<AbortSignal>) -> Result<Option<Project>, ApiError> {
    let list = list(id.as_str(), 10, until).await?;
    Ok(list.items.into_iter().find(|project| project.id == *id))
}

async fn list(search: &str, limit: usize, until: Option<AbortSignal>) -> Result<ProjectList, ApiError> {
    let search = js_sys::encode_uri_component(search);
    let mut call = Call::get(format!("{}?search={search}&limit={limit}", routes::PROJECTS));
    if let Some(until) = &until {
        call = call.until(until);
    }
    call.json().await
}
