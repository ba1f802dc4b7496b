//! The projects somebody came from, kept in the browser: of one person, so that the next one at it sees none of them.

use api_types::projects::Project;
use leptos::prelude::window;

use super::state::{recent_of, with_recent};

const KEY: &str = "meridian.recent-projects";

/// The projects this user visited last, the latest first. Storage that is full, closed or garbled is as good as empty.
pub fn recent_projects(user: &str) -> Vec<Project> {
    let text =
        window().local_storage().ok().flatten().and_then(|storage| storage.get_item(KEY).ok().flatten());
    text.map(|text| recent_of(user, &text)).unwrap_or_default()
}

/// Notes a visit; what another user left there goes.
pub fn remember_project(user: &str, project: &Project) {
    let recent = with_recent(recent_projects(user), project);
    let storage = window().local_storage().ok().flatten();
    if let (Some(storage), Ok(text)) = (storage, serde_json::to_string(&(user, recent))) {
        _ = storage.set_item(KEY, &text);
    }
}
