//! The list, and the ways to make and delete one.

use std::rc::Rc;

use leptos::prelude::*;
use serde_json::json;
use web_sys::Event;

use crate::{
    across::{Across, Answer, ask_regions, none_of},
    cloud::{Cloud, Service, encoded},
    cloud_fault::Trouble,
    confirm::{Confirm, Question, confirm},
    offers::{ServerGroup, compute, list_server_groups},
    project::changing,
    ui::{
        El, Icon, Page, Sending,
        choice::{labelled, line, radio, select},
        dialog::titled_dialog,
        el,
        element::icon,
        empty_state::empty_state,
        format::counted,
        page::page_header,
        table::{Cell, table},
        use_toasts,
    },
};

#[component]
pub fn ServerGroupsPage() -> impl IntoView {
    let groups = ask_regions(Service::Compute, async |cloud: Cloud, until| {
        list_server_groups(&cloud, until.as_ref()).await
    });
    let (confirm, confirm_dialog) = confirm();
    let is_open = RwSignal::new(false);
    let create = changing(el("button"))
        .attr("type", "button")
        .class("button primary")
        .child(icon(Icon::Plus))
        .text("Create")
        .on("click", move |_| is_open.set(true));
    let title = Signal::stored(TITLE.to_owned());
    let body = el("div")
        .class("page-body")
        .child(el("p").class("page-about").text(ABOUT))
        .child(groups.drawn("server groups", move |answers| group_table(answers, groups, confirm)));
    let header = page_header(title, None, Vec::new(), vec![create]);
    view! { <Page title>{vec![header, body, create_dialog(groups, is_open), confirm_dialog]}</Page> }
}

const TITLE: &str = "Server groups";
const ABOUT: &str = "Which servers are to be on different hosts, so that one failure does not take all of them, or on one \
                     host, so that they are near each other. A server joins its group when it is created.";

/// The policies Nova knows, what they mean, and what happens where there is no room.
const POLICIES: [(&str, &str, &str); 4] = [
    ("anti-affinity", "On different hosts", "Without a free host a server is not created."),
    ("soft-anti-affinity", "On different hosts, if possible", "Without a free host two servers share one."),
    ("affinity", "On one host", "Without room on that host a server is not created."),
    ("soft-affinity", "On one host, if possible", "Without room there, another host is taken."),
];

fn policy_name(policy: &str) -> &str {
    POLICIES.iter().find(|(key, ..)| *key == policy).map_or(policy, |(_, name, _)| name)
}

fn group_table(
    answers: &[Answer<Vec<ServerGroup>>],
    groups: Across<Vec<ServerGroup>>,
    confirm: Confirm,
) -> El {
    let mut rows: Vec<(&ServerGroup, &Cloud)> = answers
        .iter()
        .flat_map(|answer| answer.value.iter().flatten().map(|group| (group, &answer.cloud)))
        .collect();
    rows.sort_by(|a, b| (&a.0.name, a.1.region.as_str()).cmp(&(&b.0.name, b.1.region.as_str())));
    if rows.is_empty() {
        let title = none_of(answers, "This project has no server group yet");
        return empty_state(Icon::ServerGroup, title, "no-server-groups")
            .child(el("p").text("Create one before the servers that are to be in it."));
    }
    let row = |(group, cloud): (&ServerGroup, &Cloud)| {
        vec![
            Cell::Text(group.name.clone()),
            Cell::Text(cloud.region.to_string()),
            Cell::Text(policy_name(&group.policy).to_owned()),
            Cell::Text(counted(group.members.len() as u64, "server", "servers")),
            Cell::Copied(group.id.clone(), "Copy id".to_owned()),
            Cell::El(delete_button(group.clone(), cloud.clone(), groups, confirm)),
        ]
    };
    table(&["Name", "Region", "Policy", "Members", "Id", "Actions"], rows.into_iter().map(row).collect())
        .class("table stacked framed")
        .attr("data-testid", "server-group-table")
}

