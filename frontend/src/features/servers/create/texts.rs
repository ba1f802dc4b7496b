//! The words a person reads while servers are put together and made.

use super::{
    makings::{Batch, State},
    names::{MOST, NameError},
    user_data::{Finding, Kind, MOST_ENCODED},
};
use crate::ui::format::{counted, number};

pub const TITLE: &str = "Create servers";
pub const ABOVE: &str = "Servers";
pub const CLONE: &str = "Clone";

// The draft.
pub const RESTORED: &str = "Your draft was restored. Last changed ";
pub const KEPT_UNTIL: &str =
    " This tab keeps it until its servers are made, you start afresh, or you sign out.";
pub const START_AFRESH: &str = "Start afresh";
pub const NOT_AFRESH: &str = "Servers are being created from this draft. Start afresh once they are.";
pub const NOT_COPIED: &str =
    "User data and what is on its disk are not copied: the cloud does not tell them.";

// The summary.
pub const SUMMARY: &str = "Summary";
pub const AS_COMMANDS: &str = "As curl, CLI, Terraform";
pub const COMMANDS_TITLE: &str = "The same without the panel";
pub const COMMANDS_ABOUT: &str = "What is in the form now. User data is read from a file named user-data, and secrets from \
                                  variables that are yours to set; your credentials are your own.";
pub const NOT_CHOSEN: &str = "not chosen yet";
pub const NO_NETWORK: &str = "none";
pub const NO_ROOMS: &str = "What is left of the quota could not be loaded.";
pub const NO_LIMIT: &str = "no limit";
pub const NAME: &str = "Name";
pub const REGION: &str = "Region";
pub const IMAGE: &str = "Image";
pub const FLAVOR: &str = "Flavor";
pub const NETWORK: &str = "Network";
pub const KEY_PAIR: &str = "Key pair";
pub const DISK: &str = "Disk";
pub const PRICE: &str = "Price";
pub const SERVERS: &str = "Servers";
pub const VCPUS: &str = "vCPUs";
pub const RAM: &str = "RAM";

// What comes of a press on Create.
pub const UNSURE: &str =
    "No answer came, so it may be on its way all the same. Trying again looks for it first.";
pub const INTERRUPTED: &str = "This page was closed before an answer came, so it may be on its way all the same. Trying \
                               again looks for it first.";
pub const NOT_BEGUN: &str = "This page was closed before it was created.";
pub const COME_BACK: &str = "The form is kept: open Create to try again.";

// The sections.
pub const NOT_LOADED: &str = "This could not be loaded. ";
pub const RETRY: &str = "Retry";
pub const NONE: &str = "None";
pub const ANY: &str = "Any";
pub const NAME_TITLE: &str = "Name and description";
pub const NAME_LABEL: &str = "Name, or a pattern for many";
pub const NAME_HINT: &str = "For many at once, put a range in braces: web-{01..20}";
pub const DESCRIPTION: &str = "Description (optional)";
pub const SEARCH_IMAGES: &str = "Search images";
pub const SEARCH_IMAGES_HINT: &str = "Search images…";
pub const WHOSE: &str = "Whose";
pub const ALL: &str = "All";
pub const PROVIDED: &str = "Provided";
pub const MINE: &str = "Mine";
pub const SHARED: &str = "Shared with me";
pub const SYSTEM: &str = "System";
pub const SNAPSHOT: &str = "Snapshot";
pub const NO_IMAGE: &str = "This region has no image that can be used.";
pub const NO_IMAGE_FOUND: &str = "No image matches.";
pub const NO_FLAVOR: &str = "This region offers no flavor to this project.";
pub const PRICE_AN_HOUR: &str = "Price an hour";
pub const FITS: &str = "Fits";
pub const DOES_FIT: &str = "Yes";
pub const AS_THE_IMAGE: &str = "as the image";
pub const UNKNOWN: &str = "unknown";
pub const NO_VOLUMES: &str =
    "The server starts from its flavor\u{2019}s own disk: this region has no volumes.";
pub const FROM_VOLUME: &str = "Start from a new volume";
pub const FROM_VOLUME_HINT: &str = "The volume is made from the image and outlives the server if you wish.";
pub const VOLUME_SIZE: &str = "Size of the volume in GiB";
pub const KEEP_VOLUME: &str = "Keep the volume when the server is deleted";
pub const NETWORKS: &str = "Networks";
pub const NO_NETWORKS: &str = "This region has no network for this project.";
pub const WITHOUT_NETWORK: &str = "Without a network";
pub const WITHOUT_NETWORK_HINT: &str = "It can be attached to one later.";
pub const EXTERNAL: &str = "external";
pub const SHARED_NETWORK: &str = "shared";
pub const SECURITY_GROUPS: &str = "Security groups";
pub const NO_GROUP_CHOSEN: &str = "With none chosen the cloud takes the group \u{201c}default\u{201d}.";
pub const KEY_PAIR_LABEL: &str = "Key pair to open it with";
pub const KEY_PAIR_HINT: &str =
    "The public half is put into the server. Without one you need another way in, such as user data.";
