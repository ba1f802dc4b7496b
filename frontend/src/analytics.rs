//! How the panel is used, counted here: which pages and dialogs, never by whom.
//!
//! Whoever does something worth counting says so with [`count`]; it waits in a short list. The part that adds up, asks
//! for consent and sends (`analytics/collector.rs`) comes when there is time (`app/later.rs`), and only where anything is
//! counted: not where the operator switched it off, nor where the browser says Do Not Track or Global Privacy Control.

mod collector;
mod consent;
mod texts;

use std::cell::RefCell;

pub use self::{collector::start, consent::consent_choice};
pub use api_types::analytics::Counted;

/// Notes that something happened, by a name that is counted; any other is left out when it is sent.
pub fn count(kind: Counted, name: &str) {
    NOTED.with_borrow_mut(|noted| {
        if noted.len() < MOST_NOTED {
            noted.push((kind, name.to_owned()));
        }
    });
}

/// On the root element where anything is counted: `ask` or `not_needed`.
pub const MARK: &str = "data-analytics";
/// What nobody takes is not to grow.
const MOST_NOTED: usize = 200;

thread_local! {
    static NOTED: RefCell<Vec<(Counted, String)>> = const { RefCell::new(Vec::new()) };
}
