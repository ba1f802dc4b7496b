//! Where in the region: the availability zone, and the server group that keeps servers apart or together.

use super::{card, offered};
use crate::{
    features::servers::create::{
        draft::{Chosen, Section},
        form::Form,
        texts,
    },
    ui::{
        El,
        choice::{labelled, select},
        el,
    },
};

pub fn section(form: Form) -> El {
    let zone = offered(form.offers.zones, move |zones| {
        let mut options = vec![(String::new(), texts::ANY.to_owned())];
        options.extend(zones.iter().map(|zone| (zone.clone(), zone.clone())));
        let list = select(
            move || options.clone(),
            move || form.draft.with(|draft| draft.zone.clone()),
            move |zone| form.change(|draft| draft.zone = zone),
        );
        vec![labelled(texts::ZONE, None, list)]
    });
    let group = offered(form.offers.server_groups, move |groups| {
        let mut options = vec![(String::new(), texts::NONE.to_owned())];
        options.extend(
            groups.iter().map(|group| (group.id.clone(), format!("{} ({})", group.name, group.policy))),
        );
        let named: Vec<Chosen> =
            groups.iter().map(|group| Chosen { id: group.id.clone(), name: group.name.clone() }).collect();
        let list = select(
            move || options.clone(),
            move || {
                form.draft.with(|draft| {
                    draft.server_group.as_ref().map(|group| group.id.clone()).unwrap_or_default()
                })
            },
            move |id| {
                let group = named.iter().find(|group| group.id == id).cloned();
                form.change(|draft| draft.server_group = group);
            },
        );
        vec![labelled(texts::SERVER_GROUP, Some(texts::SERVER_GROUP_HINT), list)]
    });
    card(
        form,
        Section::Placement,
        texts::PLACEMENT,
        vec![el("div").class("form short-fields").child(zone).child(group)],
    )
}
