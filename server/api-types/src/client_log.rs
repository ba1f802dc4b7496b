//! What browsers log: messages in batches over a WebSocket or as a beacon, and what the server answers.
//!
//! A *stream* is what one page logs from its opening to its end. Its messages are numbered from 1 in the order they
//! were first sent, so stream and number name a message for good: a batch may be sent as often as it takes, over any
//! way and to any node, and each message is stored once.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One message. What a person typed never is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The browser's clock, in milliseconds since 1970. The server's own rules; this one is kept beside it.
    pub at: f64,
    pub level: Level,
    pub kind: Kind,
    /// One line for a person.
    pub description: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A script error nobody caught. Fields: `stack`, `source`.
    Error,
    /// The program gave up. Fields: `stack`.
    Panic,
    /// A page was opened. Fields: what it took, in milliseconds.
    Page,
    /// Something was asked for, or came to its end. Fields: `action`.
    Action,
    /// A call that failed. Fields: `method`, `path`, `status`, `code`, `request_id`.
    Call,
    /// Slow frames and long tasks of some time. Fields: those of [`frames`].
    Frames,
    /// A connection was lost or regained.
    Connection,
    /// Another page was shown.
    Route,
    /// The log about itself, such as how many messages had to be dropped.
    Log,
}

/// Fields of [`Kind::Frames`] that the server turns into metrics.
pub mod frames {
    /// Frames that took longer than 50 ms.
    pub const SLOW: &str = "slow_frames";
    /// Tasks that took longer than 50 ms.
    pub const LONG_TASKS: &str = "long_tasks";
    /// The longest of these tasks.
    pub const LONGEST_MS: &str = "longest_ms";
}

/// The field that names a request of ours; the line is then found by it.
pub const REQUEST_ID: &str = "request_id";

/// Messages of one stream with numbers that follow each other. On the socket each is one text message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// A UUID, made up by the page.
    pub stream: String,
    /// The number of the first message; at least 1.
    pub first: u64,
    /// The release of the front end that wrote them.
    pub release: String,
    /// The project that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    pub messages: Vec<Message>,
}

/// What a page sends when it ends, or where it has no socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// The session's CSRF token, or before sign-in that of the form: a beacon can carry no header.
    pub token: String,
    pub batches: Vec<Batch>,
}

/// What the server says on the socket, as JSON in text messages. A beacon is answered with a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// These are stored, or were before: they may be forgotten.
    Stored { stream: String, first: u64, last: u64 },
    /// Nothing was stored: the same batch again after this time, to this node or another.
    Later { stream: String, first: u64, retry_after_ms: u64 },
    /// This stream is not to be sent in this session.
    Refused { stream: String, reason: Refusal },
    /// The socket closes, since this node stops: open another one at a time of your own within this span.
    Bye { within_ms: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is another person's. Whoever wrote it may still send it.
    OtherUser,
    /// Its numbers have more gaps than any browser leaves: it is to be forgotten.
    Sequence,
}

/// Close codes of the socket, beside those of the protocol. Their reasons are the names here in lower case.
pub mod close {
    /// The session is over; another one may go on.
    pub const SESSION_ENDED: u16 = 4401;
    /// Not a batch, or one that breaks a limit below: the same again would be refused again.
    pub const MALFORMED: u16 = 4400;
    /// Larger than [`LARGEST_BATCH`](super::LARGEST_BATCH).
    pub const TOO_LARGE: u16 = 4413;
    /// More than a session may send: wait [`TOO_FAST_WAIT_MS`](super::TOO_FAST_WAIT_MS), then the same again.
    pub const TOO_FAST: u16 = 4429;
    /// This node stops; sent after [`Answer::Bye`](super::Answer::Bye).
    pub const RESTARTS: u16 = 1012;
}

/// Bytes of one text message, and of a beacon: browsers send no larger beacon.
pub const LARGEST_BATCH: usize = 60 << 10;
/// Messages of one batch.
pub const MOST_MESSAGES: usize = 64;
/// Batches of one beacon.
pub const MOST_BATCHES: usize = 16;
/// Bytes of a description.
pub const LONGEST_DESCRIPTION: usize = 2 << 10;
/// Bytes of a text in the fields: a stack.
pub const LONGEST_TEXT: usize = 6 << 10;
/// Bytes of all fields of a message, keys and texts together.
pub const LARGEST_FIELDS: usize = 8 << 10;
/// Fields of a message, those inside others included.
pub const MOST_FIELDS: usize = 32;
/// Bytes of a field's name.
pub const LONGEST_KEY: usize = 64;
/// Objects and lists inside each other, the fields themselves included.
pub const DEEPEST: usize = 4;
/// Bytes of a release's name.
pub const LONGEST_RELEASE: usize = 64;
/// The highest number of a message: what a browser's numbers hold exactly.
pub const HIGHEST_NUMBER: u64 = (1 << 53) - 1;
/// How long a browser stays away that was too fast.
pub const TOO_FAST_WAIT_MS: u64 = 15_000;

impl Batch {
    /// The number of the last message.
    pub fn last(&self) -> u64 {
        self.first.saturating_add(self.messages.len() as u64).saturating_sub(1)
    }
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Page => "page",
            Self::Action => "action",
            Self::Call => "call",
            Self::Frames => "frames",
            Self::Connection => "connection",
            Self::Route => "route",
            Self::Log => "log",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_read_as_a_browser_writes_it() {
        let text = r#"{"stream":"6f1c6c1e-93ce-4f0c-9a3f-3f6a37c3f6d1","first":3,"release":"1","messages":[
            {"at":1700000000000.5,"level":"error","kind":"call","description":"It failed.","fields":{"status":502}},
            {"at":0,"level":"debug","kind":"route","description":"/"}]}"#;
        let batch: Batch = serde_json::from_str(text).expect("a batch");
        assert_eq!((batch.first, batch.last()), (3, 4));
        assert_eq!((batch.messages[0].level, batch.messages[0].kind), (Level::Error, Kind::Call));
        assert!(batch.messages[1].fields.is_empty());
        let again: Batch =
            serde_json::from_str(&serde_json::to_string(&batch).expect("JSON")).expect("a batch");
        assert_eq!(again, batch);
    }

    #[test]
    fn names_are_those_of_the_json() {
        for level in [Level::Error, Level::Warn, Level::Info, Level::Debug] {
            assert_eq!(serde_json::to_value(level).expect("JSON"), level.name());
        }
        for kind in [
            Kind::Error,
            Kind::Panic,
            Kind::Page,
            Kind::Action,
            Kind::Call,
            Kind::Frames,
            Kind::Connection,
            Kind::Route,
            Kind::Log,
        ] {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.name());
        }
    }
}
