//! Where the list was left: a server's page leads back to the same filter and order.

use leptos::prelude::*;

use crate::{
    project::{servers_path, use_project},
    router::use_router,
    ui::effect::live,
};

#[derive(Clone, Copy)]
struct ListAddress(Signal<String>);

/// Follows the address of the list for as long as the servers pages of a project are open.
pub fn provide_list_address() {
    let project = use_project();
    let router = use_router();
    let (path, search) = (router.path(), router.search());
    let address = RwSignal::new(String::new());
    let latest = move || {
        let Some(list) = project.get().map(|project| servers_path(&project)) else { return String::new() };
        let path = path.get();
        if path.trim_end_matches('/') == list {
            let search = search.get();
            return if search.is_empty() { list } else { format!("{list}?{search}") };
        }
        let before = address.get_untracked();
        let is_of_this_project = before == list || before.starts_with(&format!("{list}?"));
        if is_of_this_project { before } else { list }
    };
    live(move || {
        let latest = latest();
        if address.with_untracked(|before| *before != latest) {
            address.set(latest);
        }
    });
    provide_context(ListAddress(address.into()));
}

/// The list as it was left.
pub fn use_list_address() -> Signal<String> {
    use_context::<ListAddress>().map_or_else(|| Signal::stored("/".to_owned()), |address| address.0)
}
