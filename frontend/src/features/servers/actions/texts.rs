//! The words a person reads where something is done to servers.

use api_types::servers::action::{ActionKind, Impossible};

use crate::{
    jobs::texts::{action, impossible, servers, titled},
    ui::format,
};

pub const NONE_CHOSEN: &str = "Tick the servers first.";
pub const ONE_AT_A_TIME: &str = "This is done to one server at a time.";
pub const ONE_REGION: &str = "They are in several regions; choose servers of one.";
pub const CANCEL: &str = "Cancel";
pub const ONLY_THOSE: &str = "They are left out:";
pub const FIRST_ARRIVED: &str = "Your first press arrived after all, though no answer came: it is under way with what \
                                 was filled in then, and the jobs show what becomes of it. What is filled in now was \
                                 not sent. Look at the server first; pressing again asks for this as well.";
pub const LOOKING: &str = "Looking up what goes with it…";
pub const NOTHING_CHANGED: &str = "Nothing was changed yet.";

/// "Actions for web-1", "Actions for 12 servers"
pub fn menu_label(name: Option<&str>, count: usize) -> String {
    match name {
        Some(name) => format!("Actions for {name}"),
        None => format!("Actions for {}", servers(count)),
    }
}

/// The button that does it.
pub fn submit(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Describe | ActionKind::Tag | ActionKind::SetMetadata => "Save",
        kind => action(kind),
    }
}

/// "12 of 15"
pub fn of(possible: usize, total: usize) -> String {
    format!("{} of {}", format::number(possible as u64), format::number(total as u64))
}

/// "Stop web-1?", "Stop 12 servers?"
pub fn question(kind: ActionKind, name: Option<&str>, count: usize) -> String {
    format!("{}?", titled(kind, name, count))
}

/// "RegionTwo has no such service."
pub fn no_service(region: &str) -> String {
    format!("{region} has no service for this.")
}

/// For several servers that are all the same.
pub fn of_all(why: &str) -> String {
    format!("Of each of them: {}", lowered(why))
}

/// For several servers, the most of which are the same.
pub fn of_some(count: usize, why: &str) -> String {
    format!("Of {} of them: {}", format::number(count as u64), lowered(why))
}

/// "3 servers: it is shut off; this needs active."
pub fn left_out(count: usize, because: &Impossible) -> String {
    format!("{}: {}", servers(count), lowered(&impossible(because)))
}

/// "and 7 more"
pub fn and_more(count: usize) -> String {
    format!("and {} more", format::number(count as u64))
}

/// "Type “delete” to confirm"
pub fn type_to_confirm(word: &str) -> String {
    format!("Type “{word}” to confirm")
}

/// What is wrong with the word typed.
pub fn type_the_word(word: &str) -> String {
    format!("Type “{word}” to confirm.")
}

/// "Its own disk of 20 GiB is deleted, with everything on it."
pub fn disk_lost(disk_gib: u32) -> String {
    format!("Its own disk{} is deleted, with everything on it.", of_size(disk_gib))
}

/// "Its own disk of 20 GiB is written anew."
pub fn disk_rewritten(disk_gib: u32) -> String {
    format!("Its own disk{} is written anew from the image.", of_size(disk_gib))
}

pub fn volume_lost(name: &str) -> String {
    format!("The volume {name} is deleted with it.")
}

pub fn volume_rewritten(name: &str) -> String {
    format!(
        "The volume {name}, from which it runs, is written anew from the image where the region can do that."
    )
}

pub fn volume_stays(name: &str) -> String {
    format!("The volume {name} stays as it is.")
}

pub fn floating_stays(ip: &str) -> String {
    format!("The floating IP {ip} stays with the project and leads nowhere.")
}

pub fn volumes_not_known(why: &str) -> String {
    format!("Which volumes it has could not be found out. {why}")
}

pub fn not_looked_up(why: &str) -> String {
    format!("What else goes with it could not be looked up. {why}")
}

fn of_size(disk_gib: u32) -> String {
    if disk_gib == 0 { String::new() } else { format!(" of {} GiB", format::number(u64::from(disk_gib))) }
}

fn lowered(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_ascii_lowercase().to_string() + letters.as_str(),
        None => String::new(),
    }
}
