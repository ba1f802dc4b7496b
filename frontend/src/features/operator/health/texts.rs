//! The words a person reads in the section *Health*.

use api_types::operator::flags::FlagState;

use crate::ui::format;

pub const TITLE: &str = "Health";
pub const NEEDS: &str = "What this node needs";
pub const NEEDS_HEADS: &[&str] = &["Need", "State", "Since", "Last check", "What follows"];
pub const SERVICES: &str = "Services by region";
pub const SERVICES_ABOUT: &str = "Circuits are this node's own: after failures in a row it asks a service no more, and \
                                  tries it again by itself. A probe makes one small call now, with your own rights.";
pub const SERVICES_HEADS: &[&str] =
    &["Service", "Circuit", "Last answer", "Last failure", "Other nodes", "Try it"];
pub const NO_SERVICES: &str =
    "No service is known yet. The first person who signs in brings the list of them along.";
pub const NODES: &str = "Nodes";
pub const NODES_HEADS: &[&str] = &["Node", "State", "Release", "Place", "Running since", "Last heartbeat"];
pub const NODES_OLD: &str = "The database does not answer, so this is what was known before.";
pub const HOPS: &str = "Next hops";
pub const HOPS_ABOUT: &str = "Each node looks at the configured addresses of the others: a second opinion that needs \
                              no database.";
pub const HOPS_FROM: &str = "Seen from";
pub const NO_HOPS: &str = "None are configured. With health.next_hops the nodes look at each other, and without the \
                           database they can tell whether it is gone for all of them.";
pub const QUEUES: &str = "Waiting";
pub const DATABASE: &str = "Database";
pub const NO_DATABASE: &str =
    "It does not answer. Sessions in memory are served meanwhile, and nobody can sign in.";
pub const FLAGS: &str = "Flags";
pub const FLAGS_ABOUT: &str =
    "Parts of the panel that not everybody has to have. Pages that are open stay as they are.";
pub const FLAGS_HEADS: &[&str] = &["Flag", "Who has it", "Since", "Why", "Change it"];
pub const AS_CONFIGURED: &str = "As configured";
pub const CHANGE: &str = "Change…";
pub const FLAG_ABOUT: &str = "Every node follows within moments. A page that is open stays as it is until it is loaded \
                              again.";
pub const PERCENT: &str = "Percent of users";
pub const PERCENT_HINT: &str = "Raising it only adds users: who has it keeps it.";
pub const ON_FOR: &str = "On for these users";
pub const NAMES_HINT: &str = "Names of users, a line each.";
pub const OFF_FOR: &str = "Off for these users";
pub const OFF_HINT: &str = "Names of users, a line each. Whatever the percentage.";
pub const BECAUSE: &str = "Why";
pub const BECAUSE_HINT: &str = "For those who find it later, such as a ticket.";
pub const SET_FLAG: &str = "Set";
pub const TAKE_BACK: &str = "Take back";
pub const CANCEL: &str = "Cancel";
pub const FLAG_SET: &str = "The flag was changed.";
pub const FLAG_TAKEN_BACK: &str = "The flag is as configured again.";
pub const THIS_NODE: &str = "This node";
pub const PROBE: &str = "Probe";
pub const NEVER: &str = "Never";
pub const NONE: &str = "None";
pub const NOTHING: &str = "Nothing";
pub const ALL_CLOSED: &str = "All closed";
pub const UNKNOWN: &str = "Not known now";
pub const NOT_CALLED: &str = "Not called yet";
pub const IN_SERVICE: &str = "In service";
pub const OUT_OF_SERVICE: &str = "Out of service";
pub const HALF_OPEN: &str = "Half-open, the next call tries it";
pub const COMING_BACK: &str = "Coming back, call by call";
pub const CLOSED_BUT: &str = "Closed, the last call failed";
pub const NOT_HEARD: &str = "Not heard of";
pub const GOING_AWAY: &str = "Going away";
pub const IN_SERVICE_BUT: &str = "In service, though not everything works";
pub const WORKS_BUT: &str = "Works, though the last check failed";
pub const WORKS: &str = "Works";
pub const LACKING: &str = "Lacking";
pub const LATE: &str = "Longest wait of a task";
pub const HEARTBEAT: &str = "Heartbeat";
pub const ROLE: &str = "Role";
pub const CONNECTIONS: &str = "Connections";
pub const SIZE: &str = "Size";
pub const LOG: &str = "Log";
pub const POSTGRESQL: &str = "PostgreSQL";
pub const OPEN: &str = "Open";
pub const CLOSED: &str = "Closed";
pub const REPLICA: &str = "replica";
pub const PRIMARY_ALONE: &str = "primary, no replicas";

