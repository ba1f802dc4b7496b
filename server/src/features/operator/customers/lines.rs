//! The latest lines of the log about one customer.

use api_types::operator::logs::LogLine;
use chrono::TimeDelta;

use crate::{
    app::App,
    error::ApiError,
    features::operator::logs::line_of,
    log::{
        Level,
        search::{Filter, Start},
    },
};

/// How many days back is looked.
pub const DAYS: u32 = 7;
/// Lines of one kind; the log itself has the rest.
const MOST_LINES: usize = 15;

/// Warnings and errors, the newest first.
pub async fn errors(app: &App, about: Filter) -> Result<Vec<LogLine>, ApiError> {
    latest(app, Filter { level: Some(Level::Warn), ..about }).await
}

/// Calls to the cloud, of browsers and of the panel, the newest first.
pub async fn calls(app: &App, about: Filter) -> Result<Vec<LogLine>, ApiError> {
    let mut lines = Vec::new();
    for facility in ["proxy", "upstream"] {
        lines.extend(latest(app, Filter { facility: Some(facility.to_owned()), ..about.clone() }).await?);
    }
    lines.sort_by_key(|line| std::cmp::Reverse((line.at_us, line.id)));
    lines.truncate(MOST_LINES);
    Ok(lines)
}

async fn latest(app: &App, about: Filter) -> Result<Vec<LogLine>, ApiError> {
    let from = app.clock.now() - TimeDelta::days(DAYS.into());
    let filter = Filter { from: Some(from), ..about };
    let found = app.log_search.find(&filter, Start::Newest, MOST_LINES).await?;
    Ok(found.rows.into_iter().map(line_of).collect())
}
