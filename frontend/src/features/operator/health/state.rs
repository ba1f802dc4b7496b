//! What is shown of what a node tells: plain decisions, without a browser.

use api_types::operator::{
    flags::{FlagState, SetFlag},
    health::{Circuit, HealthReport, NodeReport, ServiceReport},
};

use super::texts;
use crate::ui::Icon;

/// A state as it is drawn: a drawing and a word, never a colour alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub kind: &'static str,
    pub icon: Icon,
    pub word: String,
}

impl Shown {
    pub fn good(word: impl Into<String>) -> Self {
        Self { kind: "good", icon: Icon::StatusRunning, word: word.into() }
    }

    pub fn busy(word: impl Into<String>) -> Self {
        Self { kind: "busy", icon: Icon::StatusChanging, word: word.into() }
    }

    pub fn wait(word: impl Into<String>) -> Self {
        Self { kind: "wait", icon: Icon::StatusWaiting, word: word.into() }
    }

    pub fn bad(word: impl Into<String>) -> Self {
        Self { kind: "bad", icon: Icon::StatusFailed, word: word.into() }
    }

    pub fn rest(word: impl Into<String>) -> Self {
        Self { kind: "rest", icon: Icon::StatusResting, word: word.into() }
    }
}

/// The circuit to a service, as the node that answers has it.
pub fn service(service: &ServiceReport) -> Shown {
    match service.circuit {
        Circuit::Open => Shown::bad(service.retry_in_secs.map_or(texts::OPEN.to_owned(), texts::next_try)),
        Circuit::HalfOpen => Shown::busy(texts::HALF_OPEN),
        Circuit::Reintroducing => Shown::busy(texts::COMING_BACK),
        Circuit::Closed if service.answered_at.is_none() && service.failed_at.is_none() => {
            Shown::rest(texts::NOT_CALLED)
        }
        // None: it never answered.
        Circuit::Closed if service.failed_at > service.answered_at => Shown::wait(texts::CLOSED_BUT),
        Circuit::Closed => Shown::good(texts::CLOSED),
    }
}

/// A circuit in a word, within a sentence.
pub fn circuit_word(circuit: Circuit) -> &'static str {
    match circuit {
        Circuit::Closed => "closed",
        Circuit::Open => "open",
        Circuit::HalfOpen => "half-open",
        Circuit::Reintroducing => "coming back",
    }
}

pub fn node(node: &NodeReport) -> Shown {
    if !node.is_heard {
        return Shown::bad(texts::NOT_HEARD);
    }
    if node.is_draining {
        return Shown::busy(texts::GOING_AWAY);
    }
    if node.lacks.is_empty() {
        Shown::good(texts::IN_SERVICE)
    } else {
        let lacks: Vec<String> = node.lacks.iter().map(|code| texts::lack(code)).collect();
        Shown::bad(texts::out_because(&lacks.join(", ")))
    }
}

/// The node that answers, for the head of the page.
pub fn own(report: &HealthReport) -> Shown {
    let lacking = report.needs.iter().any(|need| !need.is_good);
    if !report.is_in_service {
        let because: Vec<String> = report.because.iter().map(|code| texts::lack(code)).collect();
        return Shown::bad(texts::out_because(&because.join(", ")));
    }
    if lacking { Shown::wait(texts::IN_SERVICE_BUT) } else { Shown::good(texts::IN_SERVICE) }
}

/// "eu-1, az-2, production".
pub fn place(node: &NodeReport) -> String {
    let parts: Vec<&str> =
        [&node.region, &node.zone, &node.environment].into_iter().flatten().map(String::as_str).collect();
    parts.join(", ")
}

/// The addresses that nodes look at, in order, each once.
pub fn hop_addresses(nodes: &[NodeReport]) -> Vec<String> {
    let mut urls: Vec<String> =
        nodes.iter().flat_map(|node| node.hops.iter().map(|hop| hop.url.clone())).collect();
    urls.sort();
    urls.dedup();
    urls
}

/// What is filled in to change a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagDraft {
    pub percent: String,
    /// Names of users, a line each, or with commas between them.
    pub on_for: String,
    pub off_for: String,
    pub because: String,
}

