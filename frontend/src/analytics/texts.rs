//! The words about counting.

pub const TITLE: &str = "Usage statistics";
pub const ASK: &str = "May the panel count which of its pages and dialogs are used? Only numbers are kept: no cookies, \
                       no names, no addresses, nothing for anybody else.";
pub const CHANGE: &str = "You can change this under My sessions.";
pub const ALLOW: &str = "Allow";
pub const REFUSE: &str = "No, thanks";
pub const CHOICE: &str = "Count the pages and dialogs I use";
pub const BROWSER_REFUSES: &str = "Your browser asks not to be tracked, so nothing is counted.";

pub fn kept(days: &str) -> String {
    format!("Numbers are kept for {days} days.")
}