pub const CREATE_KEY_PAIR: &str = "Create…";
pub const IMPORT_KEY_PAIR: &str = "Import…";
pub const USER_DATA: &str = "User data";
pub const USER_DATA_LABEL: &str = "Cloud-config or script (optional)";
pub const USER_DATA_HINT: &str = "What the server does on its first start.";
pub const FROM_FILE: &str = "From a file…";
pub const FROM_FILE_LABEL: &str = "Load user data from a file";
pub const REMOVE_FILE: &str = "Remove the file";
pub const FILE_TOO_LARGE: &str = "This file is far larger than user data may be (48 KiB).";
pub const FILE_UNREADABLE: &str = "The file could not be read.";
pub const LABELS: &str = "Tags and metadata";
pub const TAGS: &str = "Tags";
pub const TAGS_HINT: &str = "Enter or a comma adds one.";
pub const METADATA: &str = "Metadata";
pub const METADATA_NAME: &str = "Name";
pub const METADATA_VALUE: &str = "Value";
pub const ADD_METADATA: &str = "Add metadata";
pub const PLACEMENT: &str = "Placement";
pub const ZONE: &str = "Availability zone";
pub const SERVER_GROUP: &str = "Server group";
pub const SERVER_GROUP_HINT: &str = "Keeps its servers on different hosts, or on one.";

// What keeps a form from being sent.
pub const CHOOSE_REGION: &str = "Choose a region.";
pub const CHOOSE_IMAGE: &str = "Choose an image.";
pub const CHOOSE_FLAVOR: &str = "Choose a flavor.";
pub const SAY_VOLUME_SIZE: &str = "Say how large the volume is to be, in whole GiB.";
pub const CHOOSE_NETWORK: &str = "Choose a network, or say that there is to be none.";
pub const USELESS_USER_DATA: &str = "The user data cannot be used as it is.";
pub const TOO_MANY_TAGS: &str = "A server has at most 50 tags.";
pub const METADATA_UNNAMED: &str = "A value in the metadata has no name. Give it one, or remove it.";

/// What stands on the button.
pub fn create_button(count: usize, is_again: bool) -> String {
    match (is_again, count) {
        (true, count) => format!("Try {} again", servers(count)),
        (false, 1) => "Create server".to_owned(),
        (false, count) => format!("Create {}", servers(count)),
    }
}

pub fn creating(count: usize) -> String {
    format!("Creating {}", servers(count))
}

/// How the servers of the last press are doing, in a line.
pub fn progress(batch: &Batch) -> String {
    let count = |is: &dyn Fn(&State) -> bool| batch.makings.iter().filter(|making| is(&making.state)).count();
    let made = count(&|state| matches!(state, State::Made(_)));
    if !batch.has_failures() {
        return format!("{made} of {} are being created", batch.makings.len());
    }
    let unsure = count(&State::is_unsure);
    let refused = count(&|state| matches!(state, State::Failed(_)));
    let not_begun = count(&|state| *state == State::Interrupted { was_asked: false });
    let parts = [
        (made, if made == 1 { "is being created" } else { "are being created" }),
        (refused, "could not be created"),
        (unsure, "may or may not have been created"),
        (not_begun, if not_begun == 1 { "is not created yet" } else { "are not created yet" }),
    ];
    let told = parts.into_iter().filter(|(count, _)| *count > 0);
    told.map(|(count, words)| format!("{} {words}", servers(count))).collect::<Vec<_>>().join(", ")
}

/// All of them are on their way.
pub fn being_created(batch: &Batch) -> String {
    match batch.makings.as_slice() {
        [only] => format!("{} is being created.", only.name),
        all => format!("{} are being created.", servers(all.len())),
    }
}

fn servers(count: usize) -> String {
    counted(count as u64, "server", "servers")
}

pub fn filled_in_from(name: &str) -> String {
    format!("Filled in from {name}. {NOT_COPIED}")
}

pub fn region_lacks(region: &str, lost: &[String]) -> String {
    format!("{region} does not have: {}.", lost.join(", "))
}

pub fn unfit_chosen(why: &str) -> String {
    format!("The chosen flavor does not fit: {why}")
}

pub fn image_needs(gib: u32) -> String {
    format!("The image needs {gib} GiB.")
}

/// What an image needs at least.
pub fn from_disk(gib: u32) -> String {
    format!("from {gib} GiB disk")
}

pub fn from_ram(ram: &str) -> String {
    format!("from {ram} RAM")
}