impl FlagDraft {
    /// Begins with what is so now. The reason is that of the change, so there is none yet.
    pub fn of(flag: &FlagState) -> Self {
        let set = flag.set.as_ref();
        let lines = |names: Option<&Vec<String>>| names.map(|names| names.join("\n")).unwrap_or_default();
        Self {
            percent: set.map_or(flag.configured_percent, |set| set.percent).to_string(),
            on_for: lines(set.map(|set| &set.on_for)),
            off_for: lines(set.map(|set| &set.off_for)),
            because: String::new(),
        }
    }

    /// What is asked for; `None` while the percentage is none.
    pub fn wanted(&self) -> Option<SetFlag> {
        let names = |text: &str| -> Vec<String> {
            text.split(['\n', ','])
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Some(SetFlag {
            percent: self.percent.trim().parse().ok().filter(|percent| *percent <= 100)?,
            on_for: names(&self.on_for),
            off_for: names(&self.off_for),
            because: self.because.trim().to_owned(),
        })
    }
}

/// The report by the browser's clock: ages are told by it, and servers' clocks may be minutes off. What is less than a
/// network's delay stays, so that nothing flickers.
pub fn by_own_clock(mut report: HealthReport, now: i64) -> HealthReport {
    let ahead = now - report.at;
    if ahead.abs() <= 3 {
        return report;
    }
    let moved = |at: &mut Option<i64>| *at = at.map(|at| at + ahead);
    for need in &mut report.needs {
        moved(&mut need.since);
    }
    for service in &mut report.services {
        moved(&mut service.answered_at);
        moved(&mut service.failed_at);
    }
    for node in &mut report.nodes {
        node.started_at += ahead;
        node.seen_at += ahead;
        for hop in &mut node.hops {
            hop.since += ahead;
        }
    }
    for set in report.flags.iter_mut().filter_map(|flag| flag.set.as_mut()) {
        set.changed_at += ahead;
    }
    report.at = now;
    report
}

#[cfg(test)]
mod tests {
    use api_types::operator::{flags::FlagSetting, health::HopReport};

    use super::*;

    fn compute(circuit: Circuit) -> ServiceReport {
        ServiceReport {
            service: "compute".to_owned(),
            region: Some("RegionOne".to_owned()),
            circuit,
            retry_in_secs: None,
            answered_at: None,
            failed_at: None,
            failure: None,
            failure_status: None,
            waiting: 0,
            elsewhere: Vec::new(),
        }
    }

    fn panel() -> NodeReport {
        NodeReport {
            id: "1".to_owned(),
            name: "panel-1".to_owned(),
            region: Some("eu-1".to_owned()),
            zone: None,
            environment: Some("production".to_owned()),
            release: "1.0.0".to_owned(),
            started_at: 100,
            seen_at: 900,
            is_this: true,
            is_heard: true,
            is_draining: false,
            lacks: Vec::new(),
            hops: Vec::new(),
        }
    }

    fn client_log(percent: u8, on_for: &[&str], off_for: &[&str]) -> FlagState {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        FlagState {
            name: "client_log".to_owned(),
            says: "Pages tell.".to_owned(),
            configured_percent: 100,
            set: Some(FlagSetting {
                percent,
                on_for: names(on_for),
                off_for: names(off_for),
                changed_by: "olivia".to_owned(),
                changed_at: 900,
                because: "ticket 17".to_owned(),
            }),
        }
    }

    #[test]
    fn a_flag_says_who_has_it_in_words() {
        let said = |percent, on: &[&str], off: &[&str]| texts::who_has(&client_log(percent, on, off));
        assert_eq!(said(25, &["alice", "bob"], &["carol"]), "25 % of users, and 2 users besides, 1 without");
        assert_eq!(said(25, &[], &[]), "25 % of users");
        assert_eq!(
            (said(0, &[], &["carol"]), said(0, &["alice"], &[])),
            ("Nobody".into(), "Nobody but 1 user".into())
        );
        assert_eq!(said(100, &["alice"], &[]), "Everybody");
        assert_eq!(said(100, &[], &["bob", "carol"]), "Everybody but 2 users");
        let configured = FlagState { set: None, ..client_log(0, &[], &[]) };
        assert_eq!(
            (texts::who_has(&configured), texts::why_set(&configured)),
            ("Everybody".into(), String::new())
        );
        assert_eq!(texts::why_set(&client_log(0, &[], &[])), "ticket 17 (olivia)");
    }

