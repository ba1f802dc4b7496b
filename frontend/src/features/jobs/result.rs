//! What became of each server of a job.

use api_types::{
    jobs::{ItemResult, Job, JobItem, JobItems},
    routes,
};
use leptos::{prelude::*, task::spawn_local};

use super::{line::calls_button, texts};
use crate::{
    asked::{Asked, ask},
    jobs::{ITEMS_AT_ONCE, Jobs, follow::why, texts::title, use_jobs},
    project::server_path,
    ui::{
        El, Held, Icon, derived,
        dialog::titled_dialog,
        effect::{after, after_change},
        el,
        element::icon,
        table::{Cell, table},
        use_toasts,
    },
};

/// The dialog, open while a result is.
pub fn result_dialog() -> El {
    let jobs = use_jobs();
    let open = RwSignal::new(false);
    after(move || {
        if jobs.shown().with(Option::is_some) {
            open.set(true);
        }
    });
    after_change(
        move || open.track(),
        move || {
            if !open.get_untracked() {
                jobs.shown().set(None);
            }
        },
    );
    let shown = move || {
        jobs.shown().with(|shown| {
            jobs.list()
                .with(|list| list.iter().flatten().find(|job| Some(&job.id) == shown.as_ref()).cloned())
        })
    };
    let job_title = move || shown().as_ref().map(title).unwrap_or_default();
    titled_dialog(open, "dialog result-dialog", job_title, move || {
        let job = derived(shown);
        match job.get_untracked() {
            Some(first) => content(jobs, first.id, job),
            None => el("div"),
        }
    })
}

type ShownJob = Held<Option<Job>>;

fn content(jobs: Jobs, id: String, job: ShownJob) -> El {
    let filter: Held<Option<&'static str>> = Held::new(None);
    let of = id.clone();
    let first: Asked<JobItems> = ask(move |_| {
        let (id, filter) = (of.clone(), filter.get());
        Some(Box::pin(async move { jobs.items(&id, filter, None).await }))
    });
    let further: Held<Vec<JobItem>> = Held::new(Vec::new());
    let next: RwSignal<Option<i64>> = RwSignal::new(None);
    after(move || {
        // Answered anew, the first page is followed by others.
        next.set(first.with(|page| page.and_then(|page| page.next)));
        further.set(Vec::new());
    });
    after_change(
        move || filter.with(|_| {}),
        move || {
            further.set(Vec::new());
            next.set(None);
        },
    );
    // While it runs the first page follows it; of a large job only what is asked for.
    let seen = derived(move || job.with(|job| job.as_ref().map_or(0, |job| job.version)));
    after_change(
        move || seen.with(|_| {}),
        move || {
            let is_small = job.with_untracked(|job| {
                job.as_ref().is_some_and(|job| job.counts.total as usize <= ITEMS_AT_ONCE)
            });
            if is_small {
                first.refetch();
            }
        },
    );
    let rows = move |page: &JobItems| {
        let items = page.items.iter();
        further.with(|further| {
            let rows: Vec<_> = items.chain(further).map(|item| row(item, job)).collect();
            if rows.is_empty() {
                el("p").class("nothing").text(texts::NO_ITEM)
            } else {
                table(texts::HEADS, rows)
            }
        })
    };
    let csv = el("a")
        .class("button")
        .attr("href", &routes::job_result(&id))
        .attr("rel", "external")
        .attr("download", "")
        .child(icon(Icon::Download))
        .text(texts::DOWNLOAD);
    let end = el("div").class("job-controls").child_if(calls_button(&id)).child(csv);
    let more = more_button(jobs, id, filter, next, further);
    el("div")
        .class("result")
        .attr("data-testid", "job-result")
        .child(el("div").class("result-head").child(filters(job, filter)).child(end))
        .child(el("div").class("result-items").child(first.drawn(rows)).child(more))
}

