//! Lines in the order they happened, with browser, panel and cloud beside each other.

use api_types::operator::logs::{LogLine, LogPage};

use super::{
    address::Asked,
    lanes::{Lane, gap},
    line::{field_list, level},
    moments, texts,
};
use crate::ui::{El, el};

/// The page's lines, the oldest first.
pub fn timeline(page: &LogPage) -> El {
    let lines: Vec<&LogLine> = page.lines.iter().rev().collect();
    let before = std::iter::once(None).chain(lines.iter().copied().map(Some));
    let entries = lines.iter().zip(before).map(|(line, before)| entry(line, before)).collect();
    let head = |lane: Lane| el("span").class(&format!("lane-head {}", lane.class())).text(name(lane));
    el("div")
        .class("log-timeline")
        .attr("data-testid", "log-timeline")
        .child(
            el("div")
                .class("lane-heads")
                .attr("aria-hidden", "true")
                .children(Lane::ALL.into_iter().map(head).collect()),
        )
        .child(el("ol").children(entries))
}

fn entry(line: &LogLine, before: Option<&LogLine>) -> El {
    let lane = Lane::of(line);
    let later = before.and_then(|before| gap(before.at_us, line.at_us));
    let time = el("div")
        .class("timeline-time")
        .child(
            el("time")
                .class("numbers")
                .attr("datetime", &moments::rfc3339(line.at_us))
                .attr("title", &moments::rfc3339(line.at_us))
                .text(&moments::clock(line.at_us)),
        )
        .child_if(later.map(|later| el("span").class("timeline-gap numbers").text(&later)));
    let link = line.request_id.as_deref().map(|request| {
        el("a").class("mono timeline-request").attr("href", &Asked::of_request(request).href()).text(request)
    });
    let who = line.user.as_deref().map(|user| el("span").class("foreign timeline-user").text(user));
    let head = el("div")
        .class("timeline-head")
        .child(el("span").class("lane-name").text(name(lane)))
        .child(level(&line.level))
        .child(el("span").class("timeline-facility").text(texts::facility(&line.facility)))
        .child_if(who);
    let all =
        el("details").child(el("summary").class("foreign").text(&line.description)).child(field_list(line));
    let card = el("div").class("timeline-card").child(head).child(all).child_if(link);
    el("li")
        .class(&format!("timeline-entry {} level-{}", lane.class(), line.level))
        .attr("data-line", &line.id.to_string())
        .child(time)
        .child(card)
}

fn name(lane: Lane) -> &'static str {
    match lane {
        Lane::Browser => texts::BROWSER,
        Lane::Panel => texts::PANEL,
        Lane::Cloud => texts::CLOUD,
    }
}
