//! The list, newest first; each call opens to its three forms.

use leptos::prelude::*;

use super::by_server::{Told, of_job, of_page};
use crate::{
    cloud::{
        Service,
        calls::{MadeCall, calls_made, jobs_asked},
    },
    commands::{Called, script, written},
    commands_view::commands_view,
    regions::{use_regions, with_service},
    router::use_router,
    ui::{El, Icon, copy_button::copy_text, el, element::icon, format, time::relative_time, use_toasts},
};

/// What the dialog shows: what was so when it was opened.
pub fn calls_panel() -> El {
    let made = calls_made();
    let regions = use_regions();
    let path = use_router().path().get_untracked();
    let by_server = move || {
        let names: Vec<String> = regions.with(|regions| {
            let names = with_service(regions.map_or(&[], Vec::as_slice), Service::Compute);
            names.into_iter().map(|region| region.to_string()).collect()
        });
        let asked = jobs_asked();
        let of_jobs = asked.iter().flat_map(of_job);
        let told: Vec<Told> = of_jobs.chain(of_page(&path, &names)).collect();
        if told.is_empty() {
            return Vec::new();
        }
        let heading = el("h3").text("Made by the panel\u{2019}s server for you");
        let list = el("ul").class("calls").children(told.into_iter().map(told_item).collect());
        vec![heading, list]
    };
    let copied = made.clone();
    let toasts = use_toasts();
    let copy_all = el("button")
        .attr("type", "button")
        .class("button")
        .child(icon(Icon::Copy))
        .text("Copy all as a script")
        .on("click", move |_| {
            // As they were made: the oldest first.
            let calls: Vec<Called<'_>> = copied.iter().rev().map(called).collect();
            let text = script(&calls);
            leptos::task::spawn_local(async move {
                if copy_text(&text).await {
                    toasts.say("Copied.");
                } else {
                    toasts.fail("This browser does not let the page copy.", None);
                }
            });
        });
    let list = match made.is_empty() {
        true => el("p").class("nothing").text("This page has asked the cloud for nothing itself yet."),
        false => el("ul")
            .class("calls")
            .attr("data-testid", "calls")
            .children(made.into_iter().map(made_item).collect()),
    };
    el("div")
        .class("form")
        .child(el("p").class("field-note").text(ABOUT))
        .child(el("div").class("form-actions").child(copy_all))
        .child(list)
        .child(el("div").class("form").live_children(by_server))
}

const ABOUT: &str = "What the panel asked the cloud for since this page was opened, the latest first. With your own \
                     credentials you can do the same. Passwords, private keys and user data are masked.";

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
        None => ("no answer".to_owned(), "numbers call-status bad"),
    };
    let ids = [("Request", &call.request_id), ("The cloud\u{2019}s request", &call.upstream_request_id)];
    let id = |(name, id): (&str, &Option<String>)| {
        id.as_deref().map(|id| el("p").class("request-id").text(name).text(" ").child(el("code").text(id)))
    };
    let facts = el("span")
        .class("call-facts")
        .child(el("span").class(class).text(&words))
        .text(&format!(" · {} ms · {} · ", format::number(u64::from(call.duration_ms)), call.region))
        .child(relative_time(call.sent_at));
    let ids: Vec<El> = ids.into_iter().filter_map(id).collect();
    let (method, service, path) = (call.method, call.service.key(), call.path.clone());
    item(method, service, &path, facts, move || {
        let call = call.clone();
        commands_view(move |form| written(&called(&call), form))
    })
    .child(el("div").class("call-ids").children(ids))
}

fn told_item(told: Told) -> El {
    let facts = el("span").class("call-facts").text(&told.region);
    let (method, service, path) = (told.method, told.service, told.path.clone());
    item(method, service, &path, facts, move || {
        let told = told.clone();
        commands_view(move |form| {
            written(
                &Called {
                    method: told.method,
                    region: &told.region,
                    service: told.service,
                    path: &told.path,
                    microversion: told.microversion,
                    body: told.body.as_deref(),
                    ..Called::default()
                },
                form,
            )
        })
    })
}

/// A call that opens to more, made when it is first opened.
fn item(method: &str, service: &str, path: &str, facts: El, more: impl Fn() -> El + 'static) -> El {
    let is_open = RwSignal::new(false);
    let head = el("button")
        .attr("type", "button")
        .class("call-head")
        .live_attr("aria-expanded", move || Some(is_open.get().to_string()))
        .child(el("code").class("call-method").text(method))
        .child(el("code").class("call-path foreign").text(&format!("{service}/{path}")))
        .child(facts)
        .on("click", move |_| is_open.update(|open| *open = !*open));
    el("li").class("call").live_class("open", move || is_open.get()).child(head).child(
        el("div")
            .class("call-more")
            .live_children(move || if is_open.get() { vec![untrack(&more)] } else { Vec::new() }),
    )
}
