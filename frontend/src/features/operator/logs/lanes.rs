//! Which part of the way from a person to the cloud a line tells of.

use api_types::operator::logs::LogLine;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Browser,
    Panel,
    Cloud,
}

impl Lane {
    pub const ALL: [Self; 3] = [Self::Browser, Self::Panel, Self::Cloud];

    pub fn of(line: &LogLine) -> Self {
        match line.facility.as_str() {
            "client" => Self::Browser,
            // A call that was answered from memory asked the cloud nothing, but tells what it had said.
            "proxy" | "upstream" => Self::Cloud,
            // Work of jobs is calls too: those have a URL.
            "job" if line.fields.contains_key("url") => Self::Cloud,
            _ => Self::Panel,
        }
    }

    pub fn class(self) -> &'static str {
        match self {
            Self::Browser => "lane-browser",
            Self::Panel => "lane-panel",
            Self::Cloud => "lane-cloud",
        }
    }
}

/// The time between two lines, where a person would notice it: "+12 ms", "+3.4 s", "+2 min".
pub fn gap(before_us: i64, after_us: i64) -> Option<String> {
    let ms = (after_us - before_us) / 1_000;
    match ms {
        ..1 => None,
        1..1_000 => Some(format!("+{ms} ms")),
        1_000..60_000 => Some(format!("+{}.{} s", ms / 1_000, ms % 1_000 / 100)),
        60_000..7_200_000 => Some(format!("+{} min", ms / 60_000)),
        _ => Some(format!("+{} h", ms / 3_600_000)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_stands_where_it_was_said() {
        let lane = |facility: &str, fields: serde_json::Value| {
            let line = json!({"at_us": 0, "id": 1, "level": "info", "facility": facility, "description": "",
                "node": "n", "release": "r", "fields": fields});
            Lane::of(&serde_json::from_value(line).expect("a line"))
        };
        assert_eq!(lane("client", json!({})), Lane::Browser);
        assert_eq!(lane("request", json!({"url": "x"})), Lane::Panel);
        assert_eq!(lane("proxy", json!({})), Lane::Cloud);
        assert_eq!(lane("job", json!({"url": "http://nova"})), Lane::Cloud);
        assert_eq!(lane("job", json!({})), Lane::Panel);
    }

    #[test]
    fn gaps_are_told_in_the_unit_that_fits() {
        assert_eq!(gap(0, 900), None);
        assert_eq!(gap(0, 12_000).as_deref(), Some("+12 ms"));
        assert_eq!(gap(0, 3_450_000).as_deref(), Some("+3.4 s"));
        assert_eq!(gap(0, 125_000_000).as_deref(), Some("+2 min"));
        assert_eq!(gap(0, 9_000_000_000).as_deref(), Some("+2 h"));
    }
}