fn delete_button(group: ServerGroup, cloud: Cloud, groups: Across<Vec<ServerGroup>>, confirm: Confirm) -> El {
    let label = format!("Delete {} in {}", group.name, cloud.region);
    changing(el("button"))
        .attr("type", "button")
        .class("button quiet")
        .attr("aria-label", &label)
        .text("Delete")
        .on("click", move |_| {
            let (cloud, after_cloud) = (cloud.clone(), cloud.clone());
            let path = format!("os-server-groups/{}", encoded(&group.id));
            let text = match group.members.len() {
                0 => "No server is in it.".to_owned(),
                count => format!(
                    "{} in it stay where they are, but nothing keeps them apart or together any more.",
                    counted(count as u64, "server", "servers")
                ),
            };
            confirm.ask(Question {
                title: format!("Delete server group {}?", group.name),
                text,
                verb: "Delete server group",
                done: format!("{} was deleted in {}.", group.name, cloud.region),
                act: Rc::new(move || {
                    let call = compute(cloud.delete(Service::Compute, &path), None);
                    Box::pin(async move { call.done().await })
                }),
                after: Rc::new(move || groups.refetch(&after_cloud.region)),
            });
        })
}

fn create_dialog(groups: Across<Vec<ServerGroup>>, is_open: RwSignal<bool>) -> El {
    let toasts = use_toasts();
    titled_dialog(
        is_open,
        "dialog",
        || "Create a server group".to_owned(),
        move || {
            let clouds: Vec<Cloud> =
                groups.with(|answers| answers.iter().map(|answer| answer.cloud.clone()).collect());
            let region =
                RwSignal::new(clouds.first().map(|cloud| cloud.region.to_string()).unwrap_or_default());
            let (name, policy) = (RwSignal::new(String::new()), RwSignal::new(POLICIES[0].0.to_owned()));
            let sending = Sending::of_form();
            let by_name = clouds.clone();
            let send = move |event: Event| {
                event.prevent_default();
                let cloud = by_name.iter().find(|cloud| cloud.region.as_str() == region.get_untracked());
                let Some(cloud) = cloud.cloned().filter(|_| !sending.is_busy_untracked()) else { return };
                let name = name.get_untracked().trim().to_owned();
                if name.is_empty() {
                    return sending.refuse(Trouble::Words("Give it a name.".to_owned()));
                }
                let body = json!({"server_group": {"name": name, "policy": policy.get_untracked()}});
                let call = compute(cloud.post(Service::Compute, "os-server-groups").body(&body), None);
                let work = async move { call.done().await.map_err(Trouble::Cloud) };
                sending.send(format!("Create server group {name}"), work, move |(), is_here| {
                    toasts.say(format!("{name} was created in {}.", cloud.region));
                    if is_here {
                        is_open.set(false);
                    }
                    groups.refetch(&cloud.region);
                });
            };
            let choice = move |(key, name, note): (&'static str, &'static str, &'static str)| {
                let dot = radio("policy", move || policy.get() == key, move || policy.set(key.to_owned()));
                let words = el("span").text(name).child(el("span").class("field-note").text(note));
                el("label").class("check").child(dot).child(words)
            };
            let options: Vec<_> =
                clouds.iter().map(|cloud| (cloud.region.to_string(), cloud.region.to_string())).collect();
            let region_list =
                select(move || options.clone(), move || region.get(), move |name| region.set(name));
            let name_input = el("input")
                .attr("type", "text")
                .attr("maxlength", "255")
                .attr("autocomplete", "off")
                .attr("autofocus", "");
            let submit =
                el("button").attr("type", "submit").class("button primary").text("Create server group");
            el("form")
                .class("form")
                .attr("novalidate", "")
                .child(line("Name", None, name_input, move || name.get(), move |text| name.set(text)))
                .child(labelled("Region", None, region_list))
                .child(
                    el("div")
                        .class("form-choices")
                        .attr("role", "radiogroup")
                        .attr("aria-label", "Policy")
                        .children(POLICIES.map(choice).into()),
                )
                .child(sending.alert(Trouble::drawn))
                .child(el("div").class("form-actions").child(sending.marked(submit)))
                .on("submit", send)
        },
    )
}
