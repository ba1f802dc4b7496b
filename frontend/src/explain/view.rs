//! An explanation drawn: what happened and what now, and below it what support wants to know, to be copied.

use super::{Explanation, Fault, explain, explain_gap};
use crate::{
    cloud::shown::use_calls_shown,
    ui::{BannerKind, El, Icon, banner::banner, copy_button::copy_button, el, element::icon},
};

/// Where the logs have more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// In the panel's.
    pub request_id: Option<String>,
    /// In the cloud's.
    pub upstream_request_id: Option<String>,
}

/// A fault as a banner: cause, consequence, next step, the cloud's own words and the ids to give to support.
pub fn fault_banner(lead: Option<&str>, fault: Fault<'_>, traces: &Traces) -> El {
    let lead = lead.map(|lead| el("strong").text(lead).text(" "));
    let text = el("div").class("banner-text").child_if(lead).child(explained(fault, traces));
    banner(BannerKind::Failure, text, el("div").class("banner-actions"))
}

/// The same without a frame.
pub fn explained(fault: Fault<'_>, traces: &Traces) -> El {
    drawn(&explain(fault), fault, traces)
}

/// The same for what could not be read.
pub fn explained_gap(fault: Fault<'_>, traces: &Traces) -> El {
    drawn(&explain_gap(fault), fault, traces)
}

fn drawn(explanation: &Explanation, fault: Fault<'_>, traces: &Traces) -> El {
    let Explanation { cause, consequence, next } = explanation;
    let has_more = !fault.words.trim().is_empty() || *traces != Traces::default();
    el("div")
        .class("explained")
        .attr("data-testid", "explained")
        .child(el("p").class("cause foreign").text(cause))
        .child(el("p").text(consequence).text(" ").text(next))
        .child_if(has_more.then(|| more(fault, traces)))
}

const SAID: &str = "What the cloud said";
const CALLS: &str = "Show the calls";

fn more(fault: Fault<'_>, traces: &Traces) -> El {
    let all = for_support(fault, traces);
    let words = fault.words.trim();
    let id = |name: &str, id: &Option<String>| {
        id.as_deref().map(|id| el("p").class("request-id").text(name).text(" ").child(el("code").text(id)))
    };
    el("details")
        .child(el("summary").text(SAID))
        .child_if((!words.is_empty()).then(|| el("p").class("foreign mono").text(words)))
        .child_if(id("Request", &traces.request_id))
        .child_if(id("The cloud's request", &traces.upstream_request_id))
        .child(
            el("p").text("Copy all for support ").child(copy_button(all, "Copy all for support".to_owned())),
        )
        .child_if(use_calls_shown().map(|calls| {
            el("button")
                .attr("type", "button")
                .class("button quiet")
                .child(icon(Icon::Code))
                .text(CALLS)
                .on("click", move |_| calls.show())
        }))
}

/// All of it as lines.
fn for_support(fault: Fault<'_>, traces: &Traces) -> String {
    let status = fault.status.map(|status| format!("Status: {status}"));
    let words =
        Some(fault.words.trim()).filter(|words| !words.is_empty()).map(|words| format!("Message: {words}"));
    let ours = traces.request_id.as_deref().map(|id| format!("Request: {id}"));
    let theirs = traces.upstream_request_id.as_deref().map(|id| format!("Upstream request: {id}"));
    [status, words, ours, theirs].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_gets_status_words_and_both_ids() {
        let traces = Traces {
            request_id: Some("ours".to_owned()),
            upstream_request_id: Some("req-theirs".to_owned()),
        };
        let fault = Fault { status: Some(409), code: "conflict", words: " Instance x is locked\n" };
        assert_eq!(
            for_support(fault, &traces),
            "Status: 409\nMessage: Instance x is locked\nRequest: ours\nUpstream request: req-theirs"
        );
        assert_eq!(for_support(Fault::default(), &Traces::default()), "");
    }
}
