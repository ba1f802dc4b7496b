//! A server's console: what the panel says on its socket besides what the console says.

use serde::{Deserialize, Serialize};

use crate::ErrorBody;

/// Which console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsoleKind {
    /// The screen, as the RFB protocol has it (RFC 6143).
    Vnc,
    /// The first serial line, as bytes of a terminal.
    Serial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleQuery {
    pub kind: ConsoleKind,
}

/// The first message on the socket, as JSON in a text message. All others are binary and the console's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "console")]
pub enum ConsoleGreeting {
    Open,
    /// The socket closes after it.
    Refused {
        error: ErrorBody,
        /// The cloud's own words, where it was the cloud.
        #[serde(default)]
        upstream_message: Option<String>,
    },
}

/// Close codes of the socket.
pub const SESSION_OVER: u16 = 4401;
pub const CONSOLE_ENDED: u16 = 4410;
pub const NOT_OPENED: u16 = 4502;

impl ConsoleKind {
    /// As Nova names it. Source: compute API, create console.
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Vnc => "vnc",
            Self::Serial => "serial",
        }
    }

    /// As Nova names what serves it.
    pub fn nova_type(self) -> &'static str {
        match self {
            Self::Vnc => "novnc",
            Self::Serial => "serial",
        }
    }
}
