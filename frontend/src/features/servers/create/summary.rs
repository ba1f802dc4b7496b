//! What is going to be made, what is left after it, and the button: in view wherever the form is scrolled to.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    draft::Draft,
    form::Form,
    makings::{Batch, State},
    sections::show_section,
    submit::{Tellers, create, names_to_make},
    texts,
};
use crate::{
    cloud_fault::cloud_fault,
    commands::{self, Called, preamble, written_for_many},
    commands_view::commands_view,
    offers::{COMPUTE_VERSION, Flavor, Limits, Room},
    project::{changing, why_only_looked_at},
    ui::{
        El, derived,
        dialog::titled_dialog,
        el,
        format::{memory, number},
    },
    usage_bar::bar,
};

/// `tellers` say how it went.
pub fn summary(form: Form, tellers: Tellers) -> El {
    let is_shown = RwSignal::new(false);
    let title = el("h2").attr("id", "summary-title").text(texts::SUMMARY);
    let facts = el("dl").class("facts").live_children(move || facts(form));
    let room = el("div").class("rooms").attr("data-testid", "quota-left").live_children(move || rooms(form));
    let show = el("button")
        .attr("type", "button")
        .class("button quiet")
        .text(texts::AS_COMMANDS)
        .on("click", move |_| is_shown.set(true));
    let details = el("div").class("summary-details").child(facts).child(room);
    let foot = el("div").class("summary-foot").child(create_button(form, tellers)).child(show);
    el("aside")
        .class("card create-summary")
        .attr("aria-labelledby", "summary-title")
        .attr("data-testid", "create-summary")
        .child(title)
        .child(details)
        .child(foot)
        .child(calls_dialog(form, is_shown))
}

fn create_button(form: Form, tellers: Tellers) -> El {
    let words = move || {
        let count = count(form);
        form.batch(|batch| match batch.is_busy() {
            true => texts::creating(count),
            false => texts::create_button(count, batch.has_failures()),
        })
    };
    let press = move |_| {
        form.is_checked.set(true);
        let problems = form.draft.with_untracked(Draft::problems);
        match problems.first() {
            None => create(form, tellers),
            Some(first) => {
                tellers.announcer.say(first.text.clone());
                show_section(&format!("{:?}", first.section));
            }
        }
    };
    let is_held_back = why_only_looked_at().is_some();
    changing(el("button"))
        .attr("type", "button")
        .class("button primary")
        .attr("data-testid", "create-servers")
        .live_class("busy", move || form.is_busy())
        .live_attr("aria-disabled", move || (form.is_busy() || is_held_back).then(|| "true".to_owned()))
        .live_text(words)
        .on("click", press)
}

/// How many servers are being made, or would be by a press on Create.
fn count(form: Form) -> usize {
    match form.batch(|batch| batch.is_busy().then_some(batch.makings.len())) {
        Some(count) => count,
        None => names_to_make(form).len().max(1),
    }
}

fn facts(form: Form) -> Vec<El> {
    let nothing = || el("span").class("nothing").text(texts::NOT_CHOSEN);
    let fact = |name: &str, value: El| el("div").child(el("dt").text(name)).child(el("dd").child(value));
    let text = |text: &str| el("span").class("foreign").text(text);
    form.draft.with(|draft| {
        let names = draft.names().unwrap_or_default();
        let name = match names.as_slice() {
            [] => nothing(),
            [only] => text(only),
            [first, .., last] => text(&format!("{first} … {last} ({})", names.len())),
        };
        let or_nothing = |value: Option<&str>| value.map_or_else(nothing, text);
        let mut facts = vec![
            fact(texts::NAME, name),
            fact(texts::REGION, or_nothing(Some(draft.region.as_str()).filter(|region| !region.is_empty()))),
            fact(texts::IMAGE, or_nothing(draft.image.as_ref().map(|image| image.name.as_str()))),
            fact(texts::FLAVOR, or_nothing(draft.flavor.as_ref().map(|flavor| flavor.name.as_str()))),
        ];
        let networks: Vec<_> = draft.networks.iter().map(|network| network.name.as_str()).collect();
        let network = match (networks.as_slice(), draft.is_without_network) {
            ([], true) => text(texts::NO_NETWORK),
            ([], false) => nothing(),
            (some, _) => text(&some.join(", ")),
        };
        facts.push(fact(texts::NETWORK, network));
        if let Some(key_pair) = &draft.key_pair {
            facts.push(fact(texts::KEY_PAIR, text(key_pair)));
        }
        if let Some(size) = draft.volume_size_gib().filter(|_| draft.boots_from_volume) {
            facts.push(fact(texts::DISK, text(&texts::new_volumes(draft.count(), size))));
        }
        if let Some(price) = form.flavor().and_then(|flavor| flavor.price()) {
            let all = price.times(draft.count());
            facts.push(fact(texts::PRICE, text(&texts::price(&all.hourly(), &all.monthly()))));
        }
        facts
    })
}