fn filters(job: ShownJob, chosen: Held<Option<&'static str>>) -> El {
    let found = derived(move || job.with(|job| job.as_ref().map(texts::filters).unwrap_or_default()));
    let filter = move |(key, word, count): (Option<&'static str>, &'static str, u32)| {
        el("button")
            .attr("type", "button")
            .class("tab")
            .attr("data-result", key.unwrap_or("all"))
            .live_attr("aria-pressed", move || Some((chosen.get() == key).to_string()))
            .text(word)
            .child(el("span").class("tab-count numbers").text(&count.to_string()))
            .on("click", move |_| chosen.set_if_new(key))
    };
    el("div")
        .class("tabs")
        .attr("role", "group")
        .attr("aria-label", texts::FILTER)
        .live_children(move || found.get().into_iter().map(filter).collect())
}

fn more_button(
    jobs: Jobs,
    id: String,
    filter: Held<Option<&'static str>>,
    next: RwSignal<Option<i64>>,
    further: Held<Vec<JobItem>>,
) -> El {
    let toasts = use_toasts();
    let is_busy = RwSignal::new(false);
    el("button")
        .attr("type", "button")
        .class("button")
        .live_class("busy", move || is_busy.get())
        .live_attr("aria-disabled", move || is_busy.get().then(|| "true".to_owned()))
        .live_attr("hidden", move || next.get().is_none().then(String::new))
        .text(texts::MORE)
        .on("click", move |_| {
            let Some(after) = next.get_untracked().filter(|_| !is_busy.get_untracked()) else { return };
            let (id, of) = (id.clone(), filter.get_untracked());
            is_busy.set(true);
            spawn_local(async move {
                let page = jobs.items(&id, of, Some(after)).await;
                // The dialog may be closed by now, or show another result, or the same one anew from its first page.
                let is_still_next = next.try_get_untracked() == Some(Some(after));
                _ = is_busy.try_set(false);
                match page {
                    Ok(page) if is_still_next && filter.get_untracked() == of => {
                        further.update(|further| further.extend(page.items));
                        next.set(page.next);
                    }
                    Ok(_) => {}
                    Err(error) => toasts.fail(error.message(), error.request_id().map(str::to_owned)),
                }
            });
        })
}

fn row(item: &JobItem, job: ShownJob) -> Vec<Cell> {
    let project = job.with_untracked(|job| job.as_ref().map(|job| job.project.clone()));
    let href = project.map(|project| server_path(&project, &item.region, &item.server));
    let name = if item.name.trim().is_empty() { item.server.to_string() } else { item.name.clone() };
    let link = el("a").class("foreign").attr_if("href", href.as_deref()).text(&name);
    let is_bad = matches!(item.result, ItemResult::Failed { .. } | ItemResult::Uncertain);
    let result = el("span")
        .class(if is_bad { "outcome bad" } else { "outcome" })
        .child_if(is_bad.then(|| icon(Icon::Alert)))
        .text(texts::result(&item.result));
    vec![Cell::El(link), Cell::Text(item.region.to_string()), Cell::El(result), Cell::El(reason(item))]
}

/// Why, what the cloud said, and the ids to ask about.
fn reason(item: &JobItem) -> El {
    let why = why(item);
    let said = match &item.result {
        ItemResult::Failed { error } => error.upstream_message.as_deref(),
        _ => None,
    };
    let said = said.map(|said| {
        el("p").class("field-note foreign").text(texts::SAID).text(" ").child(el("q").text(said))
    });
    let ids: Vec<_> = item.request_id.iter().chain(&item.upstream_request_id).map(String::as_str).collect();
    let is_told = matches!(item.result, ItemResult::Failed { .. } | ItemResult::Uncertain) && !ids.is_empty();
    let ids = is_told.then(|| {
        el("p").class("request-id").text(texts::REQUEST).text(" ").child(el("code").text(&ids.join(" · ")))
    });
    let why = (!why.is_empty()).then(|| el("p").text(&why));
    el("div").child_if(why).child_if(said).child_if(ids)
}
