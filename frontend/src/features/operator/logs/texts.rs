//! The words a person reads in the log.

use api_types::operator::logs::LevelOverride;

use crate::ui::format;

pub const TITLE: &str = "Logs";
pub const FILTER: &str = "Search the log";
pub const MESSAGE: &str = "Message";
pub const MESSAGE_HINT: &str = "Part of the message";
pub const PATTERN: &str = "Regular expression";
pub const TIMEFRAME: &str = "Time";
pub const FROM: &str = "From";
pub const TO: &str = "To";
pub const LEVEL: &str = "Level";
pub const FACILITY: &str = "Facility";
pub const HOST: &str = "Host";
pub const USER: &str = "User name";
pub const REQUEST: &str = "Request id";
pub const SESSION: &str = "Session";
pub const FIELDS: &str = "Other fields";
pub const FIELDS_HINT: &str = "status:404 service:compute";
pub const SEARCH: &str = "Search";
pub const CLEAR: &str = "Clear";

/// Seconds back from now, as the address has them, and the words for it. The empty one is what is searched unless
/// something else is said.
pub const TIMES: [(&str, &str); 8] = [
    ("300", "Last 5 minutes"),
    ("900", "Last 15 minutes"),
    ("3600", "Last hour"),
    ("21600", "Last 6 hours"),
    ("86400", "Last 24 hours"),
    ("604800", "Last 7 days"),
    ("0", "All there is"),
    (CUSTOM, "From … to …"),
];
pub const CUSTOM: &str = "custom";

pub const LEVELS: [(&str, &str); 5] = [
    ("", "All levels"),
    ("debug", "Debug or higher"),
    ("info", "Info or higher"),
    ("warn", "Warnings or higher"),
    ("error", "Errors"),
];

pub const FACILITIES: [(&str, &str); 10] = [
    ("", "All facilities"),
    ("client", "Browsers"),
    ("request", "Requests"),
    ("proxy", "Calls passed on"),
    ("upstream", "Calls to the cloud"),
    ("job", "Jobs"),
    ("sign_in", "Sign-in"),
    ("operator", "Operators"),
    ("health", "Health"),
    ("panel", "The panel"),
];

pub const LIST: &str = "List";
pub const TIMELINE: &str = "Timeline";
pub const VIEWS: &str = "View";
pub const LIVE: &str = "Live";
pub const PAUSE: &str = "Pause";
pub const GO_ON: &str = "Go on";
pub const NOT_LIVE: &str = "The newest lines of a list without an end can be followed.";
pub const LOST: &str = "The connection is lost; it is tried again.";
pub const EXPORT: &str = "Export";
pub const AS_CSV: &str = "As CSV";
pub const AS_NDJSON: &str = "As JSON, a line each";
pub const EXPORT_NOTE: &str = "The newest 10,000 lines of this search.";

pub const TIME_HEAD: &str = "Time";
pub const LINES: &str = "Lines of the log, the newest first";
pub const SHOW: &str = "Show all of this line";
pub const NEWEST: &str = "Newest";
pub const NEWER: &str = "Newer";
pub const OLDER: &str = "Older";
pub const GO_ON_FROM: &str = "Go on from there";

pub const NOT_SEARCHED: &str = "Nothing was searched: a field of the filter cannot be understood";
pub const NOTHING: &str = "No line is like this";
pub const NOTHING_WIDER: &str = "Look further back, or take something out of the filter.";
pub const LAST_DAY: &str = "Look at the last 24 hours";
pub const TOO_BROAD: &str = "This is too broad to be searched in one go";
pub const TOO_BROAD_NEXT: &str =
    "Narrow it: a user, a request or a level of warnings or higher are found at once, a shorter time soon.";

pub const OF_USER: &str = "Everything of this user";
pub const OF_REQUEST: &str = "Everything of this request";
pub const OF_SESSION: &str = "Everything of this session";
pub const AROUND: &str = "Around this time";
pub const COPY_LINE: &str = "Copy the line as JSON";
pub const COPY_MARKED: &str = "Copy marked lines";
pub const COPIED: &str = "Copied";
pub const NO_COPY: &str = "This browser does not let the page copy";

pub const BROWSER: &str = "Browser";
pub const PANEL: &str = "Panel";
pub const CLOUD: &str = "Cloud";

