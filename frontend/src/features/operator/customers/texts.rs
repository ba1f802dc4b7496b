//! The words an operator reads about customers.

use api_types::operator::{customers::CustomersFound, flags::CustomerFlag};

use crate::ui::format;

pub const TITLE: &str = "Customers";
pub const ABOUT: &str = "Find a person or a project by a part of the name or by the id; people also by the address they \
                         come from.";
pub const SEARCH: &str = "Name, id or address";
pub const FIND: &str = "Find";
pub const PEOPLE: &str = "People";
pub const PROJECTS: &str = "Projects";
pub const NOBODY: &str = "Nobody is called so.";
pub const NO_PROJECT: &str = "No project is called so.";
pub const CUT: &str = "There are more than are listed. A longer part of the name finds fewer.";
pub const NOT_ASKED_TITLE: &str = "Whom do you look for?";
pub const NOT_ASKED: &str = "What is found comes from the panel's own records and, as far as your rights there go, from \
                             Keystone.";
pub const PERSON_HEADS: &[&str] = &["Name", "Domain", "Sessions", "Last seen"];
pub const FOUND_PERSON_HEADS: &[&str] = &["Name", "Domain", "Sessions", "Last seen", "State"];
pub const PROJECT_HEADS: &[&str] = &["Name", "Id", "State", "Actions"];
pub const SESSION_HEADS: &[&str] = &["Browser", "Address", "Signed in", "Last used", "Log", "Actions"];
pub const LINE_HEADS: &[&str] = &["Time", "Level", "What happened", "Request"];
pub const JOB_HEADS: &[&str] = &["Action", "Project", "Servers", "State", "Begun"];
pub const VIEW_HEADS: &[&str] = &["Operator", "Reason", "Begun", "Ended"];
pub const DISABLED: &str = "Disabled";
pub const ENABLED: &str = "Enabled";
pub const UNTOLD: &str = "Not told by Keystone";
pub const NEVER: &str = "Not signed in now";
pub const PERSON: &str = "Person";
pub const PROJECT: &str = "Project";
pub const ID: &str = "Id";
pub const DOMAIN: &str = "Domain";
pub const STATE: &str = "State";
pub const SESSIONS: &str = "Sessions";
pub const NO_SESSIONS: &str = "Nobody is signed in under this name now.";
pub const ERRORS: &str = "Warnings and errors";
pub const NO_ERRORS: &str = "There were none in these days.";
pub const CALLS: &str = "Calls to the cloud";
pub const NO_CALLS: &str = "There were none in these days.";
pub const JOBS: &str = "Jobs";
pub const NO_JOBS: &str = "There are no jobs.";
pub const NO_PROJECTS: &str = "No project is known.";
pub const SUPPORT_VIEWS: &str = "Support views";
pub const NO_SUPPORT_VIEWS: &str = "Nobody has looked at this project.";
pub const SIGN_IN: &str = "Sign-in";
pub const NO_FAILURES: &str = "No failed sign-ins are counted at the moment.";
pub const LIFT: &str = "Lift the lockout";
pub const FORGET_FAILURES: &str = "Forget the failures";
pub const LIFTED: &str = "The name can be tried again.";
pub const END: &str = "End";
pub const END_SESSION: &str = "End session";
pub const OWN: &str = "Yours";
pub const ALL_LINES: &str = "All of it in the log";
pub const LINES_OF_SESSION: &str = "Lines";
pub const SESSION_ENDED: &str = "The session was ended.";
pub const VIEW: &str = "Support view…";
pub const NO_ROLE: &str = "You have no role in this project";
pub const VIEW_ABOUT: &str = "You see the panel of this project, with your own rights, for half an hour at most. Nothing \
                              can be changed meanwhile. Your reason, every page you open and the end are logged.";
pub const CUSTOMER: &str = "For whom";
pub const CUSTOMER_HINT: &str = "The customer's name, if there is one.";
pub const REASON: &str = "Reason";
pub const REASON_MISSING: &str = "Please say why, in 10 characters at least: the customer's people may ask.";
pub const REASON_HINT: &str = "10 to 500 characters, such as the ticket and what it is about.";
pub const BEGIN: &str = "Begin support view";
pub const FLAGS: &str = "Flags";
pub const FLAGS_ABOUT: &str = "What the next page they open has. Who has what is changed under Health.";
pub const FLAG_HEADS: &[&str] = &["Flag", "What it is", "State", "Why"];
pub const ON: &str = "On";
pub const OFF: &str = "Off";
pub const CANCEL: &str = "Cancel";
pub const STILL_OPEN: &str = "Still open";
pub const NOT_TOLD: &str = "Keystone does not tell.";

/// "3 people, 2 projects".
pub fn found(found: &CustomersFound) -> String {
    let people = format::counted(found.people.len() as u64, "person", "people");
    format!("{people}, {}", format::counted(found.projects.len() as u64, "project", "projects"))
}

pub fn days(days: u32) -> String {
    format!("The latest of the last {days} days.")
}

pub fn view_of(project: &str) -> String {
    format!("Support view of {project}")
}

pub fn end_question(browser: &str) -> String {
    format!("End the session of {browser}?")
}

pub fn end_text(user: &str, address: &str) -> String {
    format!("{user} is signed out at {address} within seconds, and forms that are not sent yet are lost.")
}

pub fn end_named(browser: &str, address: &str) -> String {
    format!("End session of {browser} at {address}")
}

pub fn locked(failures: u32, secs: u64) -> String {
    format!(
        "Locked out for another {} after {}.",
        format::countdown(secs),
        format::counted(u64::from(failures), "failed sign-in", "failed sign-ins")
    )
}

pub fn failed(failures: u32) -> String {
    format!(
        "{} of late, not locked out.",
        format::counted(u64::from(failures), "failed sign-in", "failed sign-ins")
    )
}

pub fn flag_why(flag: &CustomerFlag) -> String {
    match (flag.is_named, flag.percent, flag.is_on) {
        (true, ..) => "Named by operators".to_owned(),
        (false, 0, _) => "Off for everybody".to_owned(),
        (false, 100, _) => "On for everybody".to_owned(),
        (false, percent, true) => format!("Among the {percent} % who have it"),
        (false, percent, false) => format!("Not among the {percent} % who have it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_has_a_reason() {
        let why = |is_on, is_named, percent| {
            flag_why(&CustomerFlag { name: String::new(), says: String::new(), is_on, is_named, percent })
        };
        assert_eq!(why(true, true, 0), "Named by operators");
        assert_eq!(
            (&*why(false, false, 0), &*why(true, false, 100)),
            ("Off for everybody", "On for everybody")
        );
        assert_eq!(why(true, false, 25), "Among the 25 % who have it");
        assert_eq!(why(false, false, 25), "Not among the 25 % who have it");
    }
}
