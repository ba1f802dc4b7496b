//! The list, newest first; each call opens to its three forms and the ids under which the logs have it.

use std::cmp::Reverse;

use leptos::prelude::*;

use super::{
    asked::asked_items,
    by_server::{Told, of_job, of_page},
    item::{item, line},
    texts,
};
use crate::{
    cloud::{
        Service,
        calls::{AskedJob, MadeCall, calls_made, jobs_asked},
        shown::use_calls_shown,
    },
    commands::{Called, script, written},
    commands_view::commands_view,
    jobs::{texts::title, use_jobs},
    regions::{use_regions, with_service},
    router::use_router,
    ui::{El, Icon, copy_button::copy_text, el, element::icon, format, time::relative_time, use_toasts},
};

/// What the dialog shows: what was so when it was opened.
pub fn calls_panel() -> El {
    let lines = lines();
    let wanted = use_calls_shown().and_then(|shown| shown.job());
    let of_wanted = wanted.and_then(|job| {
        let asked = lines.iter().find_map(|line| match line {
            Line::Asked(asked) if asked.job.as_ref() == Some(&job) => Some(asked),
            _ => None,
        });
        asked.map(of_one_job)
    });
    let heading = of_wanted.is_some().then(|| el("h3").text(texts::ALL));
    let copy_all = copy_all_button(&lines);
    let list = match lines.is_empty() {
        true => el("p").class("nothing").text(texts::NONE),
        false => el("ul")
            .class("calls")
            .attr("data-testid", "calls")
            .children(lines.into_iter().flat_map(Line::drawn).collect()),
    };
    el("div")
        .class("form")
        .child(el("p").class("field-note").text(texts::ABOUT))
        .child_if(of_wanted)
        .child(el("div").class("form-actions").child(copy_all))
        .child_if(heading)
        .child(list)
        .child(by_server())
}

/// Something in the list.
enum Line {
    Made(MadeCall),
    Asked(AskedJob),
}

/// What this page asked of the cloud, and what it asked the panel to do, the newest first.
fn lines() -> Vec<Line> {
    let asked = jobs_asked().into_iter().map(Line::Asked);
    let mut lines: Vec<Line> = asked.chain(calls_made().into_iter().map(Line::Made)).collect();
    lines.sort_by_key(|line| match line {
        Line::Made(call) => Reverse(call.sent_at),
        Line::Asked(asked) => Reverse(asked.sent_at),
    });
    lines
}

impl Line {
    fn drawn(self) -> Vec<El> {
        match self {
            Self::Made(call) => vec![made_item(call)],
            Self::Asked(asked) => asked_items(&asked, false),
        }
    }

    fn copied(&self) -> Vec<Copied> {
        match self {
            Self::Made(call) => vec![Copied::Made(call.clone())],
            Self::Asked(asked) => of_job(&asked.asked).into_iter().map(Copied::Told).collect(),
        }
    }
}

/// The calls of the job the list was opened for, open.
fn of_one_job(asked: &AskedJob) -> El {
    let jobs = use_jobs();
    let id = asked.job.clone();
    let title = jobs.list().with_untracked(|list| {
        list.iter().flatten().find(|job| Some(&job.id) == id.as_ref()).map(title).unwrap_or_default()
    });
    el("div")
        .class("form")
        .attr("data-testid", "calls-of-job")
        .child(el("h3").class("foreign").text(texts::OF_JOB).text(" ").text(&title))
        .child(el("ul").class("calls").children(asked_items(asked, true)))
}

/// What the panel's server asks for the page by itself.
fn by_server() -> El {
    let regions = use_regions();
    let path = use_router().path().get_untracked();
    el("div").class("form").live_children(move || {
        let names: Vec<String> = regions.with(|regions| {
            let names = with_service(regions.map_or(&[], Vec::as_slice), Service::Compute);
            names.into_iter().map(|region| region.to_string()).collect()
        });
        let told = of_page(&path, &names);
        if told.is_empty() {
            return Vec::new();
        }
        vec![
            el("h3").text(texts::BY_SERVER),
            el("p").class("field-note").text(texts::BY_SERVER_ABOUT),
            el("ul").class("calls").children(told.into_iter().map(told_item).collect()),
        ]
    })
}

fn copy_all_button(lines: &[Line]) -> El {
    let toasts = use_toasts();
    // As they were made: the oldest first.
    let calls: Vec<Copied> = lines.iter().rev().flat_map(Line::copied).collect();
    el("button").attr("type", "button").class("button").child(icon(Icon::Copy)).text(texts::COPY_ALL).on(
        "click",
        move |_| {
            let all: Vec<Called<'_>> = calls.iter().map(Copied::called).collect();
            let text = script(&all);
            leptos::task::spawn_local(async move {
                if copy_text(&text).await {
                    toasts.say(texts::COPIED);
                } else {
                    toasts.fail(texts::CANNOT_COPY, None);
                }
            });
        },
    )
}

/// A call of the script.
enum Copied {
    Made(MadeCall),
    Told(Told),
}

impl Copied {
    fn called(&self) -> Called<'_> {
        match self {
            Self::Made(call) => called(call),
            Self::Told(told) => told.called(),
        }
    }
}

fn called(call: &MadeCall) -> Called<'_> {
    let header = |wanted: &str| {
        let found = call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    };
    Called {
        method: call.method,
        region: call.region.as_str(),
        service: call.service.key(),
        path: &call.path,
        microversion: header("openstack-api-version"),
        content_type: header("content-type"),
        body: call.body.as_deref(),
        file: (call.method == "PUT" && call.path.ends_with("/file")).then_some("image-file"),
    }
}

fn made_item(call: MadeCall) -> El {
    let (words, class) = match call.status {
        Some(status @ 200..400) => (status.to_string(), "numbers call-status good"),
        Some(status) => (status.to_string(), "numbers call-status bad"),
        None => (texts::NO_ANSWER.to_owned(), "numbers call-status bad"),
    };
    let ids = [(texts::REQUEST, &call.request_id), (texts::UPSTREAM_REQUEST, &call.upstream_request_id)];
    let ids = ids.into_iter().filter_map(|(name, id)| Some(line(name, id.as_deref()?))).collect();
    let facts = el("span")
        .class("call-facts")
        .child(el("span").class(class).text(&words))
        .text(&format!(" · {} ms · {} · ", format::number(u64::from(call.duration_ms)), call.region))
        .child(relative_time(call.sent_at));
    let (method, service, path) = (call.method, call.service.key(), call.path.clone());
    item((method, service, &path), facts, false, move || {
        let call = call.clone();
        commands_view(move |form| written(&called(&call), form))
    })
    .child(el("div").class("call-ids").children(ids))
}

fn told_item(told: Told) -> El {
    let facts = el("span").class("call-facts").text(&told.region);
    let (method, service, path) = (told.method, told.service, told.path.clone());
    item((method, service, &path), facts, false, move || {
        let told = told.clone();
        commands_view(move |form| written(&told.called(), form))
    })
}