    #[test]
    fn a_change_begins_with_what_is_so_and_needs_a_percentage() {
        let draft = FlagDraft::of(&client_log(25, &["alice", "bob"], &[]));
        assert_eq!((&*draft.percent, &*draft.on_for, &*draft.because), ("25", "alice\nbob", ""));
        let wanted = FlagDraft { off_for: " carol, dave\n\n".to_owned(), ..draft.clone() }.wanted();
        let wanted = wanted.expect("it can be asked for");
        assert_eq!(
            (wanted.percent, wanted.on_for.len(), wanted.off_for),
            (25, 2, vec!["carol".into(), "dave".into()])
        );
        for percent in ["", "101", "-1", "2.5", "x"] {
            assert_eq!(
                FlagDraft { percent: percent.to_owned(), ..draft.clone() }.wanted(),
                None,
                "{percent}"
            );
        }
        let configured = FlagState { set: None, ..client_log(0, &[], &[]) };
        assert_eq!(FlagDraft::of(&configured).percent, "100");
    }

    #[test]
    fn a_closed_circuit_is_good_only_when_the_last_call_was() {
        let closed = |answered_at, failed_at| {
            service(&ServiceReport { answered_at, failed_at, ..compute(Circuit::Closed) }).kind
        };
        assert_eq!(closed(None, None), "rest");
        assert_eq!(closed(Some(10), None), "good");
        assert_eq!(closed(Some(10), Some(5)), "good");
        assert_eq!(closed(Some(10), Some(11)), "wait");
        assert_eq!(closed(None, Some(11)), "wait");
    }

    #[test]
    fn an_open_circuit_says_when_it_tries_again() {
        let open = ServiceReport { retry_in_secs: Some(12), ..compute(Circuit::Open) };
        assert_eq!((service(&open).kind, &*service(&open).word), ("bad", "Open, next try in 12 s"));
        assert_eq!(service(&compute(Circuit::Reintroducing)).kind, "busy");
    }

    #[test]
    fn a_node_that_is_not_heard_of_is_that_before_anything_it_said() {
        let silent = NodeReport { is_heard: false, is_draining: true, ..panel() };
        assert_eq!(node(&silent).word, "Not heard of");
        let leaving = NodeReport { is_draining: true, lacks: vec!["draining".to_owned()], ..panel() };
        assert_eq!(node(&leaving).word, "Going away");
        let lacking = NodeReport { lacks: vec!["keystone".to_owned()], ..panel() };
        assert_eq!(node(&lacking).word, "Out of service: without keystone");
        assert_eq!((node(&panel()).kind, &*place(&panel())), ("good", "eu-1, production"));
    }

    #[test]
    fn times_are_moved_to_the_browsers_clock_unless_they_nearly_agree() {
        let hop = |url: &str| HopReport {
            url: url.to_owned(),
            is_good: true,
            since: 500,
            took_ms: Some(1),
            error: None,
        };
        let report = HealthReport {
            at: 1_000,
            node: "panel-1".to_owned(),
            is_in_service: true,
            because: Vec::new(),
            needs: Vec::new(),
            late_ms: 0,
            services: vec![ServiceReport { answered_at: Some(990), ..compute(Circuit::Closed) }],
            nodes: vec![NodeReport {
                hops: vec![hop("http://b"), hop("http://a"), hop("http://b")],
                ..panel()
            }],
            queues: Vec::new(),
            database: None,
            flags: vec![client_log(25, &[], &[])],
        };
        assert_eq!(hop_addresses(&report.nodes), ["http://a", "http://b"]);
        assert_eq!(by_own_clock(report.clone(), 1_002), report);
        let moved = by_own_clock(report, 1_600);
        assert_eq!(moved.services[0].answered_at, Some(1_590));
        assert_eq!(moved.flags[0].set.as_ref().map(|set| set.changed_at), Some(1_500));
        assert_eq!((moved.nodes[0].seen_at, moved.nodes[0].hops[0].since), (1_500, 1_100));
    }
}
