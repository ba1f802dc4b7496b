//! The words a person reads on the account pages.

pub const TITLE: &str = "My sessions";
pub const ABOUT: &str = "Everywhere you are signed in. A session you do not know can be ended here; whoever uses it \
                         is signed out within seconds.";
pub const BROWSER: &str = "Browser";
pub const ADDRESS: &str = "Address";
pub const SIGNED_IN: &str = "Signed in";
pub const LAST_USED: &str = "Last used";
pub const THIS_ONE: &str = "This session";
pub const END: &str = "End";
pub const END_OTHERS: &str = "End all others";
pub const NO_OTHERS: &str = "There is no other session.";
pub const LOADING: &str = "Your sessions are being loaded.";
pub const UNKNOWN: &str = "Your sessions could not be loaded.";
pub const ENDED: &str = "The session was ended.";
pub const OTHERS_ENDED: &str = "All other sessions were ended.";
pub const ACTIONS: &str = "Actions";

/// What the button to end one session is called for those who cannot see its row.
pub fn end_named(browser: &str, address: &str) -> String {
    format!("End session of {browser} at {address}")
}
