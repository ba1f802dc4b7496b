//! The words a person reads on the servers pages.

use super::rows::{Column, Facet, Problem};
use crate::ui::format;

pub const TITLE: &str = "Servers";
pub const UNKNOWN: &str = "—";
pub const GONE: &str = "Deleted";
pub const LOCKED: &str = "Locked";
pub const SELECT: &str = "Select";
pub const SELECT_IN_SIGHT: &str = "Select the servers in sight";
pub const VOLUME: &str = "Volume";
pub const NO_TAG: &str = "No tag";
pub const NO_ZONE: &str = "No zone";
pub const NOT_SAID: &str = "Not said";
pub const COPY_ADDRESS: &str = "Copy address";
pub const DEGRADED: &str = "The region's answer about this server could not be read as a whole.";

pub const SEARCH: &str = "Search servers";
pub const SEARCH_HELP_TITLE: &str = "What the search understands";
pub const REGIONS: &str = "Regions";
pub const LOADING: &str = "loading";
pub const NO_ANSWER: &str = "no answer";
pub const SELECTION: &str = "Selection";
pub const IS_FIRST: &str = "This column is the first.";
pub const IS_LAST: &str = "This column is the last.";
pub const NOT_SAVED: &str = "The file was not saved: its list was left before it was whole.";
pub const CANNOT_SAVE: &str = "This browser does not let the page save a file.";
pub const SAVING_NOT_HERE: &str =
    "The part of the panel that saves files could not be loaded. Try again, or reload the page.";
pub const KEYS_SEARCH: &str = "Search";
pub const KEYS_LIST: &str = "In the list";
pub const KEY_NEXT: &str = "Next server";
pub const KEY_PREVIOUS: &str = "Previous server";
pub const KEY_ARROWS: &str = "Next and previous, in the list";
pub const KEY_ENDS: &str = "First and last, in the list";
pub const KEY_PAGES: &str = "A page on or back, in the list";
pub const KEY_OPEN: &str = "Open the server";
pub const KEY_SELECT: &str = "Select the server";
pub const KEY_COPY: &str = "Copy the server's first address";
pub const KEY_CLEAR: &str = "Clear the selection";
pub const FILTERS: &str = "Filters";
pub const CLEAR_FILTERS: &str = "Clear filters";
pub const COLUMNS: &str = "Columns";
pub const EXPORT: &str = "Export";
pub const COMPACT: &str = "Compact rows";
pub const DEFAULT_COLUMNS: &str = "Default columns";
pub const FEWER: &str = "Fewer";
pub const RETRY: &str = "Retry";
pub const INVERT: &str = "Invert";
pub const CLEAR_SELECTION: &str = "Clear";
pub const COPY_IDS: &str = "Copy IDs";
pub const COPY_ADDRESSES: &str = "Copy addresses";
pub const NO_ADDRESS: &str = "This server has no address.";
pub const CANNOT_COPY: &str = "This browser does not let the page copy.";
pub const UP_TO_DATE: &str = "Up to date";
pub const RECONNECTING: &str = "Connection lost, trying again";
pub const NOT_UPDATED: &str = "No longer updated";
pub const SHOWN_AS_LEFT: &str = "The servers are shown as they were and no longer updated.";
pub const SESSION_OVER: &str = "Your session is over.";

pub const ACTIONS: &str = "Actions";
pub const ACTIONS_NOT_HERE: &str =
    "The part of the panel that acts on servers could not be loaded. Try again, or reload the page.";
pub const KEY_ACTIONS: &str = "What can be done to the server, or to all that are ticked";
pub const CREATE: &str = "Create";

pub const NOTHING_YET: &str = "No servers yet";
pub const NOTHING_YET_MORE: &str = "This project has no server in any region. Servers made with the command line, \
                                    Terraform or the API appear here by themselves.";
pub const NO_MATCH: &str = "No server matches";
pub const NO_MATCH_MORE: &str = "Search and filters together leave none of this project's servers.";
pub const UNREACHABLE: &str = "The servers could not be loaded";
pub const UNREACHABLE_MORE: &str = "The panel does not answer. It is asked again by itself.";
pub const PARTLY_UNREACHABLE: &str = "Not every region could be asked";
pub const REGIONS_UNREACHABLE_MORE: &str =
    "No region answers at the moment. They are asked again by themselves.";

pub fn column(column: Column) -> &'static str {
    match column {
        Column::Status => "Status",
        Column::Name => "Name",
        Column::Tags => "Tags",
        Column::Addresses => "IP addresses",
        Column::Region => "Region",
        Column::Flavor => "Flavor",
        Column::Image => "Image",
        Column::Created => "Created",
        Column::Vcpus => "vCPUs",
        Column::Ram => "RAM",
        Column::Disk => "Disk",
        Column::Zone => "Zone",
        Column::Updated => "Updated",
        Column::Id => "ID",
    }
}

pub fn facet(facet: Facet) -> &'static str {
    match facet {
        Facet::Region => "Region",
        Facet::Status => "Status",
        Facet::Image => "Image",
        Facet::Ram => "RAM",
        Facet::Flavor => "Flavor",
        Facet::Tag => "Tag",
        Facet::Zone => "Availability zone",
    }
}

/// "Search 10,000 servers…"
pub fn search_hint(servers: usize) -> String {
    match servers {
        0 => format!("{SEARCH}…"),
        _ => format!("Search {}…", count(servers)),
    }
}

/// "10,000 servers"
pub fn count(servers: usize) -> String {
    format::counted(servers as u64, "server", "servers")
}

/// "1,204 of 10,000 servers"
pub fn matching(matching: usize, total: usize) -> String {
    if matching == total {
        count(total)
    } else {
        format!("{} of {}", format::number(matching as u64), count(total))
    }
}

