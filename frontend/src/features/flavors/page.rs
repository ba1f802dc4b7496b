//! All flavors, those of the same name and size together, with the regions that have them.

use leptos::prelude::*;

use crate::{
    across::{Answer, ask_regions},
    cloud::{Cloud, Service},
    offers::{Flavor, list_flavors},
    ui::{
        El, Held, Icon, Page,
        choice::text_input,
        el,
        element::icon,
        empty_state::empty_state,
        format::{memory, number},
        page::page_header,
        table::{Cell, table},
    },
};

#[component]
pub fn FlavorsPage() -> impl IntoView {
    let flavors =
        ask_regions(Service::Compute, async |cloud: Cloud, until| list_flavors(&cloud, until.as_ref()).await);
    let search = RwSignal::new(String::new());
    let input = el("input")
        .attr("type", "search")
        .attr("placeholder", "Search flavors…")
        .attr("aria-label", "Search flavors")
        .attr("autocomplete", "off")
        .attr("spellcheck", "false");
    let input = text_input(input, move || search.get(), move |text| search.set(text));
    let merged = Held::new(Vec::<Merged>::new());
    crate::ui::effect::live(move || merged.set(flavors.with(merge)));
    let title = Signal::stored(TITLE.to_owned());
    let body = el("div")
        .class("page-body")
        .child(el("p").class("page-about").text(ABOUT))
        .child(el("div").class("search-field page-search").child(icon(Icon::Search)).child(input))
        .child(flavors.drawn("flavors", move |_| {
            el("div").live_children(move || {
                let search = search.get().trim().to_lowercase();
                vec![merged.with(|merged| flavor_table(merged, &search))]
            })
        }));
    view! { <Page title>{vec![page_header(title, None, Vec::new(), Vec::new()), body]}</Page> }
}

const TITLE: &str = "Flavors";
const ABOUT: &str = "The sizes your servers can have. Your provider decides which there are.";

/// A flavor and where it is to be had.
#[derive(Clone, Debug, PartialEq)]
struct Merged {
    flavor: Flavor,
    regions: Vec<String>,
}

/// Flavors of one name and one size are one line; their ids differ from region to region.
fn merge(answers: &[Answer<Vec<Flavor>>]) -> Vec<Merged> {
    let mut merged: Vec<Merged> = Vec::new();
    for answer in answers {
        for flavor in answer.value.iter().flatten() {
            let same = merged.iter_mut().find(|held| is_same(&held.flavor, flavor));
            let region = answer.cloud.region.to_string();
            match same {
                Some(held) => held.regions.push(region),
                None => merged.push(Merged { flavor: flavor.clone(), regions: vec![region] }),
            }
        }
    }
    merged.sort_by(|a, b| key(&a.flavor).cmp(&key(&b.flavor)));
    merged
}

fn key(flavor: &Flavor) -> (u32, u32, u32, &str) {
    (flavor.vcpus, flavor.ram_mib, flavor.disk_gib, &flavor.name)
}

fn is_same(a: &Flavor, b: &Flavor) -> bool {
    key(a) == key(b)
        && a.ephemeral_gib == b.ephemeral_gib
        && a.price() == b.price()
        && a.is_disabled == b.is_disabled
}

fn flavor_table(merged: &[Merged], search: &str) -> El {
    let found: Vec<&Merged> =
        merged.iter().filter(|merged| merged.flavor.name.to_lowercase().contains(search)).collect();
    if found.is_empty() {
        return empty_state(Icon::Flavor, "No flavor matches", "no-flavors");
    }
    let has_prices = merged.iter().any(|merged| merged.flavor.price().is_some());
    let disk = |gib: u32| {
        if gib == 0 { "as the image".to_owned() } else { format!("{} GiB", number(u64::from(gib))) }
    };
    let row = |merged: &Merged| {
        let flavor = &merged.flavor;
        let mut cells = vec![
            Cell::Text(flavor.name.clone()),
            Cell::Text(number(u64::from(flavor.vcpus))),
            Cell::Text(memory(flavor.ram_mib.into())),
            Cell::Text(disk(flavor.disk_gib)),
        ];
        if has_prices {
            let price = flavor.price();
            cells.push(Cell::Text(price.as_ref().map(|price| price.hourly()).unwrap_or_default()));
            cells.push(Cell::Text(price.map(|price| price.monthly()).unwrap_or_default()));
        }
        cells.push(Cell::Text(merged.regions.join(", ")));
        cells.push(Cell::Text(particulars(flavor)));
        cells
    };
    let heads: &'static [&'static str] = if has_prices {
        &["Name", "vCPUs", "RAM", "Disk", "Price an hour", "A month", "Regions", "Particulars"]
    } else {
        &["Name", "vCPUs", "RAM", "Disk", "Regions", "Particulars"]
    };
    table(heads, found.into_iter().map(row).collect())
        .class("table stacked framed")
        .attr("data-testid", "flavor-table")
}

/// What else the provider says of it, without the price.
fn particulars(flavor: &Flavor) -> String {
    let mut told = Vec::new();
    if flavor.is_disabled {
        told.push("switched off".to_owned());
    }
    if flavor.ephemeral_gib > 0 {
        told.push(format!("{} GiB more disk", flavor.ephemeral_gib));
    }
    if !flavor.is_public {
        told.push("for this project".to_owned());
    }
    told.extend(flavor.description.iter().filter(|text| !text.is_empty()).cloned());
    let specs = flavor.extra_specs.iter().filter(|(key, _)| *key != crate::offers::Price::EXTRA_SPEC);
    told.extend(specs.map(|(key, value)| format!("{}: {value}", key.rsplit(':').next().unwrap_or(key))));
    told.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(region: &str, flavors: Vec<Flavor>) -> Answer<Vec<Flavor>> {
        let cloud = Cloud::new(&"4f1d".parse().expect("an id"), &region.parse().expect("a region"));
        Answer { cloud, value: Some(flavors), error: None, is_asking: false }
    }

    #[test]
    fn the_same_flavor_of_two_regions_is_one_line_and_another_size_another() {
        let flavor = |name: &str, vcpus| Flavor { name: name.into(), vcpus, ..Flavor::default() };
        let answers = [
            answer("One", vec![flavor("b", 2), flavor("a", 1)]),
            answer("Two", vec![flavor("a", 1), flavor("b", 4)]),
        ];
        let merged = merge(&answers);
        let told: Vec<_> =
            merged.iter().map(|m| (m.flavor.name.as_str(), m.flavor.vcpus, m.regions.join("+"))).collect();
        assert_eq!(told, [("a", 1, "One+Two".into()), ("b", 2, "One".into()), ("b", 4, "Two".into())]);
    }
}
