//! How the panel is used, counted: which pages and dialogs, how often, never by whom.
//!
//! Only what is named here is ever counted, so that nothing of a person (an id, a name, a search) can get in between.

use serde::{Deserialize, Serialize};

use crate::servers::action::ActionKind;

/// What a browser has counted since it last said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyticsBatch {
    /// The person at the browser agreed to it.
    pub consented: bool,
    pub items: Vec<AnalyticsItem>,
}

/// One thing and how often it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyticsItem {
    pub kind: Counted,
    /// One of [`Counted::known`].
    pub name: String,
    pub count: u32,
}

/// Kinds of things that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// A page was opened: the template of its address.
    Page,
    /// A dialog was shown.
    Shown,
    /// What a dialog asked about was done.
    Executed,
    /// Servers were created: [`SERVERS_CREATED`].
    Created,
}

/// Whether people are asked before anything is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalyticsConsent {
    /// Nothing is counted before somebody agrees to it.
    #[default]
    Ask,
    /// It is counted unless the browser says Do Not Track or Global Privacy Control.
    NotNeeded,
    /// Nothing is counted.
    Off,
}

/// What a browser has to know before it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsRules {
    pub consent: AnalyticsConsent,
    /// How many days a count is kept.
    pub keep_days: u32,
}

/// Which days an operator asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsQuery {
    /// The last so many days, today included; one of [`ANALYTICS_RANGES`].
    #[serde(default = "first_range")]
    pub days: u32,
}

/// What was counted in some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsReport {
    pub rules: AnalyticsRules,
    /// A database of addresses is configured, so countries are known.
    pub knows_countries: bool,
    /// Every day of the range, the oldest first; days without a count too.
    pub days: Vec<AnalyticsDay>,
    /// Pages by how often they were opened.
    pub pages: Vec<NamedCount>,
    /// Dialogs by how often they were shown.
    pub popovers: Vec<PopoverCount>,
    /// Page views by browser: "Firefox 140".
    pub browsers: Vec<NamedCount>,
    /// Page views by country, as two letters (ISO 3166-1); `??` where the database does not know the address.
    pub countries: Vec<NamedCount>,
}

/// One day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsDay {
    /// `2026-11-22`.
    pub day: String,
    pub views: u64,
    pub servers_created: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedCount {
    pub name: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopoverCount {
    pub name: String,
    pub shown: u64,
    pub executed: u64,
}

/// The ranges that can be asked for, in days.
pub const ANALYTICS_RANGES: [u32; 4] = [7, 30, 90, 365];
/// Things in one batch at most.
pub const MOST_ITEMS: usize = 100;
/// How often one thing can have happened in one batch.
pub const LARGEST_COUNT: u32 = 1_000;
/// The one name of [`Counted::Created`].
pub const SERVERS_CREATED: &str = "servers";

/// The pages that are counted, as templates of their addresses. The first that fits an address is its page.
pub const PAGES: &[&str] = &[
    "/account/sessions",
    "/projects/{project}/servers",
    "/projects/{project}/servers/new",
    "/projects/{project}/servers/{region}/{server}",
    "/projects/{project}/images",
    "/projects/{project}/key-pairs",
    "/projects/{project}/flavors",
    "/projects/{project}/server-groups",
    "/projects/{project}/quotas",
];

/// The dialogs that are counted beside those of a server's actions.
pub const POPOVERS: &[&str] = &["delete_image", "delete_key_pair", "delete_server_group"];

impl Counted {
    /// A name of this kind as it is kept; `None` for one that nobody made.
    pub fn known(self, name: &str) -> Option<&'static str> {
        let of = |names: &[&'static str]| names.iter().find(|known| **known == name).copied();
        match self {
            Self::Page => of(PAGES),
            Self::Shown | Self::Executed => of(POPOVERS)
                .or_else(|| ActionKind::ALL.iter().map(|kind| kind.name()).find(|known| *known == name)),
            Self::Created => of(&[SERVERS_CREATED]),
        }
    }
}

fn first_range() -> u32 {
    ANALYTICS_RANGES[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_dialog_that_is_counted_under_the_name_it_travels_by() {
        for kind in ActionKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.name());
            assert_eq!(Counted::Shown.known(kind.name()), Some(kind.name()));
        }
    }

    #[test]
    fn what_nobody_made_is_not_counted() {
        for name in ["", "/projects/4f1d/servers", "delete ", "Delete", "/projects/{project}/servers?q=x"] {
            for kind in [Counted::Page, Counted::Shown, Counted::Executed, Counted::Created] {
                assert_eq!(kind.known(name), None, "{name}");
            }
        }
        assert_eq!(Counted::Page.known("delete"), None);
    }

    #[test]
    fn no_two_dialogs_have_one_name() {
        assert!(ActionKind::ALL.iter().all(|kind| !POPOVERS.contains(&kind.name())));
    }
}