pub const KEYS: &str = "The log";
pub const KEY_NEXT: &str = "Next line";
pub const KEY_PREVIOUS: &str = "Previous line";
pub const KEY_OPEN: &str = "Show all of the line";
pub const KEY_MARK: &str = "Mark the line";
pub const KEY_SEARCH: &str = "Search";
pub const KEY_LIVE: &str = "Follow, or pause";

pub fn level(level: &str) -> &'static str {
    match level {
        "error" => "Error",
        "warn" => "Warning",
        "debug" => "Debug",
        "trace" => "Trace",
        _ => "Info",
    }
}

pub fn facility(facility: &str) -> &str {
    FACILITIES.iter().find(|(key, _)| *key == facility).map_or(facility, |(_, words)| words)
}

/// "12 lines · 3 ms"; of more than a page, which of them these are.
pub fn found(count: usize, has_newer: bool, has_older: bool, took_ms: f64) -> String {
    let count = format::counted(count as u64, "line", "lines");
    let which = match (has_newer, has_older) {
        (false, false) => count,
        (false, true) => format!("The newest {count}"),
        (true, false) => format!("The oldest {count}"),
        (true, true) => format!("{count} of more"),
    };
    format!("{which} · {} ms", format::number(took_ms.max(0.0).round() as u64))
}

pub fn marked(count: usize) -> String {
    format!("{COPY_MARKED} ({count})")
}

pub fn waiting(count: usize) -> String {
    format!("{GO_ON} ({count} new)")
}

pub fn skipped(count: &str) -> String {
    format!("More came at once than can be shown: at least {count} were left out. A search finds them.")
}

/// A search that was stopped.
pub fn searched_to(moment: &str) -> String {
    format!("The search took too long and stopped at {moment}. Older lines were not looked at.")
}

pub fn copy(what: &str) -> String {
    format!("Copy {what}")
}

pub const LEVELS_BUTTON: &str = "Levels";
pub const LEVELS_TITLE: &str = "What is logged";
pub const CONFIGURED: &str = "Configured:";
pub const NOTHING_SET: &str = "Nothing else is set at the moment.";
pub const EVERYBODY: &str = "Everybody";
pub const NOT_HERE: &str = "not signed in now";
pub const END: &str = "End";
pub const LEVEL_HEADS: [&str; 5] = ["Whose", "Level", "For another", "Why (who)", "Actions"];
pub const SET_TITLE: &str = "Log more, or less, for a while";
pub const WHOSE: &str = "User name";
pub const WHOSE_HINT: &str = "Whose requests are told of; empty for everybody's.";
pub const FILTER_HINT: &str =
    "debug, info, warn, error; for everybody also by module: info,server::upstream=debug";
pub const HOW_LONG: &str = "For";
pub const MINUTES: [(u32, &str); 5] =
    [(5, "5 minutes"), (10, "10 minutes"), (30, "30 minutes"), (60, "an hour"), (480, "8 hours")];
pub const BECAUSE: &str = "Why";
pub const BECAUSE_HINT: &str = "For those who find it later, such as a ticket's number. It is logged.";
pub const SET: &str = "Set on all nodes";

pub fn on_node(node: &str) -> String {
    format!(" on {node}, which answered this.")
}

/// What follows from a level that was set; names nobody has may be slips.
pub fn was_set(set: &LevelOverride) -> String {
    match (&set.user, set.is_signed_in) {
        (None, _) => "It holds for everybody, on all nodes within moments.".to_owned(),
        (Some(user), Some(false)) => format!(
            "Nobody of the name {user} is signed in now. It holds from their next sign-in, if somebody is called so."
        ),
        (Some(user), _) => format!("It holds for {user}, who is signed in, on all nodes within moments."),
    }
}

pub fn end_of(whose: &str) -> String {
    format!("End what is set for {whose}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_many_lines_is_not_told_as_all_there_are() {
        assert_eq!(found(12, false, false, 3.2), "12 lines · 3 ms");
        assert_eq!(found(200, false, true, 12.0), "The newest 200 lines · 12 ms");
        assert_eq!(found(200, true, true, 12.0), "200 lines of more · 12 ms");
        assert_eq!(found(40, true, false, 12.0), "The oldest 40 lines · 12 ms");
    }
}
