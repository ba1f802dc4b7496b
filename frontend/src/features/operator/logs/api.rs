//! The log's calls.

use api_types::{
    operator::logs::{LogPage, LogQuery, MOST_LINES},
    routes,
};
use web_sys::AbortSignal;

use super::address::{Asked, View, search_of, with_search};
use crate::api_client::{ApiError, Call};

/// The lines of one page.
pub async fn list_lines(asked: Asked, until: Option<AbortSignal>) -> Result<LogPage, ApiError> {
    // A request's way, and what somebody did in an hour, is to be seen whole.
    let limit = (asked.view == View::Timeline).then_some(MOST_LINES / 2);
    let search = search_of(&LogQuery { limit, ..asked.query });
    let mut call = Call::get(with_search(routes::OPERATOR_LOGS, &search));
    if let Some(until) = &until {
        call = call.until(until);
    }
    call.json().await
}

/// Where the lines that come are told.
pub fn live_address(query: &LogQuery) -> String {
    with_search(routes::OPERATOR_LOGS_LIVE, &search_of(query))
}

/// Where the lines can be had as a file.
pub fn export_address(query: &LogQuery, format: &str) -> String {
    let query = LogQuery { before: None, after: None, ..query.clone() };
    let search = search_of(&query);
    let joined =
        if search.is_empty() { format!("format={format}") } else { format!("{search}&format={format}") };
    with_search(routes::OPERATOR_LOGS_EXPORT, &joined)
}