/// The quota after this, as far as the region has said what it is.
fn rooms(form: Form) -> Vec<El> {
    let count = count(form) as u64;
    let flavor = form.flavor();
    form.offers.limits.with(|limits| match limits {
        Some(limits) => rooms_after(limits, flavor.as_ref(), count),
        None if form.offers.limits.failure().is_some() => {
            vec![el("p").class("field-note").text(texts::NO_ROOMS)]
        }
        None => vec![el("span").class("skeleton line")],
    })
}

fn rooms_after(limits: &Limits, flavor: Option<&Flavor>, count: u64) -> Vec<El> {
    let wanted =
        |of: fn(&Flavor) -> u32| flavor.map_or(0, |flavor| u64::from(of(flavor)).saturating_mul(count));
    let as_number: fn(u64) -> String = number;
    let rows = [
        (texts::SERVERS, limits.servers(), count, as_number),
        (texts::VCPUS, limits.vcpus(), wanted(|flavor| flavor.vcpus), as_number),
        (texts::RAM, limits.ram_mib(), wanted(|flavor| flavor.ram_mib), memory),
    ];
    rows.map(|(name, room, more, told)| room_row(name, room, more, told)).into()
}

fn room_row(name: &str, room: Room, more: u64, told: fn(u64) -> String) -> El {
    let after = Room { used: room.used.saturating_add(more), ..room };
    let is_over = !room.takes(more);
    let words = match (room.left(), is_over) {
        (None, _) => texts::NO_LIMIT.to_owned(),
        (Some(left), true) => texts::too_few(&told(more - left)),
        (Some(_), false) => {
            texts::left_of(&told(after.left().unwrap_or_default()), &told(room.limit.unwrap_or_default()))
        }
    };
    let label = texts::room_after(name, &words);
    el("div")
        .class(if is_over { "room over" } else { "room" })
        .child(el("span").text(name))
        .child(el("span").class("numbers room-words").text(&words))
        .child_if(after.percent().map(|percent| bar(&label, percent, is_over)))
}

fn calls_dialog(form: Form, is_shown: RwSignal<bool>) -> El {
    let body = derived(move || {
        form.draft.with(|draft| {
            let names = draft.names().unwrap_or_default();
            let first = names.first().cloned().unwrap_or_else(|| "name".to_owned());
            (draft.region.clone(), draft.body(&first), names)
        })
    });
    titled_dialog(
        is_shown,
        "dialog wide",
        || texts::COMMANDS_TITLE.to_owned(),
        move || {
            el("div").child(el("p").class("field-note").text(texts::COMMANDS_ABOUT)).child(commands_view(
                move |form| body.with(|(region, body, names)| written(region, body.as_ref()?, names, form)),
            ))
        },
    )
}

fn written(region: &str, body: &Value, names: &[String], form: commands::Form) -> Option<String> {
    let body = body.to_string();
    let call = Called {
        method: "POST",
        region,
        service: "compute",
        path: "servers",
        microversion: Some(COMPUTE_VERSION),
        body: Some(&body),
        ..Called::default()
    };
    let text = written_for_many(&call, names, form)?;
    Some(match form {
        commands::Form::Curl => format!("{}\n{text}", preamble(&call)),
        _ => text,
    })
}

/// How the servers of the last press on Create are doing; nothing while none was pressed.
pub fn progress(form: Form) -> El {
    let draw =
        move || form.batch(|batch| if batch.makings.is_empty() { Vec::new() } else { vec![card(batch)] });
    el("div").live_children(draw)
}

fn card(batch: &Batch) -> El {
    let mut shown: Vec<El> = Vec::new();
    let mut told: Vec<Told> = Vec::new();
    for making in &batch.makings {
        let Some(same) = told_of(&making.state).filter(|same| !told.contains(same)) else { continue };
        // The same cause is explained once, with the names it is about.
        let names = batch.makings.iter().filter(|other| told_of(&other.state).as_ref() == Some(&same));
        let names: Vec<_> = names.map(|making| making.name.as_str()).collect();
        let error = match &making.state {
            State::Failed(error) | State::Unsure(error) => Some(cloud_fault(error)),
            _ => None,
        };
        let item = el("li")
            .child(el("strong").class("foreign").text(&names.join(", ")))
            .child_if(same.0.map(|words| el("p").text(words)))
            .child_if(error);
        shown.push(item);
        told.push(same);
    }
    let class = if batch.has_failures() { "card making wrong" } else { "card making" };
    el("section")
        .class(class)
        .attr("data-testid", "create-progress")
        .attr("aria-live", "polite")
        .child(el("h2").text(&texts::progress(batch)))
        .child(el("ul").class("making-list").children(shown))
}

/// What is said of a server that was not made, and why in the cloud's words.
type Told = (Option<&'static str>, String);

fn told_of(state: &State) -> Option<Told> {
    match state {
        State::Failed(error) => Some((None, error.message())),
        State::Unsure(error) => Some((Some(texts::UNSURE), error.message())),
        State::Interrupted { was_asked: true } => Some((Some(texts::INTERRUPTED), String::new())),
        State::Interrupted { was_asked: false } => Some((Some(texts::NOT_BEGUN), String::new())),
        State::Waiting | State::Asking | State::Made(_) => None,
    }
}
