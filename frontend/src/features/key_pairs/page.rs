//! The list, and the ways to make, import and delete one.

use std::rc::Rc;

use leptos::prelude::*;

use crate::{
    across::{Across, Answer, ask_regions, none_of},
    cloud::{Cloud, Service, encoded},
    confirm::{Confirm, Question, confirm},
    key_pair_form::{From, Place, key_pair_dialog},
    offers::{KeyPair, MadeKeyPair, compute, list_key_pairs},
    project::{changing, why_only_looked_at},
    ui::{
        El, Held, Icon, Page,
        choice::{labelled, select},
        el,
        element::icon,
        empty_state::empty_state,
        page::page_header,
        table::{Cell, table},
    },
};

#[component]
pub fn KeyPairsPage() -> impl IntoView {
    let pairs = ask_regions(Service::Compute, async |cloud: Cloud, until| {
        list_key_pairs(&cloud, until.as_ref()).await
    });
    let (confirm, confirm_dialog) = confirm();
    let (is_open, from) = (RwSignal::new(false), Held::new(From::Cloud));
    let open = move |class: &'static str, words: &'static str, mark: Icon, kind: From| {
        changing(el("button")).attr("type", "button").class(class).child(icon(mark)).text(words).on(
            "click",
            move |_| {
                from.set(kind);
                is_open.set(true);
            },
        )
    };
    let actions = vec![
        open("button", "Import", Icon::Upload, From::Person),
        open("button primary", "Create", Icon::Plus, From::Cloud),
    ];
    let title = Signal::stored(TITLE.to_owned());
    let about = if why_only_looked_at().is_some() { ABOUT_OTHERS } else { ABOUT };
    let body = el("div")
        .class("page-body")
        .child(el("p").class("page-about").text(about))
        .child(pairs.drawn("key pairs", move |answers| key_pair_table(answers, pairs, confirm)));
    let header = page_header(title, None, Vec::new(), actions);
    view! { <Page title>{vec![header, body, adding_dialog(pairs, is_open, from), confirm_dialog]}</Page> }
}

const TITLE: &str = "Key pairs";
const ABOUT: &str = "Keys that open your servers. They are yours alone: others in the project neither see nor use them, and \
                     each region keeps its own.";
/// In a support view the cloud is asked with the operator's own rights.
const ABOUT_OTHERS: &str = "Key pairs are a person's, not a project's: these are your own. The customer's are told to nobody \
                            else; a server's page names the one it was created with.";

fn key_pair_table(answers: &[Answer<Vec<KeyPair>>], pairs: Across<Vec<KeyPair>>, confirm: Confirm) -> El {
    let mut rows: Vec<(&KeyPair, &Cloud)> = answers
        .iter()
        .flat_map(|answer| answer.value.iter().flatten().map(|pair| (pair, &answer.cloud)))
        .collect();
    rows.sort_by(|a, b| (&a.0.name, a.1.region.as_str()).cmp(&(&b.0.name, b.1.region.as_str())));
    if rows.is_empty() {
        return empty_state(Icon::Key, none_of(answers, "You have no key pair yet"), "no-key-pairs")
            .child(el("p").text("Import the public key you have, or let the cloud create a pair."));
    }
    let row = |(pair, cloud): (&KeyPair, &Cloud)| {
        vec![
            Cell::Text(pair.name.clone()),
            Cell::Text(cloud.region.to_string()),
            Cell::Text(pair.kind.clone()),
            Cell::Copied(pair.fingerprint.clone(), "Copy fingerprint".to_owned()),
            Cell::El(delete_button(pair.name.clone(), cloud.clone(), pairs, confirm)),
        ]
    };
    table(&["Name", "Region", "Kind", "Fingerprint", "Actions"], rows.into_iter().map(row).collect())
        .class("table stacked framed")
        .attr("data-testid", "key-pair-table")
}

fn delete_button(name: String, cloud: Cloud, pairs: Across<Vec<KeyPair>>, confirm: Confirm) -> El {
    let label = format!("Delete {name} in {}", cloud.region);
    changing(el("button")).attr("type", "button").class("button quiet").attr("aria-label", &label).text("Delete").on(
        "click",
        move |_| {
            let (name, cloud) = (name.clone(), cloud.clone());
            let path = format!("os-keypairs/{}", encoded(&name));
            let after_cloud = cloud.clone();
            confirm.ask(Question {
                title: format!("Delete key pair {name}?"),
                text: format!(
                    "Its public key is removed from {}. Servers that have it already still open to it; new ones cannot be \
                     given it any more.",
                    cloud.region
                ),
                verb: "Delete key pair",
                done: format!("{name} was deleted in {}.", cloud.region),
                act: Rc::new(move || {
                    let call = compute(cloud.delete(Service::Compute, &path), None);
                    Box::pin(async move { call.done().await })
                }),
                after: Rc::new(move || pairs.refetch(&after_cloud.region)),
            });
        },
    )
}

fn adding_dialog(pairs: Across<Vec<KeyPair>>, is_open: RwSignal<bool>, from: Held<From>) -> El {
    let place = move || {
        let clouds: Vec<Cloud> =
            pairs.with(|answers| answers.iter().map(|answer| answer.cloud.clone()).collect());
        let chosen = Held::new(clouds.first().cloned());
        let options: Vec<_> =
            clouds.iter().map(|cloud| (cloud.region.to_string(), cloud.region.to_string())).collect();
        let region = select(
            move || options.clone(),
            move || {
                chosen
                    .with(|chosen| chosen.as_ref().map(|cloud| cloud.region.to_string()).unwrap_or_default())
            },
            move |name| chosen.set(clouds.iter().find(|cloud| cloud.region.as_str() == name).cloned()),
        );
        Place { cloud: chosen, field: Some(labelled("Region", None, region)) }
    };
    key_pair_dialog(is_open, from, place, move |cloud: &Cloud, _: &MadeKeyPair| pairs.refetch(&cloud.region))
}
