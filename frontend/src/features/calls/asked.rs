//! What was asked to be done to servers: the calls it comes to, and what became of each.

use api_types::jobs::{JobItem, JobItems};

use super::{
    by_server::{Told, of_job},
    item::{item, line},
    texts,
};
use crate::{
    asked::{Asked, ask},
    cloud::calls::AskedJob,
    commands::written,
    commands_view::commands_view,
    jobs::{Jobs, use_jobs},
    ui::{El, derived, el, time::relative_time},
};

/// The calls of a job, for the first of its servers.
pub fn asked_items(asked: &AskedJob, is_open: bool) -> Vec<El> {
    of_job(&asked.asked).into_iter().map(|told| asked_item(told, asked, is_open)).collect()
}

/// So many servers are told one by one.
const TOLD: usize = 20;

fn asked_item(told: Told, asked: &AskedJob, is_open: bool) -> El {
    let jobs = use_jobs();
    let facts = el("span")
        .class("call-facts")
        .child(outcome(jobs, asked))
        .text(&format!(" · {} · ", told.region))
        .child(relative_time(asked.sent_at));
    let job = asked.job.clone();
    let (method, service, path) = (told.method, told.service, told.path.clone());
    let more = move || {
        let told = told.clone();
        let commands = commands_view(move |form| written(&told.called(), form));
        el("div").child(commands).child_if(job.clone().map(|job| became(jobs, job)))
    };
    item((method, service, &path), facts, is_open, more).child(
        el("div").class("call-ids").child_if(asked.request_id.as_deref().map(|id| line(texts::REQUEST, id))),
    )
}

/// What came of it so far.
fn outcome(jobs: Jobs, asked: &AskedJob) -> El {
    let Some(id) = asked.job.clone() else {
        let word = asked.status.map_or(texts::NO_ANSWER.to_owned(), |status| status.to_string());
        return el("span").class("numbers call-status bad").text(&word);
    };
    let came_of = derived(move || {
        jobs.list().with(|list| texts::came_of(list.iter().flatten().find(|job| job.id == id)))
    });
    el("span")
        .class("call-status")
        .live_class("good", move || came_of.with(|(_, went_well)| *went_well == Some(true)))
        .live_class("bad", move || came_of.with(|(_, went_well)| *went_well == Some(false)))
        .live_text(move || came_of.with(|(words, _)| words.clone()))
}

/// What became of the first servers, with the ids of their calls.
fn became(jobs: Jobs, id: String) -> El {
    let of = id.clone();
    let seen = derived(move || {
        jobs.list().with(|list| {
            list.iter().flatten().find(|job| job.id == of).map(|job| (job.version, job.counts.total as usize))
        })
    });
    let items: Asked<JobItems> = ask(move |_| {
        seen.with(|_| {});
        let id = id.clone();
        Some(Box::pin(async move { jobs.first_items(&id, TOLD).await }))
    });
    items.drawn(move |page| {
        if page.items.is_empty() {
            return el("p").class("nothing").text(texts::NO_ITEMS);
        }
        let total = seen.with_untracked(|seen| seen.map_or(0, |(_, total)| total));
        let more = total.saturating_sub(page.items.len());
        let more = (more > 0).then(|| el("p").class("field-note").text(&texts::and_more(more)));
        let list = el("ul").class("call-servers").children(page.items.iter().map(server).collect());
        el("div").attr("data-testid", "call-servers").child(list).child_if(more)
    })
}

fn server(item: &JobItem) -> El {
    let name = if item.name.trim().is_empty() { item.server.to_string() } else { item.name.clone() };
    let ids = [(texts::REQUEST, &item.request_id), (texts::UPSTREAM_REQUEST, &item.upstream_request_id)];
    let ids = ids.into_iter().filter_map(|(name, id)| Some(line(name, id.as_deref()?)));
    el("li")
        .child(el("span").class("foreign").text(&name))
        .text(&format!(": {}", texts::result(&item.result)))
        .children(ids.collect())
}
