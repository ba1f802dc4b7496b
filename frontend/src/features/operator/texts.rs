//! The words a person reads around the sections of the console.

pub const CONSOLE: &str = "Operator console";
pub const IS_LOGGED: &str = "What you look at and do here is logged.";
pub const LEAVE: &str = "Back to my servers";
pub const SECTIONS: &str = "Sections of the console";
pub const OVER: &str = "It is over: load the page again to go on.";

pub fn time_left(left: &str) -> String {
    format!("{left} left")
}
