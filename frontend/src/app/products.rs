//! The products of the panel: the left column, and the menu in its place where the window is narrow.

use leptos::prelude::*;

use crate::{
    project::{page_path, use_project},
    router::use_router,
    session::use_session,
    ui::{Held, Icon, derived},
};

/// A product, as a link to its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub name: &'static str,
    pub icon: Icon,
    pub href: String,
    /// The page on screen belongs to it.
    pub is_current: bool,
}

/// The products there are, for the project on screen or, on pages without one, the user's own.
pub fn use_products() -> Held<Vec<Product>> {
    let session = use_session();
    let project = use_project();
    let path = use_router().path();
    derived(move || {
        let project = project.get().or_else(|| session.current().and_then(|current| current.default_project));
        let Some(project) = project else { return Vec::new() };
        let product = |(name, icon, page): (&'static str, Icon, &str)| {
            let href = page_path(&project, page);
            let is_current = path.with(|path| {
                let rest = path.strip_prefix(&href);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            Product { name, icon, href, is_current }
        };
        PRODUCTS.map(product).into()
    })
}

/// The same as in `server/src/features/shell/page.rs`.
const PRODUCTS: [(&str, Icon, &str); 6] = [
    ("Servers", Icon::Server, "servers"),
    ("Images", Icon::Image, "images"),
    ("Key pairs", Icon::Key, "key-pairs"),
    ("Flavors", Icon::Flavor, "flavors"),
    ("Server groups", Icon::ServerGroup, "server-groups"),
    ("Quotas", Icon::Quota, "quotas"),
];
