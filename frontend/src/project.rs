//! The project in the URL: two tabs can show two projects, a link names the one it means.

use api_types::{ProjectId, Region, ServerId};
use leptos::prelude::{With, document, window};

use crate::{
    router::use_router,
    ui::{El, Held, derived},
};

/// The project of this page; `None` on pages that have none, or when the URL's is no id.
pub fn use_project() -> Held<Option<ProjectId>> {
    let path = use_router().path();
    derived(move || path.with(|path| project_of(path)))
}

/// Where the servers of a project are.
pub fn servers_path(project: &ProjectId) -> String {
    format!("/projects/{project}/servers")
}

/// Where a page of a project is, by the last part of its address.
pub fn page_path(project: &ProjectId, page: &str) -> String {
    format!("/projects/{project}/{page}")
}

/// Where servers are made.
pub fn new_server_path(project: &ProjectId) -> String {
    format!("/projects/{project}/servers/new")
}

/// Where one server is.
pub fn server_path(project: &ProjectId, region: &Region, server: &ServerId) -> String {
    format!("/projects/{project}/servers/{region}/{server}")
}

/// Why nothing of this page's project can be changed, if so: an operator looks at it for a customer. The server wrote it
/// on the page, and refuses every change.
pub fn why_only_looked_at() -> Option<&'static str> {
    let looked_at = document().document_element()?.get_attribute("data-support-view")?;
    let path = window().location().pathname().ok()?;
    (project_of(&path)?.as_str() == looked_at).then_some(ONLY_LOOKED_AT)
}

/// What a press on changes something, handed over before it listens to presses: where nothing can be changed it says
/// why, and hears none.
pub fn changing(button: El) -> El {
    let Some(why) = why_only_looked_at() else { return button };
    button.attr("aria-disabled", "true").attr("aria-description", why).attr("title", why).on(
        "click",
        |event| {
            event.prevent_default();
            event.stop_immediate_propagation();
        },
    )
}

const ONLY_LOOKED_AT: &str = "This is a support view, which changes nothing.";

/// The project a path is about.
fn project_of(path: &str) -> Option<ProjectId> {
    path.strip_prefix("/projects/")?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_project_and_only_a_valid_one() {
        let project = project_of("/projects/4f1d/servers/RegionOne/x").expect("a project");
        assert_eq!(project.as_str(), "4f1d");
        assert_eq!(servers_path(&project), "/projects/4f1d/servers");
        assert_eq!(project_of("/projects/a%2fb/servers"), None);
        assert_eq!(project_of("/account/sessions"), None);
        assert_eq!(project_of("/projects/"), None);
    }
}
