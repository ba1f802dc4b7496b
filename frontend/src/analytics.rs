//! How the panel is used, counted here: which pages and dialogs, never by whom.
//!
//! Whoever does something worth counting says so with [`count`]; it waits in a short list. The part that adds up, asks
//! for consent and sends (`analytics/collector.rs`) comes when there is time, and only where anything is counted: not
//! where the operator switched it off, nor where the browser says Do Not Track or Global Privacy Control.

mod collector;
mod consent;
mod texts;

use std::{cell::RefCell, time::Duration};

pub use api_types::analytics::Counted;
use leptos::{
    prelude::*,
    reactive::computed::ScopedFuture,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};

pub use consent::consent_choice;

use crate::router::Router;

/// Notes that something happened, by a name that is counted; any other is left out when it is sent.
pub fn count(kind: Counted, name: &str) {
    NOTED.with_borrow_mut(|noted| {
        if noted.len() < MOST_NOTED {
            noted.push((kind, name.to_owned()));
        }
    });
}

/// Fetches the part that counts, once the page has come to rest.
pub fn start_when_there_is_time(router: Router) {
    let root = document().document_element();
    let is_on = root.is_some_and(|root| root.has_attribute(MARK) && !root.has_attribute("data-support-view"));
    let Some(owner) = Owner::current().filter(|_| is_on) else { return };
    let begin = move || {
        let load = owner.with(|| ScopedFuture::new_untracked(start(router)));
        spawn_local(async { _ = load.await });
    };
    set_timeout(begin, START_AFTER);
}

/// On the root element where anything is counted: `ask` or `not_needed`.
const MARK: &str = "data-analytics";
const START_AFTER: Duration = Duration::from_secs(3);
/// What nobody takes is not to grow.
const MOST_NOTED: usize = 200;

thread_local! {
    static NOTED: RefCell<Vec<(Counted, String)>> = const { RefCell::new(Vec::new()) };
}

#[wasm_split(analytics, wasm_split_path = ::leptos::wasm_split, fallible)]
fn start(router: Router) -> Result<(), SplitLoaderError> {
    collector::start(router);
    Ok(())
}
