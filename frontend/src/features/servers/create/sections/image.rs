//! The image: searched, by family, by whose it is.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::{card, offered};
use crate::{
    features::servers::create::{
        draft::{Chosen, Section},
        form::Form,
        texts,
    },
    offers::{Image, Origin, family_name},
    ui::{
        El, Held, Icon,
        choice::{radio, text_input},
        derived, el,
        element::icon,
        format::{counted, memory, number},
    },
};

pub fn section(form: Form) -> El {
    let filter =
        Filter { search: RwSignal::new(String::new()), family: Held::new(None), origin: Held::new(None) };
    let search = text_input(
        el("input")
            .attr("type", "search")
            .attr("placeholder", texts::SEARCH_IMAGES_HINT)
            .attr("aria-label", texts::SEARCH_IMAGES)
            .attr("autocomplete", "off")
            .attr("spellcheck", "false"),
        move || filter.search.get(),
        move |text| filter.search.set(text),
    );
    let search = el("div").class("search-field").child(icon(Icon::Search)).child(search);
    let list = offered(form.offers.images, move |images| {
        let project = form.project.get_untracked();
        let origin_of = |image: &Image| project.as_ref().map_or(Origin::Provided, |own| image.origin(own));
        let mut origins: Vec<(Origin, usize)> = Vec::new();
        let mut families: BTreeMap<String, usize> = BTreeMap::new();
        for image in images {
            let origin = origin_of(image);
            match origins.iter_mut().find(|(known, _)| *known == origin) {
                Some((_, count)) => *count += 1,
                None => origins.push((origin, 1)),
            }
            if let Some(family) = image.family() {
                *families.entry(family).or_default() += 1;
            }
        }
        let rows: Vec<(Image, Origin)> =
            images.iter().map(|image| (image.clone(), origin_of(image))).collect();
        vec![
            origin_buttons(filter, origins),
            family_buttons(filter, families),
            image_rows(form, filter, rows),
        ]
    });
    card(form, Section::Image, texts::IMAGE, vec![search, list])
}

#[derive(Clone, Copy)]
struct Filter {
    search: RwSignal<String>,
    family: Held<Option<String>>,
    origin: Held<Option<Origin>>,
}

impl Filter {
    fn takes(self, image: &Image, origin: Origin) -> bool {
        let search = self.search.get().trim().to_lowercase();
        let family = image.family();
        let is_found = search.split_whitespace().all(|word| {
            image.shown_name().to_lowercase().contains(word)
                || family.as_deref().is_some_and(|family| family_name(family).to_lowercase().contains(word))
                || image.id.starts_with(word)
        });
        is_found
            && self.family.with(|wanted| wanted.is_none() || *wanted == family)
            && self.origin.with(|wanted| wanted.is_none_or(|wanted| wanted == origin))
    }
}

fn origin_buttons(filter: Filter, origins: Vec<(Origin, usize)>) -> El {
    let button = |(origin, words): (Option<Origin>, &'static str)| {
        let count = origins.iter().filter(|(known, _)| origin.is_none_or(|origin| origin == *known));
        let count: usize = count.map(|(_, count)| count).sum();
        pick(words, count, move || filter.origin.get() == origin, move || filter.origin.set(origin))
    };
    let all = [
        (None, texts::ALL),
        (Some(Origin::Provided), texts::PROVIDED),
        (Some(Origin::Mine), texts::MINE),
        (Some(Origin::Shared), texts::SHARED),
    ];
    el("div")
        .class("picks")
        .attr("role", "group")
        .attr("aria-label", texts::WHOSE)
        .children(all.map(button).into())
}

fn family_buttons(filter: Filter, families: BTreeMap<String, usize>) -> El {
    let button = |(family, count): (String, usize)| {
        let (name, held, set) = (family_name(&family), family.clone(), family);
        pick(
            &name,
            count,
            move || filter.family.with(|chosen| chosen.as_ref() == Some(&held)),
            move || {
                let is_same = filter.family.with_untracked(|chosen| chosen.as_ref() == Some(&set));
                filter.family.set((!is_same).then(|| set.clone()));
            },
        )
    };
    let buttons = families.into_iter().map(button).collect();
    el("div").class("picks").attr("role", "group").attr("aria-label", texts::SYSTEM).children(buttons)
}

/// A button that is pressed or not, with how many it stands for.
fn pick(
    words: &str,
    count: usize,
    is_pressed: impl Fn() -> bool + 'static,
    press: impl Fn() + 'static,
) -> El {
    el("button")
        .attr("type", "button")
        .class("pick")
        .live_attr("aria-pressed", move || Some(is_pressed().to_string()))
        .text(words)
        .child(el("span").class("numbers pick-count").text(&number(count as u64)))
        .on("click", move |_| press())
}

fn image_rows(form: Form, filter: Filter, rows: Vec<(Image, Origin)>) -> El {
    let count = rows.len();
    let found = derived(move || {
        let found = rows.iter().filter(|(image, origin)| filter.takes(image, *origin));
        found.map(|(image, _)| image.clone()).collect::<Vec<_>>()
    });
    let draw = move || {
        found.with(|images| {
            if images.is_empty() {
                return vec![el("p").class("nothing").text(if count == 0 {
                    texts::NO_IMAGE
                } else {
                    texts::NO_IMAGE_FOUND
                })];
            }
            images.iter().map(|image| image_row(form, image)).collect()
        })
    };
    let told = move || found.with(|images| counted(images.len() as u64, "image", "images"));
    el("div").child(el("p").class("unseen").attr("role", "status").live_text(told)).child(
        el("div")
            .class("option-list")
            .attr("role", "radiogroup")
            .attr("aria-label", texts::IMAGE)
            .attr("data-testid", "image-list")
            .live_children(draw),
    )
}

fn image_row(form: Form, image: &Image) -> El {
    let (id, name) = (image.id.clone(), image.shown_name().to_owned());
    let chosen = Chosen { id: id.clone(), name: name.clone() };
    let dot = radio(
        "image",
        move || form.draft.with(|draft| draft.image.as_ref().is_some_and(|image| image.id == id)),
        move || form.change(|draft| draft.image = Some(chosen.clone())),
    );
    let mut facts = Vec::new();
    if image.is_snapshot() {
        facts.push(texts::SNAPSHOT.to_owned());
    }
    facts.extend(image.family().map(|family| family_name(&family)));
    let disk = image.disk_needed_gib();
    if disk > 0 {
        facts.push(texts::from_disk(disk));
    }
    if image.min_ram_mib > 0 {
        facts.push(texts::from_ram(&memory(image.min_ram_mib.into())));
    }
    el("label")
        .class("option")
        .child(dot)
        .child(el("span").class("option-name foreign").text(&name))
        .child(el("span").class("option-facts").text(&facts.join(" · ")))
}
