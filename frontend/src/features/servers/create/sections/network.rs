//! The networks the server is on, and the security groups that guard it there.

use super::{card, offered};
use crate::{
    features::servers::create::{
        draft::{Chosen, Draft, Section},
        form::Form,
        texts,
    },
    offers::{Network, SecurityGroup},
    ui::{El, choice::check_with, derived, el},
};

pub fn section(form: Form) -> El {
    let networks = offered(form.offers.networks, move |networks| {
        if networks.is_empty() {
            return vec![el("p").class("nothing").text(texts::NO_NETWORKS)];
        }
        vec![group(texts::NETWORKS, networks.iter().map(|network| network_choice(form, network)).collect())]
    });
    let without = check_with(
        texts::WITHOUT_NETWORK,
        Some(texts::WITHOUT_NETWORK_HINT),
        move || form.draft.with(|draft| draft.is_without_network),
        move |is_without| {
            form.change(|draft| {
                draft.is_without_network = is_without;
                if is_without {
                    draft.networks.clear();
                }
            });
        },
    );
    let is_guarded = derived(move || form.draft.with(|draft| !draft.is_without_network));
    let guards = move || {
        if !is_guarded.get() {
            return Vec::new();
        }
        let groups = offered(form.offers.security_groups, move |groups| {
            vec![group(
                texts::SECURITY_GROUPS,
                groups.iter().map(|group| group_choice(form, group)).collect(),
            )]
        });
        let none_chosen = derived(move || form.draft.with(|draft| draft.security_groups.is_empty()));
        let note = el("p")
            .class("field-note")
            .live_attr("hidden", move || (!none_chosen.get()).then(String::new))
            .text(texts::NO_GROUP_CHOSEN);
        vec![el("h3").text(texts::SECURITY_GROUPS), groups, note]
    };
    let guards = el("div").class("form").live_children(guards);
    card(form, Section::Networks, texts::NETWORKS, vec![networks, without, guards])
}

fn group(label: &str, choices: Vec<El>) -> El {
    el("div").class("check-list").attr("role", "group").attr("aria-label", label).children(choices)
}

fn network_choice(form: Form, network: &Network) -> El {
    let note = match (network.is_external, network.shared) {
        (true, _) => Some(texts::EXTERNAL),
        (false, true) => Some(texts::SHARED_NETWORK),
        (false, false) => None,
    };
    let name = if network.name.is_empty() { &network.id } else { &network.name };
    let chosen = Chosen { id: network.id.clone(), name: network.name.clone() };
    let id = network.id.clone();
    check_with(
        name,
        note,
        move || form.draft.with(|draft| draft.networks.iter().any(|network| network.id == id)),
        move |is_on| {
            form.change(|draft| {
                toggle(&mut draft.networks, &chosen, is_on);
                draft.is_without_network &= draft.networks.is_empty();
            });
        },
    )
}

fn group_choice(form: Form, group: &SecurityGroup) -> El {
    let chosen = Chosen { id: group.id.clone(), name: group.name.clone() };
    let id = group.id.clone();
    let note = Some(group.description.as_str()).filter(|text| !text.is_empty());
    let has = move |draft: &Draft| draft.security_groups.iter().any(|group| group.id == id);
    check_with(
        &group.name,
        note,
        move || form.draft.with(&has),
        move |is_on| form.change(|draft| toggle(&mut draft.security_groups, &chosen, is_on)),
    )
}

fn toggle(held: &mut Vec<Chosen>, chosen: &Chosen, is_on: bool) {
    held.retain(|held| held.id != chosen.id);
    if is_on {
        held.push(chosen.clone());
    }
}
