//! What was done to a server: Nova's history and the panel's as one.

use api_types::servers::detail::Part;

use super::detail_part::{absent, gap, section, table_or};
use crate::{
    asked::ask,
    features::servers::{
        api,
        detail_state::{action_word, change_mark},
        detail_texts as texts,
        shown_server::ShownServer,
        timeline::{Deed, Outcome, What, timeline},
    },
    jobs::texts::action,
    project::use_project,
    ui::{BannerKind, El, banner::text_banner, copy_button::copy_button, derived, el, table::Cell},
};

/// The latest first. Either history may be missing by itself.
pub fn history(server: ShownServer) -> Vec<El> {
    let project = use_project();
    let mark = derived(move || server.row.with(|row| row.as_ref().map(change_mark)));
    let ours = ask(move |until| {
        // Whatever changed the server may be somebody's doing.
        mark.with(|_| {});
        let (project, (region, id)) = (project.get()?, server.address.get()?);
        Some(Box::pin(async move { api::server_history(&project, &region, &id, until.as_ref()).await }))
    });
    let table = move || {
        let known = ours
            .with(|ours| ours.map(|ours| [&ours.entries[..], &ours.passed_on].concat()))
            .unwrap_or_default();
        server.detail.with(|detail| {
            Some(match &detail?.actions {
                Part::Known(nova) => told(&timeline(nova, &known)),
                Part::Missing(body) if known.is_empty() => gap(texts::HISTORY, &body.message, server.refresh),
                Part::Missing(body) => el("div")
                    .child(gap(texts::NOVAS_HISTORY, &body.message, server.refresh))
                    .child(told(&timeline(&[], &known))),
            })
        })
    };
    let ours_missing = move || {
        let failure = ours.failure()?;
        let text = failure.message();
        Some(text_banner(BannerKind::Warning, Some(&texts::missing(texts::OUR_HISTORY)), &text, None))
    };
    let content =
        el("div").child(el("div").live_children(move || ours_missing().into_iter().collect())).child(
            el("div").live_children(move || vec![table().unwrap_or_else(|| absent(texts::HISTORY, server))]),
        );
    vec![section(texts::HISTORY, content)]
}

fn told(deeds: &[Deed]) -> El {
    const HEADS: &[&str] = &[texts::ACTION, texts::STARTED, texts::OUTCOME, texts::BY, texts::REQUEST];
    table_or(HEADS, deeds.iter().map(row).collect(), texts::NO_HISTORY)
}

fn row(deed: &Deed) -> Vec<Cell> {
    let what = match &deed.what {
        What::Nova(action) => action_word(action),
        What::Panel(kind, None) => action(*kind).to_owned(),
        What::Panel(kind, Some(detail)) => format!("{}: {detail}", action(*kind)),
    };
    let outcome = match &deed.outcome {
        Outcome::Done => Cell::Text(texts::DONE.to_owned()),
        Outcome::UnderWay => Cell::Text(texts::UNDER_WAY.to_owned()),
        Outcome::Uncertain => Cell::Failure(texts::UNCERTAIN.to_owned()),
        Outcome::Failed(message) => Cell::Failure(message.clone()),
    };
    let by = deed.by.as_deref().unwrap_or(texts::UNKNOWN);
    let by = if deed.is_ours {
        let mark = el("span").class("badge plain").attr("title", texts::THROUGH_PANEL).text(texts::PANEL);
        Cell::El(el("span").class("foreign").text(by).text(" ").child(mark))
    } else {
        Cell::Mono(by.to_owned())
    };
    vec![Cell::Text(what), Cell::Moment(deed.at), outcome, by, requests(deed)]
}

/// Both ids of what was asked for, each under the name of the log that has more.
fn requests(deed: &Deed) -> Cell {
    let ids = [(texts::OUR_REQUEST, &deed.request_id), (texts::CLOUDS_REQUEST, &deed.upstream_request_id)];
    let line = |(log, id): (&str, &Option<String>)| {
        let id = id.as_deref()?;
        let copy = copy_button(id.to_owned(), texts::copy_request(log, id));
        let line =
            el("div").class("request-id").text(log).text(" ").child(el("code").class("foreign").text(id));
        Some(line.text(" ").child(copy))
    };
    let lines: Vec<El> = ids.into_iter().filter_map(line).collect();
    if lines.is_empty() { Cell::Text(texts::UNKNOWN.to_owned()) } else { Cell::El(el("div").children(lines)) }
}
