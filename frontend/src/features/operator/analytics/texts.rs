//! The words an operator reads about how the panel is used.

use crate::ui::format;

pub const TITLE: &str = "Analytics";
pub const RANGE: &str = "Range";
pub const VIEWS: &str = "Page views per day (UTC)";
pub const CREATED: &str = "Servers created per day (UTC)";
pub const PAGES: &str = "Pages";
pub const POPOVERS: &str = "Dialogs";
pub const POPOVERS_ABOUT: &str = "How often each was shown, and how often what it asked about was done.";
pub const BROWSERS: &str = "Browsers";
pub const COUNTRIES: &str = "Countries";
pub const NO_DATABASE: &str = "Countries are not counted: no address database is configured \
                               (analytics.address_database).";
pub const OFF_TITLE: &str = "Nothing is counted";
pub const OFF: &str = "Analytics are switched off on this panel (analytics.consent). What was counted before is kept until \
                       its days are over.";
pub const EMPTY_TITLE: &str = "Nothing was counted in these days";
pub const EMPTY_ASK: &str = "People are asked first, and counted only once they agree. Counts appear some seconds after \
                             a page was opened.";
pub const EMPTY: &str = "Counts appear some seconds after a page was opened.";
pub const NONE: &str = "Nothing yet.";
pub const PAGE_HEADS: &[&str] = &["Page", "Views", "Share"];
pub const POPOVER_HEADS: &[&str] = &["Dialog", "Shown", "Done", "Share"];
pub const BROWSER_HEADS: &[&str] = &["Browser", "Views", "Share"];
pub const COUNTRY_HEADS: &[&str] = &["Country", "Views", "Share"];
pub const DAY_HEADS: &[&str] = &["Day (UTC)", "Page views", "Servers created"];
pub const AS_TABLE: &str = "The days as a table";
pub const UNKNOWN_COUNTRY: &str = "Not known";

pub fn days(days: u32) -> String {
    format!("{days} days")
}

/// How it is counted, for whoever is asked about it.
pub fn about(is_asked: bool, keep_days: u32) -> String {
    let consent = if is_asked { "after people agreed to it" } else { "without asking" };
    format!(
        "Counted by the panel itself, {consent}; never where a browser says Do Not Track or Global Privacy Control. \
         There are no cookies and nothing of a person: each number stands for everybody of a day. Numbers are kept for \
         {keep_days} days."
    )
}

pub fn in_all(views: u64, created: u64) -> String {
    format!(
        "{}, {} created",
        format::counted(views, "page view", "page views"),
        format::counted(created, "server", "servers")
    )
}

pub fn of_day(day: &str, count: u64) -> String {
    format!("{day}: {}", format::number(count))
}

pub fn share(part: u64, whole: u64) -> String {
    (part * 100 + whole / 2).checked_div(whole).map_or_else(|| "–".to_owned(), |share| format!("{share} %"))
}

/// A page by what it shows.
pub fn page(template: &str) -> String {
    let name = match template {
        "/account/sessions" => "My sessions",
        "/projects/{project}/servers" => "Servers",
        "/projects/{project}/servers/new" => "Create servers",
        "/projects/{project}/servers/{region}/{server}" => "One server",
        "/projects/{project}/images" => "Images",
        "/projects/{project}/key-pairs" => "Key pairs",
        "/projects/{project}/flavors" => "Flavors",
        "/projects/{project}/server-groups" => "Server groups",
        "/projects/{project}/quotas" => "Quotas",
        other => other,
    };
    name.to_owned()
}

/// `attach_floating_ip` as "Attach floating ip".
pub fn popover(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_and_nothing_of_nothing_is_none() {
        assert_eq!(share(1, 3), "33 %");
        assert_eq!(share(2, 3), "67 %");
        assert_eq!(share(0, 0), "–");
    }

    #[test]
    fn names_of_programs_become_words() {
        assert_eq!(popover("attach_floating_ip"), "Attach floating ip");
        assert_eq!(popover(""), "");
        assert_eq!(page("/projects/{project}/quotas"), "Quotas");
    }
}
