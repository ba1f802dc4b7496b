//! What a server's page shows: its tabs, and the row it knows best. Values in, values out.

use api_types::servers::{ServerDetail, ServerRow, detail::Part};
use serde_json::Value;

use super::detail_texts as texts;
use crate::ui::format;

/// A part of the page, as the URL's `tab` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DetailTab {
    #[default]
    Overview,
    Addresses,
    Volumes,
    Security,
    Metadata,
    Console,
    History,
    Json,
}

impl DetailTab {
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Addresses,
        Self::Volumes,
        Self::Security,
        Self::Metadata,
        Self::Console,
        Self::History,
        Self::Json,
    ];

    /// As the URL has it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Addresses => "addresses",
            Self::Volumes => "volumes",
            Self::Security => "security",
            Self::Metadata => "metadata",
            Self::Console => "console",
            Self::History => "history",
            Self::Json => "json",
        }
    }

    /// Anything unknown, or nothing, is the overview.
    pub fn from_key(key: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|tab| Some(tab.key()) == key).unwrap_or_default()
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Addresses => texts::ADDRESSES,
            Self::Volumes => "Volumes",
            Self::Security => texts::GROUPS,
            Self::Metadata => "Metadata and tags",
            Self::Console => "Console",
            Self::History => texts::HISTORY,
            Self::Json => texts::JSON,
        }
    }

    /// It shows something that no row has.
    pub fn is_of_the_rest(self) -> bool {
        !matches!(self, Self::Overview | Self::Metadata | Self::Console)
    }

    /// How many things are behind it, where that is known.
    pub fn count(self, row: Option<&ServerRow>, detail: Option<&ServerDetail>) -> Option<usize> {
        match self {
            Self::Overview | Self::Console | Self::Json => None,
            Self::Addresses => row.map(|row| row.addresses.len()),
            Self::Metadata => row.map(|row| row.metadata.len() + row.tags.len()),
            Self::Volumes => known(&detail?.volumes),
            Self::Security => known(&detail?.security_groups),
            Self::History => known(&detail?.actions),
        }
    }
}

/// The row to show: the list's, which is live, over the one that came with the rest.
pub fn best_row(listed: Option<ServerRow>, detail: Option<&ServerDetail>) -> Option<ServerRow> {
    listed.or_else(|| detail.map(|detail| detail.row.clone()))
}

/// What has to differ for the rest to be asked for again.
pub fn change_mark(row: &ServerRow) -> String {
    format!("{} {} {}", row.status, row.task_state.as_deref().unwrap_or_default(), row.updated_at)
}

/// Whether the rest is to be asked for again once the list's row, or its absence, is another. The first sight of the
/// row is no change; its last is one: only the region knows whether the server is gone.
pub fn has_changed(before: Option<&str>, now: Option<&str>) -> bool {
    before.is_some() && before != now
}

/// The name to show: a name of nothing but blanks is none.
pub fn shown_name(row: &ServerRow) -> String {
    if row.name.trim().is_empty() { texts::UNNAMED.to_owned() } else { row.name.clone() }
}

/// Nova's power state in words. Source: compute API, `OS-EXT-STS:power_state`.
pub fn power_word(state: Option<i64>) -> &'static str {
    match state {
        Some(0) => "No state",
        Some(1) => "Running",
        Some(3) => "Paused",
        Some(4) => "Shut down",
        Some(6) => "Crashed",
        Some(7) => "Suspended",
        _ => texts::UNKNOWN,
    }
}

/// An action as Nova spells it, for people: `live-migration` and `rebuild_instance` alike.
pub fn action_word(action: &str) -> String {
    let mut words = action.replace(['-', '_'], " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// JSON for people, two blanks a level.
pub fn pretty_json(value: &Value) -> String {
    let mut text = String::new();
    write_json(&mut text, value, 0);
    text
}

fn write_json(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(is_true) => text.push_str(if *is_true { "true" } else { "false" }),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => text.push_str(&whole.to_string()),
            (None, Some(whole)) => text.push_str(&whole.to_string()),
            (None, None) => text.push_str(&format::decimal(number.as_f64().unwrap_or_default())),
        },
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Array(items) => {
            let write = |text: &mut String, item: &Value| write_json(text, item, depth + 1);
            write_all(text, ['[', ']'], items.iter(), depth, write);
        }
        Value::Object(entries) => {
            let write = |text: &mut String, (key, value): (&String, &Value)| {
                text.push_str(&quoted(key));
                text.push_str(": ");
                write_json(text, value, depth + 1);
            };
            write_all(text, ['{', '}'], entries.iter(), depth, write);
        }
    }
}

