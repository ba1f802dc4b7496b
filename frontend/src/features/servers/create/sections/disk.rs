//! What the server starts from: the flavor's own disk, or a volume made from the image.

use leptos::prelude::*;

use super::card;
use crate::{
    cloud::Service,
    features::servers::create::{draft::Section, form::Form, texts},
    ui::{
        El,
        choice::{check_with, line},
        derived, el,
    },
};

pub fn section(form: Form) -> El {
    let boots = derived(move || form.draft.with(|draft| draft.boots_from_volume));
    let has_volumes = derived(move || {
        let region = form.draft.with(|draft| draft.region.clone());
        form.offers.regions.with(|regions| {
            let here = regions?.iter().find(|here| here.region.as_str() == region)?;
            Some(here.services.iter().any(|service| service == Service::BlockStorage.key()))
        })
    });
    let turn = move |is_on: bool| {
        let needed = untrack(|| form.image().map(|image| image.disk_needed_gib()));
        form.change(|draft| {
            draft.boots_from_volume = is_on;
            if is_on && draft.volume_gib.is_empty() {
                draft.volume_gib = needed.filter(|gib| *gib > 0).unwrap_or(20).max(10).to_string();
            }
        });
    };
    let content = move || match has_volumes.get() {
        Some(false) if !boots.get() => {
            vec![el("p").class("nothing").text(texts::NO_VOLUMES)]
        }
        _ => {
            let tick =
                check_with(texts::FROM_VOLUME, Some(texts::FROM_VOLUME_HINT), move || boots.get(), turn);
            let more = boots.get().then(|| volume(form));
            [Some(tick), more].into_iter().flatten().collect()
        }
    };
    card(form, Section::Disk, texts::DISK, vec![el("div").class("form").live_children(content)])
}

fn volume(form: Form) -> El {
    let size = line(
        texts::VOLUME_SIZE,
        None,
        el("input")
            .attr("type", "text")
            .attr("inputmode", "numeric")
            .attr("autocomplete", "off")
            .attr("maxlength", "7"),
        move || form.draft.with(|draft| draft.volume_gib.clone()),
        move |text| form.change(|draft| draft.volume_gib = text),
    );
    let too_small = derived(move || {
        let needed = form.image()?.disk_needed_gib();
        let size = form.draft.with(|draft| draft.volume_size_gib())?;
        (size < needed).then(|| texts::image_needs(needed))
    });
    let note = el("p")
        .class("field-note error")
        .live_attr("hidden", move || too_small.with(Option::is_none).then(String::new))
        .live_text(move || too_small.get().unwrap_or_default());
    let keep = check_with(
        texts::KEEP_VOLUME,
        None,
        move || form.draft.with(|draft| draft.is_volume_kept),
        move |is_kept| form.change(|draft| draft.is_volume_kept = is_kept),
    );
    el("div").class("form short-fields").child(size).child(note).child(keep)
}
