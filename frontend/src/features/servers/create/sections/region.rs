//! Where: the region.

use super::{card, offered};
use crate::{
    cloud::Service,
    features::servers::create::{
        draft::Section,
        form::{Form, remember_region},
        texts,
    },
    regions::with_service,
    ui::{El, choice::radio, el},
};

pub fn section(form: Form) -> El {
    let choices = offered(form.offers.regions, move |regions| {
        let regions = with_service(regions, Service::Compute);
        let choice = |region: api_types::Region| {
            let (name, chosen) = (region.to_string(), region.to_string());
            let dot = radio(
                "region",
                move || form.draft.with(|draft| draft.region == name),
                move || {
                    remember_region(&chosen);
                    form.notes.set(Vec::new());
                    form.change(|draft| draft.region = chosen.clone());
                },
            );
            el("label").class("tile").child(dot).child(el("span").class("foreign").text(region.as_str()))
        };
        vec![
            el("div")
                .class("tiles")
                .attr("role", "radiogroup")
                .attr("aria-label", texts::REGION)
                .children(regions.into_iter().map(choice).collect()),
        ]
    });
    card(form, Section::Region, texts::REGION, vec![choices])
}