fn write_all<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    depth: usize,
    mut write: impl FnMut(&mut String, T),
) {
    let start = text.len();
    text.push(open);
    for item in items {
        if text.len() > start + 1 {
            text.push(',');
        }
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth + 1));
        write(text, item);
    }
    if text.len() > start + 1 {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth));
    }
    text.push(close);
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn known<T>(part: &Part<Vec<T>>) -> Option<usize> {
    match part {
        Part::Known(items) => Some(items.len()),
        Part::Missing(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use api_types::ErrorBody;

    use super::*;

    fn row(name: &str) -> ServerRow {
        let id = "73c344c2-0b77-4253-873f-aa4d3c5c0ed4";
        serde_json::from_value(serde_json::json!({ "id": id, "name": name, "status": "ACTIVE" }))
            .expect("a row")
    }

    fn detail(row: ServerRow) -> ServerDetail {
        let missing = ErrorBody {
            code: "upstream_timeout".to_owned(),
            message: "It did not answer.".to_owned(),
            request_id: String::new(),
            retry_after_secs: None,
        };
        ServerDetail {
            region: "RegionOne".parse().expect("a region"),
            row,
            description: None,
            key_name: None,
            user_id: None,
            host_id: None,
            power_state: None,
            vm_state: None,
            launched_at: None,
            locked_reason: None,
            config_drive: None,
            volumes: Part::Known(Vec::new()),
            security_groups: Part::Missing(missing),
            interfaces: Part::Known(Vec::new()),
            actions: Part::Known(Vec::new()),
            raw: serde_json::Value::Null,
            calls: Vec::new(),
        }
    }

    #[test]
    fn a_tab_survives_the_url_and_an_unknown_one_is_the_overview() {
        for tab in DetailTab::ALL {
            assert_eq!(DetailTab::from_key(Some(tab.key())), tab);
        }
        assert_eq!(DetailTab::from_key(Some("<script>")), DetailTab::Overview);
        assert_eq!(DetailTab::from_key(None), DetailTab::Overview);
    }

    #[test]
    fn the_lists_row_wins_since_it_is_live() {
        let detail = detail(row("old"));
        assert_eq!(best_row(Some(row("new")), Some(&detail)).map(|row| row.name), Some("new".to_owned()));
        assert_eq!(best_row(None, Some(&detail)).map(|row| row.name), Some("old".to_owned()));
        assert_eq!(best_row(None, None), None);
    }

    #[test]
    fn the_rest_is_asked_for_again_when_the_row_changes_or_goes_but_not_when_it_comes() {
        assert!(!has_changed(None, Some("ACTIVE")));
        assert!(!has_changed(None, None));
        assert!(!has_changed(Some("ACTIVE"), Some("ACTIVE")));
        assert!(has_changed(Some("ACTIVE"), Some("SHUTOFF")));
        assert!(has_changed(Some("ACTIVE"), None));
    }

    #[test]
    fn a_tab_counts_what_is_known_and_nothing_else() {
        let detail = detail(row("a"));
        assert_eq!(DetailTab::Volumes.count(None, Some(&detail)), Some(0));
        assert_eq!(DetailTab::Security.count(None, Some(&detail)), None, "the part is missing");
        assert_eq!(DetailTab::Volumes.count(None, None), None);
        assert_eq!(DetailTab::Metadata.count(Some(&row("a")), None), Some(0));
    }

    #[test]
    fn a_name_of_blanks_is_shown_as_none() {
        assert_eq!(shown_name(&row(" \u{2003}\n")), texts::UNNAMED);
        assert_eq!(shown_name(&row("<b>web</b>")), "<b>web</b>");
    }

    #[test]
    fn json_is_written_as_everybody_writes_it() {
        let value = serde_json::json!({
            "name": "a \"b\"\n\u{1}ü", "list": [1, -2, 0.5, u64::MAX, true, null], "empty": {}, "none": [],
            "deep": { "deeper": [{ "x": [] }] },
        });
        assert_eq!(pretty_json(&value), serde_json::to_string_pretty(&value).expect("JSON"));
    }

    #[test]
    fn actions_read_as_words() {
        assert_eq!(action_word("live-migration"), "Live migration");
        assert_eq!(action_word("attach_volume"), "Attach volume");
        assert_eq!(action_word(""), "");
    }

    #[test]
    fn a_power_state_from_the_future_is_unknown() {
        assert_eq!(power_word(Some(4)), "Shut down");
        assert_eq!(power_word(Some(99)), texts::UNKNOWN);
        assert_eq!(power_word(None), texts::UNKNOWN);
    }
}
