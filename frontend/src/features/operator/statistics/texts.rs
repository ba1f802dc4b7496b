//! The words a person reads on the page of statistics.

use api_types::operator::statistics::Unit;

pub const TITLE: &str = "Statistics";
pub const RANGES: &str = "How far back";
pub const PERCENTILES: &str = "Latencies";
pub const PAUSE: &str = "Pause";
pub const NOW: &str = "Newest values";
pub const TABLE: &str = "As a table";
pub const TIME: &str = "Time";
pub const NOTHING_HERE: &str = "Nothing was measured in this time.";
pub const MORE_LINES: &str = "The twelve largest are shown.";
pub const KEYS: &str = "Arrow keys read the values.";
pub const NO_VALUE: &str = "–";
pub const IN_ALL: &str = "in all";

pub const UNCONFIGURED: &str = "No Graphite is configured";
pub const UNCONFIGURED_WHY: &str = "These graphs are read from Graphite, which keeps what the panel sends to statsd. Both are optional; the panel works \
     without them. To see graphs here, run the two, tell the panel where they are, and restart it:";
pub const UNCONFIGURED_HOW: &str =
    "[statsd]\naddress = \"127.0.0.1:8125\"\n\n[graphite]\nurl = \"http://127.0.0.1:8081\"";
pub const EMPTY: &str = "Graphite has nothing of this panel in this time";
pub const EMPTY_WHY: &str = "Measurements appear within a minute after a node starts. If they do not, compare statsd.address, statsd.prefix and \
     graphite.prefix with how statsd is configured: the panel expects its legacyNamespace to be false.";

/// How a range is called on its button.
pub fn range(secs: u32) -> String {
    match secs {
        ..3_600 => format!("{} min", secs / 60),
        3_600..86_400 => format!("{} h", secs / 3_600),
        86_400 => "24 h".to_owned(),
        _ => format!("{} d", secs / 86_400),
    }
}

pub fn percentile(percentile: u8) -> String {
    match percentile {
        50 => "Median".to_owned(),
        _ => format!("{percentile}th percentile"),
    }
}

/// "each minute", "each 5 minutes".
pub fn each(step_secs: u32) -> String {
    match step_secs {
        60 => "each minute".to_owned(),
        ..60 => format!("each {step_secs} seconds"),
        61..3_600 => format!("each {} minutes", step_secs / 60),
        3_600 => "each hour".to_owned(),
        _ => format!("each {} hours", step_secs / 3_600),
    }
}

/// What the numbers of a graph are, beside its title.
pub fn unit(unit: Unit, step_secs: u32, percentile_shown: u8) -> String {
    match unit {
        Unit::Count => each(step_secs),
        Unit::Level => "at a time".to_owned(),
        Unit::PerSecond => "per second".to_owned(),
        Unit::Milliseconds => percentile(percentile_shown),
        Unit::Bytes => "in use".to_owned(),
        Unit::Processors => "processors kept busy".to_owned(),
    }
}

pub fn releases(releases: &[String]) -> String {
    format!("Dashed lines mark releases, from when they were first seen: {}.", releases.join(", "))
}

/// A graph's title.
pub fn title(id: &str) -> String {
    match id {
        "sign_ins" => "Sign-ins",
        "requests" => "Requests",
        "request_latency" => "Request latency, by route",
        "errors" => "Errors answered, by code",
        "upstream_calls" => "Calls to services",
        "upstream_latency" => "Service latency, by service and region",
        "upstream_outcomes" => "Outcomes of calls to services",
        "proxy_latency" => "Latency of requests passed on",
        "sockets" => "Sockets and streams",
        "index" => "Servers and sessions in memory",
        "memory" => "Memory",
        "processor" => "Processor",
        "database" => "Database connections",
        "jobs" => "Items of jobs",
        "jobs_to_do" => "Items of jobs to do",
        "browsers" => "Browsers: slow frames and errors",
        "browser_tasks" => "Browsers: longest tasks",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

/// A line's name in the legend; what was measured speaks for itself.
pub fn line(graph: &str, name: &str) -> String {
    match (graph, name) {
        ("sign_ins", "success") => "succeeded",
        ("sign_ins", "failure") => "wrong credentials",
        ("sign_ins", "lockout") => "locked out",
        ("sign_ins", "unavailable") => "not possible",
        ("sockets", "viewers") => "streams of servers",
        ("sockets", "client_log") => "logs of browsers",
        ("sockets", "proxied") => "requests passed on",
        ("memory", "index") => "index of servers",
        ("processor", "process") => "whole process",
        ("processor", "workers") => "worker threads",
        ("jobs_to_do", "to_do") => "to do",
        ("browsers", "slow_frames") => "slow frames",
        ("browsers", "error") => "script errors",
        ("browsers", "panic") => "crashes",
        ("browser_tasks", "long_task") => "longest task",
        _ => return name.to_owned(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_steps_are_told_in_the_largest_unit() {
        let ranges: Vec<_> = [900, 3_600, 21_600, 86_400, 604_800, 2_592_000].map(range).into();
        assert_eq!(ranges, ["15 min", "1 h", "6 h", "24 h", "7 d", "30 d"]);
        let steps: Vec<_> = [30, 60, 300, 3_600, 7_200].map(each).into();
        assert_eq!(steps, ["each 30 seconds", "each minute", "each 5 minutes", "each hour", "each 2 hours"]);
    }
}
