//! Where the list was left: a server's page leads back to the same filter and order.

use leptos::prelude::*;

use crate::{
    project::{servers_path, use_project},
    router::use_router,
};

#[derive(Clone, Copy)]
struct ListAddress(Signal<String>);

/// Follows the address of the list for as long as the servers pages of a project are open.
pub fn provide_list_address() {
    let project = use_project();
    let router = use_router();
    let (path, search) = (router.path(), router.search());
    let latest = Memo::new(move |before: Option<&String>| {
        let Some(list) = project.get().map(|project| servers_path(&project)) else { return String::new() };
        let path = path.get();
        if path.trim_end_matches('/') == list {
            let search = search.get();
            return if search.is_empty() { list } else { format!("{list}?{search}") };
        }
        let is_of_this_project =
            |before: &&String| before.as_str() == list || before.starts_with(&format!("{list}?"));
        before.filter(is_of_this_project).cloned().unwrap_or(list)
    });
    provide_context(ListAddress(latest.into()));
}

/// The list as it was left.
pub fn use_list_address() -> Signal<String> {
    use_context::<ListAddress>().map_or_else(|| Signal::stored("/".to_owned()), |address| address.0)
}