pub fn primary_with(replicas: &str) -> String {
    format!("primary, {replicas}")
}

/// "12 MB in 14 days".
pub fn log_of(size: &str, days: &str) -> String {
    format!("{size} in {days}")
}

/// "Out of service: without keystone, busy".
pub fn out_because(because: &str) -> String {
    format!("{OUT_OF_SERVICE}: {because}")
}

pub fn seen_by(node: &str) -> String {
    format!("As {node} sees it, renewed every few seconds while this page is in front.")
}

/// What the button is called for those who cannot see its row.
pub fn probe_named(service: &str, region: Option<&str>) -> String {
    format!("Probe {}", named(service, region))
}

/// "Compute in RegionOne", "Identity".
pub fn named(service: &str, region: Option<&str>) -> String {
    match region {
        Some(region) => format!("{} in {region}", service_name(service)),
        None => service_name(service),
    }
}

pub fn service_name(service: &str) -> String {
    let name = service.replace('-', " ");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a node lacks or does, as the server names it.
pub fn lack(code: &str) -> String {
    match code {
        "draining" => "going away".to_owned(),
        "starting" => "starting".to_owned(),
        "stalled" => "its checks stand still".to_owned(),
        "busy" => "its tasks wait too long for their turn".to_owned(),
        need => format!("without {}", need.replace('-', " ")),
    }
}

/// Why something failed: an upstream's or the database's code.
pub fn failure(code: &str, status: Option<u16>) -> String {
    let words = match code {
        "upstream_timeout" => "no answer in time",
        "upstream_unreachable" => "no connection",
        "upstream_unavailable" => "out of order",
        "upstream_error" => "failed inside",
        "circuit_open" => "its circuit is open",
        "upstream_busy" => "too many calls wait for it",
        "database_timeout" => "no answer in time",
        "database_unreachable" => "no connection",
        "database_read_only" => "it only reads",
        "database_error" => "it refused",
        "unexpected_answer" => "somebody else answers there",
        other => other,
    };
    match status {
        Some(status) => format!("{words} ({status})"),
        None => words.to_owned(),
    }
}

/// What a node does about something it lacks.
pub fn conclusion(is_out: bool, why: &str) -> &'static str {
    match (is_out, why) {
        (true, "only_here") => "Out of service: other nodes have it",
        (true, "nobody_to_ask") => "Out of service: there is no other node to ask",
        (true, "everywhere") => "Out of service, as is every node",
        (true, _) => "Out of service, as configured",
        (false, "everywhere") => "Stays in service: no node has it",
        (false, "cannot_ask") => "Stays in service: the other nodes cannot be asked",
        (false, _) => "Stays in service, as configured",
    }
}

