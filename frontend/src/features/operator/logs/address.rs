//! What is looked for, as the page's address says it: whatever is on screen can be handed on as a link.

use api_types::operator::logs::{LogQuery, USUAL_LAST_SECS};

use crate::router::value_of;

pub const PATH: &str = "/operator/logs";

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub query: LogQuery,
    pub view: View,
    /// New lines are added as they come.
    pub is_live: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The newest first.
    #[default]
    List,
    /// In the order it happened, browser, panel and cloud beside each other.
    Timeline,
}

impl Asked {
    /// Reads what stands after the address's `?`; what it does not know is left out.
    pub fn read(search: &str) -> Self {
        let text = |name| value_of(search, name).filter(|value| !value.is_empty());
        Self {
            query: LogQuery {
                message: text("message"),
                pattern: text("pattern").is_some(),
                last: text("last").and_then(|last| last.parse().ok()),
                from: text("from"),
                to: text("to"),
                facility: text("facility"),
                node: text("node"),
                level: text("level"),
                user: text("user"),
                request: text("request"),
                session: text("session"),
                fields: text("fields"),
                before: text("before"),
                after: text("after"),
                limit: None,
            },
            view: if text("view").as_deref() == Some("timeline") { View::Timeline } else { View::List },
            is_live: text("live").is_some(),
        }
    }

    /// The page's address.
    pub fn href(&self) -> String {
        let mut search = search_of(&self.query);
        if self.view == View::Timeline {
            push(&mut search, "view", "timeline");
        }
        if self.is_live {
            push(&mut search, "live", "1");
        }
        with_search(PATH, &search)
    }

    /// Everything of one user, in order, however long ago. The name finds lines by an index; the id, where it is known,
    /// keeps those of the same name in other domains apart.
    pub fn of_user(name: &str, id: Option<&str>) -> Self {
        // Somebody of whom nothing but the id is left is called by it.
        let user = (id != Some(name)).then(|| name.to_owned());
        let fields = id.map(|id| pair("user_id", id));
        Self::timeline(LogQuery { user, fields, last: EVER, ..LogQuery::default() })
    }

    /// Everything of one request, from the browser to the cloud, however long ago.
    pub fn of_request(request: &str) -> Self {
        Self::timeline(LogQuery { request: Some(request.to_owned()), last: EVER, ..LogQuery::default() })
    }

    /// Everything of one session, however long ago; sessions have no index, so whose it is finds its lines.
    pub fn of_session(session: &str, user: Option<&str>) -> Self {
        let (session, user) = (Some(session.to_owned()), user.map(str::to_owned));
        Self::timeline(LogQuery { session, user, last: EVER, ..LogQuery::default() })
    }

    /// Whatever anybody did between two moments, as RFC 3339 has them.
    pub fn between(from: String, to: String) -> Self {
        Self { query: LogQuery { from: Some(from), to: Some(to), ..LogQuery::default() }, ..Self::default() }
    }

    /// So many seconds back from now are looked at, 0 being all there is; `None` where two moments are named. What nobody
    /// named the server decides: a request is looked for at all times.
    pub fn last(&self) -> Option<u32> {
        let LogQuery { last, from, to, request, .. } = &self.query;
        let is_dated = from.is_some() || to.is_some();
        let has_request = request.as_deref().is_some_and(|request| !request.trim().is_empty());
        let unnamed = match (is_dated, has_request) {
            (true, _) => None,
            (false, true) => EVER,
            (false, false) => Some(USUAL_LAST_SECS),
        };
        last.or(unnamed)
    }

    /// The same search, from its newest line on.
    pub fn newest(&self) -> Self {
        self.turned(None, None)
    }

    pub fn before(&self, position: String) -> Self {
        self.turned(Some(position), None)
    }

    pub fn after(&self, position: String) -> Self {
        self.turned(None, Some(position))
    }

    pub fn is_newest(&self) -> bool {
        self.query.before.is_none() && self.query.after.is_none()
    }

    /// Lines that come can be of it: no page further back, and no end in the past.
    pub fn can_be_live(&self) -> bool {
        self.is_newest() && self.query.to.is_none() && self.view == View::List
    }

    /// Lines are added as they come.
    pub fn is_followed(&self) -> bool {
        self.is_live && self.can_be_live()
    }

    fn timeline(query: LogQuery) -> Self {
        Self { query, view: View::Timeline, is_live: false }
    }

    fn turned(&self, before: Option<String>, after: Option<String>) -> Self {
        let is_live = self.is_live && before.is_none() && after.is_none();
        Self { query: LogQuery { before, after, ..self.query.clone() }, view: self.view, is_live }
    }
}

/// Where no time is named the server looks at the last hour alone.
const EVER: Option<u32> = Some(0);

