//! The flavor: a table to sort, with the reason on each that will not do.

use super::{card, offered};
use crate::{
    features::servers::create::{
        draft::{Chosen, Section},
        fit::{Wanted, unfit},
        form::Form,
        texts,
    },
    offers::Flavor,
    ui::{
        El, Held, Icon,
        choice::radio,
        derived, el,
        element::icon,
        format::{memory, number},
    },
};

pub fn section(form: Form) -> El {
    let sort = Held::new(Sort { by: Column::Vcpus, is_descending: false });
    let table = offered(form.offers.flavors, move |flavors| {
        if flavors.is_empty() {
            return vec![el("p").class("nothing").text(texts::NO_FLAVOR)];
        }
        vec![flavor_table(form, sort, flavors.clone())]
    });
    let chosen_unfit = derived(move || form.flavor().and_then(|flavor| reason(form, &flavor)));
    let note = el("p")
        .class("field-note error")
        .attr("role", "alert")
        .live_attr("hidden", move || chosen_unfit.with(Option::is_none).then(String::new))
        .live_text(move || chosen_unfit.get().map(|why| texts::unfit_chosen(&why)).unwrap_or_default());
    card(form, Section::Flavor, texts::FLAVOR, vec![note, table])
}

/// Why a flavor will not do for what stands in the form now.
pub fn reason(form: Form, flavor: &Flavor) -> Option<String> {
    let image = form.image();
    let (count, boots_from_volume) = form.draft.with(|draft| (draft.count(), draft.boots_from_volume));
    form.offers
        .limits
        .with(|limits| unfit(flavor, &Wanted { image: image.as_ref(), boots_from_volume, count, limits }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Vcpus,
    Memory,
    Disk,
    Price,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Sort {
    by: Column,
    is_descending: bool,
}

fn flavor_table(form: Form, sort: Held<Sort>, flavors: Vec<Flavor>) -> El {
    // A column of which nothing is known says nothing.
    let has_prices = flavors.iter().any(|flavor| flavor.price().is_some());
    let mut columns = vec![
        (Column::Name, texts::NAME),
        (Column::Vcpus, texts::VCPUS),
        (Column::Memory, texts::RAM),
        (Column::Disk, texts::DISK),
    ];
    if has_prices {
        columns.push((Column::Price, texts::PRICE_AN_HOUR));
    }
    let heads: Vec<El> = columns.iter().map(|(column, name)| head(sort, *column, name)).collect();
    let fits = el("th").attr("scope", "col").text(texts::FITS);
    // One look at all of them: a reason for each, which changes with the name, the image and the disk.
    let reasons = {
        let flavors = flavors.clone();
        derived(move || flavors.iter().map(|flavor| reason(form, flavor)).collect::<Vec<_>>())
    };
    let rows = move || {
        let Sort { by, is_descending } = sort.get();
        let mut order: Vec<usize> = (0..flavors.len()).collect();
        order.sort_by(|a, b| {
            let (a, b) = (&flavors[*a], &flavors[*b]);
            let ordering = match by {
                Column::Name => a.name.cmp(&b.name),
                Column::Vcpus => a.vcpus.cmp(&b.vcpus),
                Column::Memory => a.ram_mib.cmp(&b.ram_mib),
                Column::Disk => a.disk_gib.cmp(&b.disk_gib),
                Column::Price => micros(a).cmp(&micros(b)),
            };
            if is_descending { ordering.reverse() } else { ordering }
        });
        order.into_iter().map(|at| row(form, &flavors[at], has_prices, reasons, at)).collect()
    };
    let table = el("table")
        .class("table stacked choose-table")
        .attr("data-testid", "flavor-table")
        .child(el("thead").child(el("tr").children(heads).child(fits)))
        .child(el("tbody").live_children(rows));
    el("div").class("table-frame").child(table)
}

fn micros(flavor: &Flavor) -> Option<u64> {
    flavor.price().map(|price| price.micros())
}

fn head(sort: Held<Sort>, column: Column, name: &'static str) -> El {
    let direction = move || {
        let Sort { by, is_descending } = sort.get();
        (by == column).then_some(if is_descending { "descending" } else { "ascending" })
    };
    let arrow = move || {
        let arrow =
            direction().map(|way| icon(if way == "ascending" { Icon::ArrowUp } else { Icon::ArrowDown }));
        arrow.into_iter().collect()
    };
    let press = move |_| {
        sort.update(|sort| {
            *sort = Sort { by: column, is_descending: sort.by == column && !sort.is_descending };
        });
    };
    let button = el("button")
        .attr("type", "button")
        .class("sort-button")
        .text(name)
        .child(el("span").class("sort-arrow").live_children(arrow))
        .on("click", press);
    el("th")
        .attr("scope", "col")
        .live_attr("aria-sort", move || Some(direction().unwrap_or("none").to_owned()))
        .child(button)
}

fn row(form: Form, flavor: &Flavor, has_prices: bool, reasons: Held<Vec<Option<String>>>, at: usize) -> El {
    let (id, chosen) = (flavor.id.clone(), Chosen { id: flavor.id.clone(), name: flavor.name.clone() });
    let by_row = chosen.clone();
    let why = move || reasons.with(|reasons| reasons.get(at).cloned().flatten());
    let why_untracked =
        move || reasons.with_untracked(|reasons| reasons.get(at).is_some_and(Option::is_some));
    let dot = radio(
        "flavor",
        move || form.draft.with(|draft| draft.flavor.as_ref().is_some_and(|flavor| flavor.id == id)),
        move || form.change(|draft| draft.flavor = Some(chosen.clone())),
    )
    .live_attr("disabled", move || why().map(|_| String::new()));
    let name =
        el("label").class("choose-name").child(dot).child(el("span").class("foreign").text(&flavor.name));
    let disk = if flavor.disk_gib == 0 {
        texts::AS_THE_IMAGE.to_owned()
    } else {
        format!("{} GiB", number(u64::from(flavor.disk_gib)))
    };
    let cell = |label: &str, text: &str| el("td").attr("data-label", label).class("numbers").text(text);
    let price = has_prices.then(|| {
        let price = flavor.price().map(|price| price.hourly());
        cell(texts::PRICE_AN_HOUR, price.as_deref().unwrap_or(texts::UNKNOWN))
    });
    let fits = el("td").attr("data-label", texts::FITS).class("fits").live_children(move || {
        vec![match why() {
            Some(why) => el("span").class("foreign").text(&why),
            None => el("span").class("yes").child(icon(Icon::Check)).text(texts::DOES_FIT),
        }]
    });
    el("tr")
        .live_class("unfit", move || why().is_some())
        .child(el("th").attr("scope", "row").child(name))
        .child(cell(texts::VCPUS, &number(u64::from(flavor.vcpus))))
        .child(cell(texts::RAM, &memory(flavor.ram_mib.into())))
        .child(cell(texts::DISK, &disk))
        .child_if(price)
        .child(fits)
        // The whole row is for pointers what the button is for keys.
        .on("click", move |_| {
            if !why_untracked() {
                form.change(|draft| draft.flavor = Some(by_row.clone()));
            }
        })
}
