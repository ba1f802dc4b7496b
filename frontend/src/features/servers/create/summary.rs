//! What is going to be made, what is left after it, and the button: in view wherever the form is scrolled to.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    draft::Draft,
    fit::mib,
    form::Form,
    submit::{State, Tellers, create, names_to_make},
};
use crate::{
    cloud_fault::cloud_fault,
    commands::{self, Called, preamble, written_for_many},
    commands_view::commands_view,
    offers::{COMPUTE_VERSION, Flavor, Limits, Room},
    ui::{
        El, derived,
        dialog::titled_dialog,
        dom, el,
        format::{counted, number},
    },
    usage_bar::bar,
};

/// `tellers` say how it went.
pub fn summary(form: Form, tellers: Tellers) -> El {
    let is_shown = RwSignal::new(false);
    let title = el("h2").attr("id", "summary-title").text("Summary");
    let facts = el("dl").class("facts").live_children(move || facts(form));
    let room = el("div").class("rooms").attr("data-testid", "quota-left").live_children(move || rooms(form));
    let show = el("button")
        .attr("type", "button")
        .class("button quiet")
        .text("As curl, CLI, Terraform")
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
        let count = names_to_make(form).len().max(1);
        let is_again = form.makings.with(|makings| makings.iter().any(|making| making.state.is_failure()));
        match (is_again, count) {
            (true, count) => format!("Try {} again", counted(count as u64, "server", "servers")),
            (false, 1) => "Create server".to_owned(),
            (false, count) => format!("Create {}", counted(count as u64, "server", "servers")),
        }
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
    el("button")
        .attr("type", "button")
        .class("button primary")
        .attr("data-testid", "create-servers")
        .live_class("busy", move || form.is_busy.get())
        .live_attr("aria-disabled", move || form.is_busy.get().then(|| "true".to_owned()))
        .live_text(words)
        .on("click", press)
}

/// Brings a part of the form into view and puts the focus on its first field.
fn show_section(name: &str) {
    let Ok(Some(section)) = document().query_selector(&format!("[data-section={name}]")) else { return };
    section.scroll_into_view();
    let fields = dom::query_all(&section, "input:not([type=file]), select, textarea, button");
    if let Some(field) = fields.first() {
        dom::focus(field);
    }
}

fn facts(form: Form) -> Vec<El> {
    let nothing = || el("span").class("nothing").text("not chosen yet");
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
            fact("Name", name),
            fact("Region", or_nothing(Some(draft.region.as_str()).filter(|region| !region.is_empty()))),
            fact("Image", or_nothing(draft.image.as_ref().map(|image| image.name.as_str()))),
            fact("Flavor", or_nothing(draft.flavor.as_ref().map(|flavor| flavor.name.as_str()))),
        ];
        let networks: Vec<_> = draft.networks.iter().map(|network| network.name.as_str()).collect();
        let network = match (networks.as_slice(), draft.is_without_network) {
            ([], true) => text("none"),
            ([], false) => nothing(),
            (some, _) => text(&some.join(", ")),
        };
        facts.push(fact("Network", network));
        if let Some(key_pair) = &draft.key_pair {
            facts.push(fact("Key pair", text(key_pair)));
        }
        if let Some(size) = draft.volume_size_gib().filter(|_| draft.boots_from_volume) {
            let count = draft.count() as u64;
            let size =
                format!("{} of {} GiB", counted(count, "new volume", "new volumes"), number(u64::from(size)));
            facts.push(fact("Disk", text(&size)));
        }
        if let Some(price) = form.flavor().and_then(|flavor| flavor.price()) {
            let all = price.times(draft.count());
            let price = format!("{} an hour, about {} a month", all.hourly(), all.monthly());
            facts.push(fact("Price", text(&price)));
        }
        facts
    })
}