/// A field and its value as the filter reads them.
fn pair(name: &str, value: &str) -> String {
    if value.contains(char::is_whitespace) {
        format!("{name}:\"{value}\"")
    } else {
        format!("{name}:{value}")
    }
}

/// A query as it stands after `?`.
pub fn search_of(query: &LogQuery) -> String {
    let mut search = String::new();
    let last = query.last.map(|last| last.to_string());
    let limit = query.limit.map(|limit| limit.to_string());
    let pattern = query.pattern.then(|| "true".to_owned());
    for (name, value) in [
        ("message", &query.message),
        ("pattern", &pattern),
        ("last", &last),
        ("from", &query.from),
        ("to", &query.to),
        ("facility", &query.facility),
        ("node", &query.node),
        ("level", &query.level),
        ("user", &query.user),
        ("request", &query.request),
        ("session", &query.session),
        ("fields", &query.fields),
        ("before", &query.before),
        ("after", &query.after),
        ("limit", &limit),
    ] {
        if let Some(value) = value.as_deref().map(str::trim).filter(|value| !value.is_empty()) {
            push(&mut search, name, value);
        }
    }
    search
}

/// An address and what stands after its `?`, if there is anything.
pub fn with_search(path: &str, search: &str) -> String {
    if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
}

fn push(search: &mut String, name: &str, value: &str) {
    if !search.is_empty() {
        search.push('&');
    }
    search.push_str(name);
    search.push('=');
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b'@' => {
                search.push(char::from(byte));
            }
            byte => {
                const DIGITS: [char; 16] =
                    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
                search.push('%');
                search.push(DIGITS[usize::from(byte >> 4)]);
                search.push(DIGITS[usize::from(byte & 15)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(address: &str) -> &str {
        address.split_once('?').map_or("", |(_, search)| search)
    }

    #[test]
    fn an_address_says_all_that_was_asked_for() {
        let asked = Asked {
            query: LogQuery {
                message: Some("100% sure & done #1".to_owned()),
                pattern: true,
                last: Some(0),
                from: Some("2026-11-22T00:00:00+01:00".to_owned()),
                user: Some("zoë@example.org".to_owned()),
                fields: Some("status:404 reason:\"no host\"".to_owned()),
                before: Some("5--7".to_owned()),
                ..LogQuery::default()
            },
            view: View::Timeline,
            is_live: true,
        };
        assert_eq!(Asked::read(search(&asked.href())), asked);
        assert_eq!(Asked::default().href(), PATH);
        assert_eq!(Asked::read("unknown=1&level="), Asked::default());
    }

    #[test]
    fn a_request_is_looked_for_at_all_times_unless_one_is_named() {
        let last = |search: &str| Asked::read(search).last();
        assert_eq!(last(""), Some(USUAL_LAST_SECS));
        assert_eq!((last("request=req-1"), last("request=req-1&last=300")), (Some(0), Some(300)));
        assert_eq!((last("from=x"), last("from=x&request=req-1"), last("last=0")), (None, None, Some(0)));
    }

    #[test]
    fn other_pages_of_a_search_are_not_live() {
        let asked = Asked { is_live: true, ..Asked::default() };
        assert!(asked.can_be_live());
        assert!(!asked.before("1-1".to_owned()).can_be_live());
        assert!(!asked.before("1-1".to_owned()).is_live);
        assert_eq!(asked.before("1-1".to_owned()).after("2-2".to_owned()).newest().href(), PATH);
        assert!(!Asked::of_user("alice", None).can_be_live());
        assert_eq!(Asked::of_request("req-1").href(), "/operator/logs?last=0&request=req-1&view=timeline");
    }

    #[test]
    fn all_of_somebody_is_looked_for_at_all_times_and_by_the_id_where_it_is_known() {
        let of_user = |name: &str, id| Asked::of_user(name, id).href();
        assert_eq!(of_user("alice", None), "/operator/logs?last=0&user=alice&view=timeline");
        let of_alice = "/operator/logs?last=0&user=alice&fields=user_id:4f1d&view=timeline";
        assert_eq!(of_user("alice", Some("4f1d")), of_alice);
        assert_eq!(of_user("4f1d", Some("4f1d")), "/operator/logs?last=0&fields=user_id:4f1d&view=timeline");
        assert_eq!(Asked::of_user("a", Some("a b")).query.fields.as_deref(), Some("user_id:\"a b\""));
        let of_session = Asked::of_session("0123abcd", Some("alice")).href();
        assert_eq!(of_session, "/operator/logs?last=0&user=alice&session=0123abcd&view=timeline");
        assert_eq!(Asked::of_session("0123abcd", None).query.last, Some(0));
    }
}
