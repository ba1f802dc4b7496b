//! The list of metric names.

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What is measured. The tags stand in the doc line; each has few values.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Metric {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Metric {
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Every name there is.
            pub const ALL: &'static [Metric] = &[$(Self::$variant,)+];
        }
    };
}

metrics! {
    /// Counter: somebody signed in.
    LoginSuccess = "auth.login.success",
    /// Counter: somebody was refused for wrong credentials.
    LoginFailure = "auth.login.failure",
    /// Counter: somebody was refused because of too many failures before.
    LoginLockout = "auth.login.lockout",
    /// Counter: sign-in was not possible because Keystone or our database did not answer.
    LoginUnavailable = "auth.login.unavailable",
    /// Counter: a request was answered. Tags: route, outcome (`ok`, `redirect`, `refused`, `failed`).
    Request = "http.request",
    /// Timer: from the request's head to the answer's head. Tag: route.
    RequestDuration = "http.request_duration",
    /// Counter: a session was looked up. Tag: where it was found (`memory`, `database`, `grace`, `none`).
    SessionLookup = "session.lookup",
    /// Timer: reading a session from the database.
    SessionQuery = "session.query",
    /// Counter: a session ended. Tag: why (`signed_out`, `revoked`, `expired`, `keystone`).
    SessionEnded = "session.ended",
    /// Gauge: sessions in this node's memory.
    SessionsInMemory = "session.in_memory",
    /// Counter: a call to an upstream service. Tags: service, region, outcome.
    UpstreamCall = "upstream.call",
    /// Timer: a call to an upstream service. Tags: service, region.
    UpstreamDuration = "upstream.duration",
    /// Counter: a circuit changed. Tags: service, region, state (`open`, `half_open`, `closed`).
    UpstreamCircuit = "upstream.circuit",
    /// Counter: a request was passed on to a service, or refused on the way. Tags: service, region, outcome (`ok`,
    /// `refused` and `failed` by the service, `caller_left`, or our error's code).
    ProxyCall = "proxy.call",
    /// Timer: from the request's head to the end of the answer. Tags: service, region.
    ProxyDuration = "proxy.duration",
    /// Gauge: requests being passed on now, WebSockets included. Tags: service, region.
    ProxyOpen = "proxy.open",
    /// Timer: filling the index of one region. Tag: region.
    IndexFill = "index.fill",
    /// Counter: a refresh of the index of one region. Tags: region, outcome.
    IndexRefresh = "index.refresh",
    /// Gauge: bytes held by all indexes of this node.
    IndexBytes = "index.bytes",
    /// Gauge: servers held by all indexes of this node.
    IndexRows = "index.rows",
    /// Counter: an item of a job ended, or went back in line. Tags: region, result (`done`, `failed`, `waiting`,
    /// `uncertain`).
    JobItem = "jobs.item",
    /// Timer: doing one item of a job. Tag: region.
    JobItemDuration = "jobs.item_duration",
    /// Counter: a job was paused because it could not go on by itself.
    JobHeld = "jobs.held",
    /// Gauge: items of running jobs that are not done, on all nodes together.
    JobItemsToDo = "jobs.items_to_do",
    /// Gauge: open streams of this node.
    Viewers = "index.viewers",
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
}