/// "all 10,000 servers", "the 1,204 servers that match"
pub fn all_matching(matching: usize, total: usize) -> String {
    if matching == total {
        format!("all {}", count(total))
    } else {
        format!("the {} that match", count(matching))
    }
}

/// "4,096 of 10,000 servers loaded"
pub fn loading(loaded: usize, expected: usize) -> String {
    if expected > loaded {
        format!("{} of {} loaded", format::number(loaded as u64), count(expected))
    } else {
        format!("{} so far", count(loaded))
    }
}

/// "34 selected"
pub fn selected(count: usize) -> String {
    format!("{} selected", format::number(count as u64))
}

/// "Select all 1,204 matching"
pub fn select_all(matching: usize) -> String {
    format!("Select all {} matching", format::number(matching as u64))
}

/// "+3"
pub fn and_more(left_out: usize) -> String {
    format!("+{left_out}")
}

/// "12 more"
pub fn more_values(count: usize) -> String {
    format!("{} more", format::number(count as u64))
}

/// "3 new servers"
pub fn new_rows(count: usize) -> String {
    format::counted(count as u64, "new server", "new servers")
}

/// For a server without a name: "(no name) 1f3a9c02".
pub fn unnamed(id: &str) -> String {
    format!("(no name) {}", id.get(..8).unwrap_or(id))
}

/// For an image known by its id alone.
pub fn unnamed_image(id: &str) -> String {
    format!("Unnamed {}", id.get(..8).unwrap_or(id))
}

/// "RegionTwo does not answer."
pub fn region_unreachable(region: &str) -> String {
    format!("{region} does not answer.")
}

/// "RegionTwo does not answer; the other regions have no server of this project."
pub fn regions_unreachable(regions: &[String]) -> String {
    let do_not = if regions.len() == 1 { "does not" } else { "do not" };
    format!("{} {do_not} answer; the other regions have no server of this project.", regions.join(", "))
}

/// "Its servers are shown as they were 2 minutes ago."
pub fn region_stale(ago: &str) -> String {
    format!("Its servers are shown as they were {ago}.")
}

pub const REGION_MISSING: &str = "Its servers are missing here.";
pub const REGION_PARTLY_MISSING: &str = "Some of its servers are missing here.";

/// "Next try in 12 s."
pub fn next_try(seconds: u64) -> String {
    match seconds {
        0 => "Trying again now.".to_owned(),
        _ => format!("Next try in {seconds} s."),
    }
}

/// "1,200 of 3,333"
pub fn of(rows: &str, expected: &str) -> String {
    format!("{rows} of {expected}")
}

/// "1,200, 2 minutes ago"
pub fn as_of(rows: &str, ago: &str) -> String {
    format!("{rows}, {ago}")
}

/// "Last answer 2 minutes ago"
pub fn last_answer(ago: &str) -> String {
    format!("Last answer {ago}")
}

/// "Fewer (312 more by search)"
pub fn fewer_of(left_out: usize) -> String {
    format!("{FEWER} ({} more by search)", format::number(left_out as u64))
}

/// "Remove Status: Active"
pub fn remove_filter(facet: &str, value: &str) -> String {
    format!("Remove {facet}: {value}")
}

pub fn move_up(column: &str) -> String {
    format!("Move {column} to the left")
}

pub fn move_down(column: &str) -> String {
    format!("Move {column} to the right")
}

pub fn copied(text: &str) -> String {
    format!("Copied {text}")
}

/// "12 lines copied"
pub fn copied_lines(lines: usize) -> String {
    format!("{} copied", format::counted(lines as u64, "line", "lines"))
}

/// "1,204 servers saved"
pub fn exported(servers: usize) -> String {
    format!("{} saved", count(servers))
}

/// Why a part of the search is taken as plain text.
pub fn problem(problem: &Problem) -> String {
    match problem {
        Problem::Amount(text) => format!("“{text}” names no amount, so it is searched as text."),
        Problem::Date(text) => {
            format!("“{text}” names no date such as 2025-01-31, so it is searched as text.")
        }
        Problem::Age(text) => format!("“{text}” names no age such as 7d, so it is searched as text."),
        Problem::TooMany(text) => format!("“{text}” and what follows is left out: the search is too long."),
        Problem::Network(text) => {
            format!("“{text}” is no network such as 10.0.0.0/8, so it is searched as text.")
        }
    }
}

/// What the search understands: an example and what it finds.
pub const SEARCH_HELP: &[(&str, &str)] = &[
    ("web prod", "every word, in name, ID, address, tag or metadata"),
    ("\"two words\"", "words that stand together"),
    ("10.0.0.0/8", "addresses of a network, IPv6 too"),
    ("tag:prod", "a field: name, id, ip, tag, meta, status, region, image, flavor, az"),
    ("meta:owner=ops", "a key and value of the metadata"),
    ("ram>=8g  vcpus<4", "sizes"),
    ("age<7d  created>2025-01-31", "when it was created"),
    ("-status:error", "everything but that"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_servers_read_as_sentences() {
        assert_eq!(search_hint(10_000), "Search 10,000 servers…");
        assert_eq!(search_hint(0), "Search servers…");
        assert_eq!(matching(1, 1), "1 server");
        assert_eq!(matching(3, 12_000), "3 of 12,000 servers");
        assert_eq!(loading(64, 10_000), "64 of 10,000 servers loaded");
        assert_eq!(loading(64, 0), "64 servers so far");
        assert_eq!(new_rows(1), "1 new server");
    }

    #[test]
    fn a_short_or_foreign_id_is_never_cut_inside_a_letter() {
        assert_eq!(unnamed("äöüäöüäöü"), "(no name) äöüä");
        assert_eq!(unnamed("ab"), "(no name) ab");
    }
}
