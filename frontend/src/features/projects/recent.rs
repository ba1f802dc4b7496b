//! The projects somebody came from, kept in the browser.

use api_types::projects::Project;
use leptos::prelude::window;

use super::state::with_recent;

const KEY: &str = "meridian.recent-projects";

/// The projects visited last, the latest first. Storage that is full, closed or garbled is as good as empty.
pub fn recent_projects() -> Vec<Project> {
    let text =
        window().local_storage().ok().flatten().and_then(|storage| storage.get_item(KEY).ok().flatten());
    text.and_then(|text| serde_json::from_slice(text.as_bytes()).ok()).unwrap_or_default()
}

/// Notes a visit.
pub fn remember_project(project: &Project) {
    let recent = with_recent(recent_projects(), project);
    let storage = window().local_storage().ok().flatten();
    if let (Some(storage), Ok(text)) = (storage, serde_json::to_string(&recent)) {
        _ = storage.set_item(KEY, &text);
    }
}
