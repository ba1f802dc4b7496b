//! One line: its row, and all of it below the row.

use api_types::operator::logs::LogLine;
use serde_json::Value;

use super::{address::Asked, moments, texts};
use crate::ui::{El, Icon, copy_button::copy_button, el, element::icon};

/// A row that can be opened. It listens to nothing itself: the table does for all of them.
pub fn line_row(line: &LogLine) -> El {
    // Two hundred buttons of one name would be none: each is named by its line.
    let [toggle_id, time_id, text_id] =
        ["show", "time", "text"].map(|part| format!("log-{part}-{}", line.id));
    let at = el("time")
        .attr("id", &time_id)
        .class("numbers")
        .attr("datetime", &moments::rfc3339(line.at_us))
        .attr("title", &moments::rfc3339(line.at_us))
        .text(&moments::clock(line.at_us));
    let toggle = el("button")
        .attr("type", "button")
        .class("log-toggle")
        .attr("aria-expanded", "false")
        .attr("id", &toggle_id)
        .attr("aria-label", texts::SHOW)
        .attr("aria-labelledby", &format!("{toggle_id} {time_id}"))
        .attr("aria-describedby", &text_id)
        .child(icon(Icon::ChevronDown));
    let time = el("td").class("log-time").child(el("span").child(toggle).child(at));
    let user = el("td").class("log-user").child_if(
        line.user
            .as_deref()
            .map(|user| el("a").class("foreign").attr("href", &of_user(line, user).href()).text(user)),
    );
    let request = el("td").class("log-request").child_if(line.request_id.as_deref().map(|request| {
        let href = Asked::of_request(request).href();
        el("a").class("mono").attr("href", &href).attr("title", request).text(shortened(request))
    }));
    let row = el("tr")
        .class(&format!("log-line level-{}", line.level))
        .child(time)
        .child(el("td").class("log-level").child(level(&line.level)))
        .child(el("td").class("log-facility").text(texts::facility(&line.facility)))
        .child(user)
        .child(el("td").attr("id", &text_id).class("log-text foreign").text(&line.description))
        .child(el("td").class("log-node foreign").text(&line.node))
        .child(request);
    el("tbody").class("log-entry").attr("data-line", &line.id.to_string()).child(row)
}

/// A level as icon and word.
pub fn level(level: &str) -> El {
    let drawing = match level {
        "error" => Icon::StatusFailed,
        "warn" => Icon::Alert,
        "debug" | "trace" => Icon::Code,
        _ => Icon::Info,
    };
    el("span").class(&format!("level level-{level}")).child(icon(drawing)).text(texts::level(level))
}

/// All that is known of a line, and what leads on from it.
pub fn line_detail(line: &LogLine) -> El {
    let link = |text: &str, to: Asked| el("a").class("button").attr("href", &to.href()).text(text);
    let around =
        Asked::between(moments::rfc3339(line.at_us - AROUND_US), moments::rfc3339(line.at_us + AROUND_US));
    let links = el("div")
        .class("form-actions")
        .child_if(line.request_id.as_deref().map(|id| link(texts::OF_REQUEST, Asked::of_request(id))))
        .child_if(line.user.as_deref().map(|user| link(texts::OF_USER, of_user(line, user))))
        .child_if(line.session.as_deref().map(|id| link(texts::OF_SESSION, of_session(line, id))))
        .child(link(texts::AROUND, around))
        .child(copy_button(serde_json::to_string(line).unwrap_or_default(), texts::COPY_LINE.to_owned()));
    el("div").class("log-all").child(links).child(field_list(line))
}

/// Names and values, each with a button to copy it.
pub fn field_list(line: &LogLine) -> El {
    let item = |(name, value): &(String, String)| {
        let text = if value.contains('\n') || value.len() > 200 { "pre" } else { "span" };
        let value_el = el(text).class("foreign mono").text(value);
        let copy = copy_button(value.clone(), texts::copy(name));
        el("div")
            .class("log-field")
            .child(el("dt").class("mono").text(name))
            .child(el("dd").child(value_el).child(copy))
    };
    let fields = all_fields(line);
    el("dl").class("log-fields").children(fields.iter().map(item).collect())
}

fn of_user(line: &LogLine, user: &str) -> Asked {
    Asked::of_user(user, line.user_id.as_deref())
}

fn of_session(line: &LogLine, session: &str) -> Asked {
    Asked::of_session(session, line.user.as_deref())
}

/// A minute to either side.
const AROUND_US: i64 = 60_000_000;

/// The line's own names first, then its further fields as they came.
pub fn all_fields(line: &LogLine) -> Vec<(String, String)> {
    let own = [
        ("description", Some(&line.description)),
        ("facility", Some(&line.facility)),
        ("level", Some(&line.level)),
        ("user", line.user.as_ref()),
        ("user_id", line.user_id.as_ref()),
        ("project", line.project.as_ref()),
        ("session", line.session.as_ref()),
        ("request_id", line.request_id.as_ref()),
        ("node", Some(&line.node)),
        ("region", line.region.as_ref()),
        ("zone", line.zone.as_ref()),
        ("environment", line.environment.as_ref()),
        ("release", Some(&line.release)),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
    let further = line.fields.iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        (name.clone(), text)
    });
    own.chain(further).collect()
}

/// A line as one line of text, to be put into a mail or a ticket.
pub fn as_text(line: &LogLine) -> String {
    let names = [("user", &line.user), ("request_id", &line.request_id)];
    let names: String =
        names.iter().filter_map(|(name, value)| Some(format!(" {name}={}", value.as_deref()?))).collect();
    format!(
        "{} {} {} {}{names} node={}",
        moments::rfc3339(line.at_us),
        line.level.to_ascii_uppercase(),
        line.facility,
        line.description,
        line.node
    )
}

/// An id in few letters, the same ones wherever it is shown: its end, since the beginning of ours is alike.
pub fn shortened(id: &str) -> &str {
    let count = id.chars().count();
    let skipped = count.saturating_sub(8);
    id.char_indices().nth(skipped).map_or(id, |(at, _)| &id[at..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_keeps_its_end() {
        assert_eq!(shortened("req-19a30144d2c1"), "0144d2c1");
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened("äöüßäöüßäöüß"), "äöüßäöüß");
    }

    #[test]
    fn all_that_is_known_is_told_and_nothing_else() {
        let line = json!({"at_us": 0, "id": 1, "level": "warn", "facility": "proxy", "description": "said no",
            "user": "alice", "node": "n1", "release": "1.0", "fields": {"status": 404, "url": "http://x", "more": {"a": [1]}}});
        let line: LogLine = serde_json::from_value(line).expect("a line");
        let fields = all_fields(&line);
        let value =
            |name: &str| fields.iter().find(|(named, _)| named == name).map(|(_, value)| value.as_str());
        assert_eq!(value("status"), Some("404"));
        assert_eq!(value("url"), Some("http://x"));
        assert_eq!(value("more"), Some("{\"a\":[1]}"));
        assert_eq!(value("user"), Some("alice"));
        assert_eq!(value("zone"), None);
    }
}
