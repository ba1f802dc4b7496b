//! The nodes, their releases and heartbeats, and what each sees of the others.

use api_types::operator::health::{HealthReport, HopReport, NodeReport};

use super::{live_moment, live_state, part, shown, state, texts};
use crate::{
    asked::Asked,
    ui::{
        El, Held, derived, el,
        table::{Cell, table},
        time::relative_time,
    },
};

pub fn section(report: Asked<HealthReport>) -> El {
    let ids: Held<Vec<String>> = derived(move || {
        report.with(|report| {
            report.map(|it| it.nodes.iter().map(|node| node.id.clone()).collect()).unwrap_or_default()
        })
    });
    let rows = move || {
        let rows = ids.get().into_iter().map(|id| row(report, id)).collect();
        vec![table(texts::NODES_HEADS, rows).attr("data-testid", "node-table")]
    };
    let is_old = derived(move || {
        report.with(|report| report.is_some_and(|it| it.database.is_none() && !it.nodes.is_empty()))
    });
    let note = move || {
        let note = is_old.get().then(|| el("p").class("nothing").text(texts::NODES_OLD));
        note.into_iter().collect()
    };
    let content = el("div").child(el("div").live_children(note)).child(el("div").live_children(rows));
    part(texts::NODES, None, content)
}

fn row(report: Asked<HealthReport>, id: String) -> Vec<Cell> {
    let now: Held<Option<NodeReport>> =
        derived(move || report.with(|report| report?.nodes.iter().find(|node| node.id == id).cloned()));
    let state = derived(move || {
        now.with(|now| now.as_ref().map_or_else(|| state::Shown::rest(texts::UNKNOWN), state::node))
    });
    let text = move |of: fn(&NodeReport) -> String| {
        let text = derived(move || now.with(|now| now.as_ref().map(of).unwrap_or_default()));
        el("span").class("foreign").live_text(move || text.get())
    };
    let is_this = now.with_untracked(|now| now.as_ref().is_some_and(|node| node.is_this));
    let badge = is_this.then(|| el("span").class("badge plain").text(texts::THIS_NODE));
    let started_at = derived(move || now.with(|now| now.as_ref().map(|node| node.started_at)));
    let seen_at = derived(move || now.with(|now| now.as_ref().map(|node| node.seen_at)));
    let place = |node: &NodeReport| match state::place(node) {
        place if place.is_empty() => texts::NONE.to_owned(),
        place => place,
    };
    vec![
        Cell::El(el("span").class("health-name").child(text(|node| node.name.clone())).child_if(badge)),
        Cell::El(live_state(state)),
        Cell::El(text(|node| node.release.clone())),
        Cell::El(text(place)),
        Cell::El(live_moment(started_at, texts::UNKNOWN)),
        Cell::El(live_moment(seen_at, texts::NEVER)),
    ]
}

/// Who sees whom: a row for each node, a column for each address.
pub fn hops(report: Asked<HealthReport>) -> El {
    let nodes: Held<Vec<(String, Vec<HopReport>)>> = derived(move || {
        let row = |node: &NodeReport| (node.name.clone(), node.hops.clone());
        report.with(|report| {
            let nodes = report.map(|it| &it.nodes[..]).unwrap_or_default();
            nodes.iter().filter(|node| node.is_heard && !node.hops.is_empty()).map(row).collect()
        })
    });
    let addresses = derived(move || {
        report.with(|report| state::hop_addresses(report.map(|it| &it.nodes[..]).unwrap_or_default()))
    });
    let draw = move || {
        let addresses = addresses.get();
        if addresses.is_empty() {
            return vec![el("p").class("nothing").text(texts::NO_HOPS)];
        }
        vec![el("div").class("health-matrix").child(nodes.with(|nodes| matrix(nodes, &addresses)))]
    };
    part(texts::HOPS, Some(texts::HOPS_ABOUT), el("div").live_children(draw))
}

fn matrix(nodes: &[(String, Vec<HopReport>)], addresses: &[String]) -> El {
    let head = |text: &str| el("th").attr("scope", "col").class("foreign").text(text);
    let heads = std::iter::once(head(texts::HOPS_FROM)).chain(addresses.iter().map(|url| head(url)));
    let row = |(name, hops): &(String, Vec<HopReport>)| {
        let cell = |url: &String| {
            let hop = hops.iter().find(|hop| hop.url == *url);
            el("td").attr("data-label", url).child(hop.map_or_else(|| el("span"), seen))
        };
        el("tr")
            .child(el("th").attr("scope", "row").class("foreign").text(name))
            .children(addresses.iter().map(cell).collect())
    };
    el("table")
        .class("table stacked")
        .attr("data-testid", "hop-table")
        .child(el("thead").child(el("tr").children(heads.collect())))
        .child(el("tbody").children(nodes.iter().map(row).collect()))
}

fn seen(hop: &HopReport) -> El {
    let state = match (hop.is_good, &hop.error) {
        (true, None) => state::Shown::good(texts::milliseconds(hop.took_ms.unwrap_or(0).into())),
        (true, Some(error)) => state::Shown::wait(texts::failure(error, None)),
        (false, error) => {
            state::Shown::bad(error.as_deref().map_or_else(String::new, |it| texts::failure(it, None)))
        }
    };
    let since = (!hop.is_good).then(|| relative_time(hop.since));
    el("span").class("health-stack").child(shown(&state)).child_if(since)
}