pub fn queue(code: &str) -> String {
    match code {
        "jobs" => "Items of jobs to do, all nodes".to_owned(),
        "log_stdout" => "Log lines for standard output".to_owned(),
        "log_postgres" => "Log lines for Postgres".to_owned(),
        "client_log" => "Batches that browsers logged".to_owned(),
        "log_gelf" => "Log lines for Graylog".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What came of a probe that was answered; a refusal is an answer too, and says something about the caller only.
pub fn answered(named: &str, status: Option<u16>, took_ms: u64, circuit: &str) -> String {
    let code = status.map(|status| format!(" {status}")).unwrap_or_default();
    let said = format!("{named} answered{code} after {took_ms} ms.");
    let refused = match status {
        Some(401) => "it did not accept your token",
        Some(403) => "it refused this call to you, for want of a role there",
        Some(404) => {
            "it has nothing at the address of the probe, so the address in the service catalog may be wrong"
        }
        Some(400..500) => "it refused this one call",
        _ => return said,
    };
    format!("{said} It is reachable and its circuit is {circuit}; {refused}.")
}

pub fn not_answered(named: &str, why: &str) -> String {
    format!("{named} was probed and failed: {why}.")
}

pub fn next_try(seconds: u64) -> String {
    format!("Open, next try in {seconds} s")
}

pub fn milliseconds(ms: u64) -> String {
    format!("{ms} ms")
}

pub fn connections(open: u32, idle: u32, most: u32) -> String {
    format!("{open} of {most} open, {idle} idle")
}

/// "1.5 GB", from bytes.
pub fn size(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (bytes.max(0), 0);
    let mut tenths = 0;
    while size >= 1000 && unit + 1 < UNITS.len() {
        (tenths, size, unit) = (size % 1000 / 100, size / 1000, unit + 1);
    }
    if unit > 0 && size < 10 && tenths > 0 {
        format!("{size}.{tenths} {}", UNITS[unit])
    } else {
        format!("{size} {}", UNITS[unit])
    }
}

/// "25 % of users, and 2 users besides, 1 without".
pub fn who_has(flag: &FlagState) -> String {
    let Some(set) = &flag.set else { return share(flag.configured_percent) };
    let users = |names: &[String]| format::counted(names.len() as u64, "user", "users");
    let (on, off) = (users(&set.on_for), users(&set.off_for));
    let mut said = share(set.percent);
    match set.percent {
        0 if !set.on_for.is_empty() => said += &format!(" but {on}"),
        100 if !set.off_for.is_empty() => said += &format!(" but {off}"),
        0 | 100 => {}
        _ => {
            if !set.on_for.is_empty() {
                said += &format!(", and {on} besides");
            }
            if !set.off_for.is_empty() {
                said += &format!(", {} without", set.off_for.len());
            }
        }
    }
    said
}

fn share(percent: u8) -> String {
    match percent {
        0 => "Nobody".to_owned(),
        100 => "Everybody".to_owned(),
        percent => format!("{percent} % of users"),
    }
}

/// "ticket 17 (operator)"; nothing where it is as configured.
pub fn why_set(flag: &FlagState) -> String {
    flag.set.as_ref().map(|set| format!("{} ({})", set.because, set.changed_by)).unwrap_or_default()
}

pub fn flag(name: &str) -> String {
    format!("Flag {name}")
}

/// What the button is called for those who cannot see its row.
pub fn change_named(name: &str) -> String {
    format!("Change {name}")
}

/// "Take back (everybody)".
pub fn take_back(configured_percent: u8) -> String {
    format!("{TAKE_BACK} ({})", share(configured_percent).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_as_people_say_them() {
        assert_eq!(named("block-storage", Some("RegionTwo")), "Block storage in RegionTwo");
        assert_eq!(named("identity", None), "Identity");
    }

    #[test]
    fn a_probe_that_is_refused_says_that_the_service_is_reachable() {
        let said = |status| answered("Compute in RegionOne", Some(status), 7, "closed");
        assert_eq!(said(200), "Compute in RegionOne answered 200 after 7 ms.");
        assert_eq!(
            said(403),
            "Compute in RegionOne answered 403 after 7 ms. It is reachable and its circuit is closed; it refused this \
             call to you, for want of a role there."
        );
        for (status, why) in
            [(401, "your token"), (404, "address in the service catalog"), (409, "this one call")]
        {
            let said = said(status);
            assert!(
                said.contains("It is reachable and its circuit is closed") && said.contains(why),
                "{said}"
            );
        }
        assert!(answered("Identity", Some(401), 7, "coming back").contains("its circuit is coming back"));
    }

    #[test]
    fn sizes_are_short() {
        let words = [0, 999, 1_000, 1_550_000, 15_500_000, 2_000_000_000].map(size);
        assert_eq!(words, ["0 B", "999 B", "1 kB", "1.5 MB", "15 MB", "2 GB"]);
    }

    #[test]
    fn what_is_not_known_is_shown_as_it_came() {
        assert_eq!(failure("teapot", Some(418)), "teapot (418)");
        assert_eq!(lack("block-storage"), "without block storage");
        assert_eq!(queue("some_thing"), "some thing");
    }
}
