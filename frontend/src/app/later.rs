//! What can wait until the page has come to rest, and what most pages never need: counting how the panel is used, and
//! following a support view. Both are in a part, so that a first visit does not carry them.

use std::time::Duration;

use leptos::{
    prelude::*,
    reactive::computed::ScopedFuture,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};

use crate::{analytics, features::operator, router::Router};

/// Fetches the part, where the server wrote on the page that there is something for it to do.
pub fn start_later(router: Router) {
    let Some(root) = document().document_element() else { return };
    let is_watched = root.has_attribute(SUPPORT_VIEW);
    if !is_watched && !root.has_attribute(analytics::MARK) {
        return;
    }
    let Some(owner) = Owner::current() else { return };
    let begin = move || {
        let load = owner.with(|| ScopedFuture::new_untracked(start(router, is_watched)));
        spawn_local(async { _ = load.await });
    };
    set_timeout(begin, if is_watched { Duration::ZERO } else { AT_REST });
}

/// On the root element while an operator looks at a customer's project.
const SUPPORT_VIEW: &str = "data-support-view";
const AT_REST: Duration = Duration::from_secs(3);

#[wasm_split(later, wasm_split_path = ::leptos::wasm_split, fallible)]
fn start(router: Router, is_watched: bool) -> Result<(), SplitLoaderError> {
    if is_watched {
        // What an operator does there is no use of the panel by its people.
        let watch = ScopedFuture::new_untracked(operator::watch_support_view(router));
        spawn_local(async { _ = watch.await });
    } else {
        analytics::start(router);
    }
    Ok(())
}
