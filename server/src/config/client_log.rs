//! How much browsers may log.

use super::reader::Reader;

/// Limits of what browsers log. What a single message may be stands in `api_types::client_log`.
#[derive(Clone, Debug)]
pub struct ClientLogConfig {
    /// Messages of one session in a second, all its tabs together; twenty seconds' worth may come at once. A message
    /// counts as 2 KB, so this bounds the bytes too. `client_log.messages_per_second`,
    /// `CLIENT_LOG_MESSAGES_PER_SECOND`, default 50.
    pub messages_per_second: f64,
    /// Messages in a minute from one address before sign-in; a minute's worth may come at once.
    /// `client_log.anonymous_per_minute`, `CLIENT_LOG_ANONYMOUS_PER_MINUTE`, default 30.
    pub anonymous_per_minute: f64,
    /// Messages in a second of all browsers together, on one node. `client_log.node_messages_per_second`,
    /// `CLIENT_LOG_NODE_MESSAGES_PER_SECOND`, default 20000.
    pub node_messages_per_second: f64,
    /// Messages of one session in a day, which is not to be a bound for anybody who works with many tabs; a day's worth
    /// may come at once. Beyond it only warnings and errors are kept, a tenth as many, and the rest is counted as
    /// received. `client_log.session_messages_per_day`, `CLIENT_LOG_SESSION_MESSAGES_PER_DAY`, default 100000.
    pub session_messages_per_day: f64,
    /// The same in size. `client_log.session_mib_per_day`, `CLIENT_LOG_SESSION_MIB_PER_DAY`, default 64.
    pub session_bytes_per_day: f64,
    /// Pages of one session that begin to log in an hour, as each leaves a row; those beyond have to wait.
    /// `client_log.pages_per_hour`, `CLIENT_LOG_PAGES_PER_HOUR`, default 300.
    pub pages_per_hour: f64,
    /// What all browsers together may log in a day, on one node; beyond it as for a session.
    /// `client_log.node_mib_per_day`, `CLIENT_LOG_NODE_MIB_PER_DAY`, default 20480.
    pub node_bytes_per_day: f64,
    /// Open sockets of one node. `client_log.sockets`, `CLIENT_LOG_SOCKETS`, default 20000.
    pub sockets: usize,
    /// Open sockets of one session, on one node. `client_log.sockets_per_session`, `CLIENT_LOG_SOCKETS_PER_SESSION`,
    /// default 256.
    pub sockets_per_session: usize,
    /// Memory for messages that wait to be stored, on one node. `client_log.pending_mib`, `CLIENT_LOG_PENDING_MIB`,
    /// default 32.
    pub pending_bytes: usize,
}

const MIB: f64 = 1_048_576.0;

impl ClientLogConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let default = Self::default();
        let rate = |text: &str| {
            let refusal = || "is not a number from 1 to 10000000".to_owned();
            text.parse::<f64>().ok().filter(|rate| (1.0..=1e7).contains(rate)).ok_or_else(refusal)
        };
        let per_second =
            reader.parse("client_log.messages_per_second", "CLIENT_LOG_MESSAGES_PER_SECOND", rate);
        let anonymous =
            reader.parse("client_log.anonymous_per_minute", "CLIENT_LOG_ANONYMOUS_PER_MINUTE", rate);
        let node =
            reader.parse("client_log.node_messages_per_second", "CLIENT_LOG_NODE_MESSAGES_PER_SECOND", rate);
        let mut per_day = |key, variable, default: u32| reader.number(key, variable, default, 1..=u32::MAX);
        let session_messages =
            per_day("client_log.session_messages_per_day", "CLIENT_LOG_SESSION_MESSAGES_PER_DAY", 100_000);
        let session_mib = per_day("client_log.session_mib_per_day", "CLIENT_LOG_SESSION_MIB_PER_DAY", 64);
        let pages = per_day("client_log.pages_per_hour", "CLIENT_LOG_PAGES_PER_HOUR", 300);
        let node_mib = per_day("client_log.node_mib_per_day", "CLIENT_LOG_NODE_MIB_PER_DAY", 20_480);
        Self {
            session_messages_per_day: session_messages.into(),
            session_bytes_per_day: f64::from(session_mib) * MIB,
            pages_per_hour: pages.into(),
            node_bytes_per_day: f64::from(node_mib) * MIB,
            messages_per_second: per_second.unwrap_or(default.messages_per_second),
            anonymous_per_minute: anonymous.unwrap_or(default.anonymous_per_minute),
            node_messages_per_second: node.unwrap_or(default.node_messages_per_second),
            sockets: reader.number(
                "client_log.sockets",
                "CLIENT_LOG_SOCKETS",
                default.sockets,
                1..=1_000_000,
            ),
            sockets_per_session: reader.number(
                "client_log.sockets_per_session",
                "CLIENT_LOG_SOCKETS_PER_SESSION",
                default.sockets_per_session,
                1..=100_000,
            ),
            pending_bytes: reader.number("client_log.pending_mib", "CLIENT_LOG_PENDING_MIB", 32, 1..=1024)
                << 20,
        }
    }
}

impl Default for ClientLogConfig {
    fn default() -> Self {
        Self {
            messages_per_second: 50.0,
            anonymous_per_minute: 30.0,
            node_messages_per_second: 20_000.0,
            session_messages_per_day: 100_000.0,
            session_bytes_per_day: 64.0 * MIB,
            pages_per_hour: 300.0,
            node_bytes_per_day: 20_480.0 * MIB,
            sockets: 20_000,
            sockets_per_session: 256,
            pending_bytes: 32 << 20,
        }
    }
}
