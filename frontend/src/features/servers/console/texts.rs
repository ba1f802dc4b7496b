//! The words of the console.

pub const CONSOLE: &str = "Console";
pub const VIEWS: &str = "Kinds of console";
pub const LOG: &str = "Log";
pub const SERIAL: &str = "Serial line";
pub const SCREEN: &str = "Screen";

pub const FOLLOW: &str = "Follow";
pub const FIND: &str = "Show lines with";
pub const LINES: &str = "Lines";
pub const ALL_LINES: &str = "All";
pub const COPY_LOG: &str = "Copy log";
pub const EMPTY_LOG: &str = "The server has written nothing yet.";
pub const NO_LINE: &str = "No line has this text.";

pub const CONNECTING: &str = "Connecting";
pub const CONNECTED: &str = "Connected";
pub const RECONNECTING: &str = "The connection was lost. Connecting again";
pub const ENDED: &str = "The console has ended.";
pub const OVER: &str = "Your session has ended.";
pub const CONNECT: &str = "Connect again";
pub const KEYS_HINT: &str = "Keys go to the server while this has the focus. Ctrl+Alt+Escape leaves it.";
pub const PASTE: &str = "Paste";
pub const KEYBOARD: &str = "Keyboard";
pub const CTRL_ALT_DEL: &str = "Send Ctrl+Alt+Del";
pub const TERMINAL_LABEL: &str = "Serial console. Ctrl+Alt+Escape leaves it.";
pub const SCREEN_LABEL: &str = "Screen of the server. Ctrl+Alt+Escape leaves it.";
pub const CANNOT_PASTE: &str = "This browser does not let the page read the clipboard.";
pub const NOT_UNDERSTOOD: &str = "The server's screen speaks a language that is not understood here.";

/// How many lines are shown, of how many.
pub fn matches(shown: usize, all: usize) -> String {
    format!("{shown} of {all} lines")
}
