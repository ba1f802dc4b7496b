//! The list of metrics: names, kinds, tags and what each says. `METRICS.md` is written from it.

/// How a metric's values go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; every count arrives.
    Counter,
    /// How long something took.
    Timer,
    /// How much there is now, on this node.
    Gauge,
    /// How much there is now, of something that all nodes share and each can count.
    SharedGauge,
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $kind:ident $variant:ident = $name:literal $([$($tag:ident),+])?;)+) => {
        /// What is measured. Each tag has few values: the templates of routes, services, regions, codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Metric {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Metric {
            /// Every metric there is.
            pub const ALL: &'static [Metric] = &[$(Self::$variant,)+];

            /// The name without what goes before it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => metrics!(@kind $kind),)+
                }
            }

            /// The names of its tags, in the order of their values.
            pub const fn tags(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($(stringify!($tag),)+)?],)+
                }
            }

            /// What it says, as one line.
            pub const fn says(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+
                }
            }
        }
    };
    (@kind counter) => { Kind::Counter };
    (@kind timer) => { Kind::Timer };
    (@kind gauge) => { Kind::Gauge };
    (@kind shared_gauge) => { Kind::SharedGauge };
}

metrics! {
    /// Somebody signed in.
    counter LoginSuccess = "auth.login.success";
    /// Somebody was refused for wrong credentials.
    counter LoginFailure = "auth.login.failure";
    /// Somebody was refused because of too many failures before.
    counter LoginLockout = "auth.login.lockout";
    /// Sign-in was not possible because Keystone or our database did not answer.
    counter LoginUnavailable = "auth.login.unavailable";

    /// A request was answered. Outcomes: `ok`, `redirect`, `refused`, `failed`.
    counter Request = "http.request" [route, outcome];
    /// From the request's head to the answer's head.
    timer RequestDuration = "http.request_duration" [route];
    /// An error was answered, by its code; errors of services that are passed on count in `proxy.call` alone.
    counter ErrorAnswered = "http.error" [code];

    /// A session was looked up. Where it was found: `memory`, `database`, `grace`, `none`.
    counter SessionLookup = "session.lookup" [found];
    /// Reading a session from the database.
    timer SessionQuery = "session.query";
    /// A session ended. Why: `signed_out`, `revoked`, `expired`, `keystone`.
    counter SessionEnded = "session.ended" [why];
    /// Sessions in memory.
    gauge SessionsInMemory = "session.in_memory";

    /// A call to an upstream service. Outcomes: `ok`, or what went wrong.
    counter UpstreamCall = "upstream.call" [service, region, outcome];
    /// A call to an upstream service.
    timer UpstreamDuration = "upstream.duration" [service, region];
    /// A circuit changed. States: `open`, `half_open`, `closed`.
    counter UpstreamCircuit = "upstream.circuit" [service, region, state];

    /// A request was passed on to a service, or refused on the way. Outcomes: `ok`, `refused` and `failed` by the
    /// service, `caller_left`, or our error's code.
    counter ProxyCall = "proxy.call" [service, region, outcome];
    /// From the request's head to the end of the answer.
    timer ProxyDuration = "proxy.duration" [service, region];
    /// Requests being passed on, WebSockets included.
    gauge ProxyOpen = "proxy.open" [service, region];

    /// Filling the index of one region.
    timer IndexFill = "index.fill" [region];
    /// A refresh of the index of one region. Outcomes: `ok`, or what went wrong.
    counter IndexRefresh = "index.refresh" [region, outcome];
    /// Bytes held by all indexes.
    gauge IndexBytes = "index.bytes";
    /// Servers held by all indexes.
    gauge IndexRows = "index.rows";
    /// Open streams of servers.
    gauge Viewers = "index.viewers";

    /// An item of a job ended, or went back in line. Results: `done`, `failed`, `waiting`, `uncertain`.
    counter JobItem = "jobs.item" [region, result];
    /// Doing one item of a job.
    timer JobItemDuration = "jobs.item_duration" [region];
    /// A job was paused because it could not go on by itself.
    counter JobHeld = "jobs.held";
    /// Items of running jobs that are not done, of all nodes together.
    shared_gauge JobItemsToDo = "jobs.items_to_do";

    /// What people did to servers by requests that were passed on and could not be kept for the servers' histories.
    counter ChangesLost = "changes.lost";

    /// Whether `/health` sends people to this node: 1 or 0.
    gauge HealthInService = "health.in_service";
    /// Whether this node can use something it needs: 1 or 0.
    gauge HealthNeed = "health.need" [need];
    /// How late a task of this node got its turn at most, in milliseconds, since the last round of checks.
    gauge HealthLate = "health.late_ms";

    /// Lines of the log that found no room on their way to an output, by their level.
    counter LogDropped = "log.dropped" [level];
    /// What browsers logged. Outcomes: `stored`, `repeated` (it was stored before), `dropped` (received beyond what
    /// is kept of a day).
    counter ClientLogMessage = "client_log.message" [outcome];
    /// What browsers logged was not taken. Reasons: `malformed`, `too_large`, `too_fast`, `binary`, `not_utf8`, `full`,
    /// `too_many_pages`.
    counter ClientLogRefused = "client_log.refused" [reason];
    /// Storing a group of batches that browsers logged.
    timer ClientLogStore = "client_log.store";
    /// Open sockets of browsers that log.
    gauge ClientLogSockets = "client_log.sockets";
    /// An error that a browser's page did not expect. Kinds: `error` (of a script), `panic` (of the program).
    counter BrowserErrors = "browser.errors" [kind];
    /// Frames that took a browser longer than 50 ms, by its own word.
    counter BrowserSlowFrames = "browser.slow_frames";
    /// The longest task of half a minute in which a browser had one of more than 50 ms, by its own word.
    timer BrowserLongTask = "browser.long_task";

    /// The share of users who have a flag, in percent, as this node has it.
    gauge FlagPercent = "flags.percent" [flag];

    /// Connections to the database. States: `used`, `idle`.
    gauge DatabaseConnections = "database.connections" [state];

    /// Memory that the process has in use.
    gauge ProcessMemory = "process.memory_bytes";
    /// Processor time that the process took, in milliseconds, its own and the kernel's for it.
    counter ProcessCpu = "process.cpu_ms";
    /// Threads of the process.
    gauge ProcessThreads = "process.threads";
    /// File descriptors that are open: connections, above all.
    gauge ProcessOpenFiles = "process.open_files";
    /// Threads that requests are worked on by.
    gauge RuntimeWorkers = "runtime.workers";
    /// Time these threads were at work, in milliseconds, all together.
    counter RuntimeBusy = "runtime.busy_ms";
    /// Tasks that are not done: at least one for each connection.
    gauge RuntimeTasks = "runtime.tasks";
    /// Tasks that were given to threads by others and wait for them.
    gauge RuntimeQueue = "runtime.queue";

    /// Datagrams sent to statsd. Graphite has those of all nodes that arrived, `/metrics` those that a node sent: what lies
    /// between, over the same time, was lost on the way.
    counter Datagrams = "metrics.datagrams";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_metrics_share_a_name() {
        let names: HashSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }

    #[test]
    fn every_metric_says_a_sentence_and_has_a_name_that_statsd_can_take() {
        for metric in Metric::ALL {
            assert!(metric.says().contains('.') || metric.says().ends_with('.'), "{metric:?}");
            let is_plain = |b: u8| b.is_ascii_lowercase() || b == b'_' || b == b'.';
            assert!(metric.name().bytes().all(is_plain) && metric.name().contains('.'), "{metric:?}");
        }
    }
}
