//! Sharing an image with other projects, and answering to what others share.

use leptos::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use web_sys::{AbortSignal, Event};

use super::acting::{Acting, OFFERED, Placed, patch_image};
use crate::{
    api_client::ApiError,
    asked::{Answering, Asked, ask},
    cloud::{Cloud, CloudError, Service, encoded},
    cloud_fault::Trouble,
    offers::{Image, until_is},
    ui::{
        El, Icon, Sending,
        choice::{button, line},
        dialog::titled_dialog,
        effect::after,
        el,
        element::icon,
    },
};

/// A project an image is shared with. Source: image API, list image members.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Member {
    member_id: String,
    status: String,
}

/// What other projects offer this one, without an answer yet.
pub async fn list_offered(cloud: &Cloud, until: Option<&AbortSignal>) -> Result<Vec<Image>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        images: Vec<Image>,
    }
    let call = cloud.get(Service::Image, "images?visibility=shared&member_status=pending&limit=200");
    let mut images = until_is(call, until).json::<Answer>().await?.images;
    images.retain(|image| image.owner.as_deref() != Some(cloud.project.as_str()));
    for image in &mut images {
        image.properties.insert(OFFERED.to_owned(), Value::from("yes"));
    }
    Ok(images)
}

/// Takes an offer, or turns it down.
pub async fn answer_offer(placed: &Placed, status: &str) -> Result<(), CloudError> {
    let cloud = &placed.cloud;
    let path = format!("images/{}/members/{}", encoded(&placed.image.id), cloud.project);
    cloud.put(Service::Image, &path).body(&json!({"status": status})).done().await
}

pub fn share_dialog(acting: Acting) -> El {
    let is_open = RwSignal::new(false);
    after(move || is_open.set(acting.shared.with(Option::is_some)));
    after(move || {
        if !is_open.get() && acting.shared.with_untracked(Option::is_some) {
            acting.shared.set(None);
        }
    });
    let title = move || {
        acting.shared.with(|placed| {
            placed.as_ref().map(|placed| format!("Share {}", placed.image.shown_name())).unwrap_or_default()
        })
    };
    titled_dialog(is_open, "dialog", title, move || match acting.shared.get_untracked() {
        Some(placed) => sharing(placed, acting),
        None => el("div"),
    })
}

fn sharing(placed: Placed, acting: Acting) -> El {
    let is_shared = RwSignal::new(placed.image.visibility == "shared");
    let sending = Sending::of_form();
    let typed = RwSignal::new(String::new());
    let listed = placed.clone();
    let members = ask(move |until| {
        is_shared.get().then_some(())?;
        let placed = listed.clone();
        Some(Box::pin(async move { list_members(&placed, until.as_ref()).await.map_err(ApiError::from) })
            as Answering<Vec<Member>>)
    });
    let run = {
        let placed = placed.clone();
        move |doing: Doing| {
            let what = format!("Share {}", placed.image.shown_name());
            let region = placed.cloud.region.clone();
            let placed = placed.clone();
            let work = async move { act(&placed, &doing).await.map(|()| doing).map_err(Trouble::Cloud) };
            sending.send(what, work, move |doing, is_here| {
                if matches!(doing, Doing::Open) {
                    acting.images.refetch(&region);
                }
                if !is_here {
                    return;
                }
                if matches!(doing, Doing::Open) {
                    is_shared.set(true);
                } else {
                    typed.set(String::new());
                    members.refetch();
                }
            });
        }
    };
    let run = StoredValue::new_local(Box::new(run) as Box<dyn Fn(Doing)>);
    let run = move |doing| run.with_value(|run| run(doing));
    let content = move || {
        if !is_shared.get() {
            let text = "It is not open for sharing now. Once it is, nobody sees it until you name a project.";
            let open = button("button primary", "Open it for sharing", move || run(Doing::Open));
            return vec![el("p").text(text), el("div").class("form-actions").child(open)];
        }
        let input = el("input")
            .attr("type", "text")
            .attr("autocomplete", "off")
            .attr("spellcheck", "false")
            .attr("maxlength", "64");
        let add = move |event: Event| {
            event.prevent_default();
            let project = typed.get_untracked().trim().to_owned();
            if !project.is_empty() {
                run(Doing::Add(project));
            }
        };
        let form = el("form")
            .class("form")
            .attr("novalidate", "")
            .child(line(
                "Project\u{2019}s id",
                Some("The project sees the image once somebody there accepts it."),
                input,
                move || typed.get(),
                move |text| typed.set(text),
            ))
            .child(el("div").class("form-actions").child(
                sending.marked(el("button").attr("type", "submit").class("button primary").text("Share")),
            ))
            .on("submit", add);
        vec![member_list(members, run), form]
    };
    el("div")
        .class("form")
        .child(el("div").class("form").live_children(content))
        .child(sending.alert(Trouble::drawn))
}

enum Doing {
    /// Makes the image one that can be shared.
    Open,
    Add(String),
    Remove(String),
}

async fn act(placed: &Placed, doing: &Doing) -> Result<(), CloudError> {
    let (cloud, id) = (&placed.cloud, encoded(&placed.image.id));
    match doing {
        Doing::Open => {
            let step = json!({"op": "replace", "path": "/visibility", "value": "shared"});
            patch_image(cloud, &placed.image.id, &[step]).await
        }
        Doing::Add(project) => {
            let call = cloud.post(Service::Image, &format!("images/{id}/members"));
            call.body(&json!({"member": project})).done().await
        }
        Doing::Remove(project) => {
            cloud.delete(Service::Image, &format!("images/{id}/members/{}", encoded(project))).done().await
        }
    }
}

async fn list_members(placed: &Placed, until: Option<&AbortSignal>) -> Result<Vec<Member>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        members: Vec<Member>,
    }
    let path = format!("images/{}/members", encoded(&placed.image.id));
    let call = until_is(placed.cloud.get(Service::Image, &path), until);
    call.json::<Answer>().await.map(|answer| answer.members)
}

fn member_list(members: Asked<Vec<Member>>, run: impl Fn(Doing) + Copy + 'static) -> El {
    members.drawn(move |members| {
        if members.is_empty() {
            return el("p").class("nothing").text("It is shared with nobody yet.");
        }
        let item = |member: &Member| {
            let words = match member.status.as_str() {
                "accepted" => "uses it",
                "rejected" => "does not want it",
                _ => "has not answered",
            };
            let gone = member.member_id.clone();
            let remove = el("button")
                .attr("type", "button")
                .class("button quiet icon-only")
                .attr("aria-label", &format!("Share no more with {}", member.member_id))
                .child(icon(Icon::Close))
                .on("click", move |_| run(Doing::Remove(gone.clone())));
            el("li")
                .class("member")
                .child(el("span").class("foreign mono").text(&member.member_id))
                .child(el("span").class("nothing").text(words))
                .child(remove)
        };
        el("ul")
            .class("members")
            .attr("data-testid", "image-members")
            .children(members.iter().map(item).collect())
    })
}