/// The quota after this, as far as the region has said what it is.
fn rooms(form: Form) -> Vec<El> {
    let count = names_to_make(form).len().max(1) as u64;
    let flavor = form.flavor();
    form.offers.limits.with(|limits| match limits {
        Some(limits) => rooms_after(limits, flavor.as_ref(), count),
        None if form.offers.limits.failure().is_some() => {
            vec![el("p").class("field-note").text("What is left of the quota could not be loaded.")]
        }
        None => vec![el("span").class("skeleton line")],
    })
}

fn rooms_after(limits: &Limits, flavor: Option<&Flavor>, count: u64) -> Vec<El> {
    let wanted =
        |of: fn(&Flavor) -> u32| flavor.map_or(0, |flavor| u64::from(of(flavor)).saturating_mul(count));
    let as_number: fn(u64) -> String = number;
    let rows = [
        ("Servers", limits.servers(), count, as_number),
        ("vCPUs", limits.vcpus(), wanted(|flavor| flavor.vcpus), as_number),
        ("Memory", limits.ram_mib(), wanted(|flavor| flavor.ram_mib), mib),
    ];
    rows.map(|(name, room, more, told)| room_row(name, room, more, told)).into()
}

fn room_row(name: &str, room: Room, more: u64, told: fn(u64) -> String) -> El {
    let after = Room { used: room.used.saturating_add(more), ..room };
    let is_over = !room.takes(more);
    let words = match (room.left(), is_over) {
        (None, _) => "no limit".to_owned(),
        (Some(left), true) => format!("{} too few", told(more - left)),
        (Some(_), false) => {
            format!(
                "{} left of {}",
                told(after.left().unwrap_or_default()),
                told(room.limit.unwrap_or_default())
            )
        }
    };
    let label = format!("{name} after this: {words}");
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
        || "The same without the panel".to_owned(),
        move || {
            el("div").child(el("p").class("field-note").text(
            "What is in the form now. User data is read from a file named user-data; your credentials are your own.",
        ))
        .child(commands_view(move |form| body.with(|(region, body, names)| written(region, body.as_ref()?, names, form))))
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
    let draw = move || {
        form.makings.with(|makings| {
            if makings.is_empty() {
                return Vec::new();
            }
            let failed = makings.iter().filter(|making| making.state.is_failure()).count();
            let made = makings.iter().filter(|making| matches!(making.state, State::Made(_))).count();
            let title = match (failed, made) {
                (0, made) => format!("{made} of {} are being created", makings.len()),
                (failed, 0) => format!("{} could not be created", counted(failed as u64, "server", "servers")),
                (failed, made) => format!(
                    "{made} are being created, {} could not be",
                    counted(failed as u64, "server", "servers")
                ),
            };
            let class = if failed > 0 { "card making wrong" } else { "card making" };
            let mut shown: Vec<El> = Vec::new();
            let mut told: Vec<String> = Vec::new();
            for making in makings.iter().filter(|making| making.state.is_failure()) {
                let error = match &making.state {
                    State::Failed(error) | State::Unsure(error) => error,
                    _ => continue,
                };
                // The same cause is explained once, with the names it is about.
                let words = error.message();
                if told.contains(&words) {
                    continue;
                }
                let same = makings.iter().filter(|other| match &other.state {
                    State::Failed(other) | State::Unsure(other) => other.message() == words,
                    _ => false,
                });
                let names: Vec<_> = same.map(|making| making.name.as_str()).collect();
                let mut item = el("li").child(el("strong").class("foreign").text(&names.join(", ")));
                if matches!(making.state, State::Unsure(_)) {
                    item = item.child(el("p").text(
                        "No answer came, so it may be on its way all the same. Trying again looks for it first.",
                    ));
                }
                shown.push(item.child(cloud_fault(error)));
                told.push(words);
            }
            let card = el("section")
                .class(class)
                .attr("data-testid", "create-progress")
                .attr("aria-live", "polite")
                .child(el("h2").text(&title))
                .child(el("ul").class("making-list").children(shown));
            vec![card]
        })
    };
    el("div").live_children(draw)
}