pub fn new_volumes(count: usize, gib: u32) -> String {
    format!("{} of {} GiB", counted(count as u64, "new volume", "new volumes"), number(u64::from(gib)))
}

pub fn price(hourly: &str, monthly: &str) -> String {
    format!("{hourly} an hour, about {monthly} a month")
}

/// "3 left of 10"
pub fn left_of(left: &str, limit: &str) -> String {
    format!("{left} left of {limit}")
}

/// "2 too few"
pub fn too_few(missing: &str) -> String {
    format!("{missing} too few")
}

pub fn room_after(name: &str, words: &str) -> String {
    format!("{name} after this: {words}")
}

pub fn and_more(count: usize) -> String {
    format!("and {count} more")
}

pub fn no_host_name(letter: char) -> String {
    format!(
        "The host name is made from this. Clouds that keep names in their DNS refuse \u{201c}{letter}\u{201d} there, and the \
         server then ends in an error."
    )
}

pub fn remove_tag(tag: &str) -> String {
    format!("Remove tag {tag}")
}

pub fn remove_entry(number: usize) -> String {
    format!("Remove entry {number}")
}

/// "Value of entry 2"
pub fn of_entry(what: &str, number: usize) -> String {
    format!("{what} of entry {number}")
}

pub fn no_tag(tag: &str) -> String {
    format!("A tag has at most 60 characters and neither \u{201c}/\u{201d} nor \u{201c},\u{201d}: {tag}")
}

pub fn no_metadata_name(key: &str) -> String {
    format!("A name in the metadata is made of letters, digits and - _ : . only: {key}")
}

pub fn long_metadata(key: &str) -> String {
    format!("The value of {key} in the metadata is longer than 255 characters.")
}

pub fn metadata_twice(key: &str) -> String {
    format!("{key} stands twice in the metadata. Only one of them would be kept.")
}

pub fn name_problem(error: &NameError) -> String {
    match error {
        NameError::Empty => "Give it a name.".to_owned(),
        NameError::TooLong(start) => format!("A name has at most 255 characters: {start}…"),
        NameError::NoRange(range) => {
            format!(
                "\u{201c}{{{range}}}\u{201d} is no range. Write the first and the last number: {{01..20}}"
            )
        }
        NameError::TooMany(count) => {
            format!("That would be {count} servers; at most {MOST} are made at once.")
        }
        NameError::ControlCharacter => "A name has no control characters.".to_owned(),
        NameError::Blank(_) => "A name neither begins nor ends with a blank.".to_owned(),
        NameError::Beyond(letter) => format!("The cloud takes no \u{201c}{letter}\u{201d} in a name."),
    }
}

/// How large user data is, and what it is.
pub fn user_data_size(kind: Option<Kind>, encoded: usize) -> String {
    let kind = kind.map(|kind| format!("{} · ", kind_name(kind))).unwrap_or_default();
    format!("{kind}{} of {} characters as base64", number(encoded as u64), number(MOST_ENCODED as u64))
}

pub fn finding(finding: &Finding) -> String {
    match finding {
        Finding::TooLarge { encoded } => format!(
            "Too large: {} characters as base64, Nova takes {}. Put the rest where the server can fetch it.",
            number(*encoded as u64),
            number(MOST_ENCODED as u64)
        ),
        Finding::NoYaml { line, column, why } => {
            format!("Line {line}, column {column}: this is not YAML ({why}). cloud-init would ignore all of it.")
        }
        Finding::NoMapping => "A cloud-config is made of names and values: \u{201c}packages: […]\u{201d}.".to_owned(),
        Finding::UnknownKind => {
            "cloud-init does not know what this is, and ignores it: begin with #cloud-config, or #! for a script."
                .to_owned()
        }
        Finding::UnknownBytes => {
            "This file is neither text nor packed with gzip: cloud-init does not know what it is. It is sent as it is."
                .to_owned()
        }
        Finding::NearlyCloudConfig => {
            "The very first line has to be #cloud-config, exactly so; otherwise cloud-init ignores all of it.".to_owned()
        }
        Finding::UnknownKey { line, key, meant } => {
            let meant = meant.map(|meant| format!(" Is {meant} meant?")).unwrap_or_default();
            format!("Line {line}: cloud-init knows no \u{201c}{key}\u{201d}.{meant}")
        }
        Finding::TwiceTheSame { line, key } => {
            format!("Line {line}: \u{201c}{key}\u{201d} stands there twice; only the last one counts.")
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::CloudConfig => "cloud-config",
        Kind::Script => "Script",
        Kind::Include => "List of addresses to include",
        Kind::Boothook => "Boothook",
        Kind::Template => "Template",
        Kind::Multipart => "Several parts (MIME)",
        Kind::PartHandler => "Part handler",
        Kind::PowerShell => "Script for Windows",
        Kind::Packed => "Packed (gzip)",
    }
}
