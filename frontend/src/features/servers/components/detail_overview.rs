//! What a server is: its state, the facts, its size, what it was made from.

use super::detail_part::section;
use crate::{
    features::servers::{detail_state::power_word, detail_texts as texts, shown_server::ShownServer, state},
    ui::{
        El, Icon, copy_button::copy_button, description::description, el, element::icon, format,
        time::relative_time,
    },
};
use api_types::servers::{Flavor, Image, ServerDetail, ServerRow, status_kind};

/// Colour, icon and word of its status, and what is being done to it.
pub fn status_label(row: &ServerRow) -> El {
    let kind = status_kind(&row.status);
    let task =
        row.task_state.as_deref().map(|task| el("span").class("task foreign").text(&state::task_word(task)));
    let lock =
        row.is_locked.then(|| el("span").class("badge plain").child(icon(Icon::Lock)).text(texts::LOCKED));
    el("span")
        .class("status-label")
        .attr("data-testid", "server-status")
        .attr("data-status", &row.status)
        .child(el("span").class(state::class_of(kind)).child(icon(state::icon_of(kind))))
        .child(el("span").class("foreign").text(&state::status_word(&row.status)))
        .child_if(task)
        .child_if(lock)
}

pub fn overview(server: ShownServer) -> Vec<El> {
    let facts = el("div").live_children(move || {
        server.row.with(|row| {
            server.detail.with(|detail| row.iter().map(|row| facts(server, row, detail)).collect())
        })
    });
    let made_of = el("div").class("cards-column").live_children(move || {
        server.row.with(|row| {
            let Some(row) = row else { return Vec::new() };
            vec![flavor(row.flavor.as_ref()), server.detail.with(|detail| image(row, detail))]
        })
    });
    vec![el("div").class("cards").child(facts).child(made_of)]
}

fn facts(server: ShownServer, row: &ServerRow, detail: Option<&ServerDetail>) -> El {
    let is_on_its_way = detail.is_none() && server.detail.failure().is_none();
    // What comes with the rest of the server is not missing before that is there.
    let rest = |fact: El| if is_on_its_way { pending() } else { fact };
    let of = |read: fn(&ServerDetail) -> Option<&str>| rest(value(detail.and_then(read)));
    let locked = match row.is_locked {
        true => texts::locked_because(detail.and_then(|detail| detail.locked_reason.as_deref())),
        false => texts::NO.to_owned(),
    };
    let drive = detail.and_then(|detail| detail.config_drive);
    let drive = drive.map(|has_drive| if has_drive { texts::YES } else { texts::NO });
    let region = server.address.get().map(|(region, _)| String::from(region));
    let facts = description(vec![
        (texts::ID, copied(Some(&row.id.to_string()))),
        (texts::DESCRIPTION, of(|detail| detail.description.as_deref())),
        (texts::REGION, value(region.as_deref())),
        (texts::ZONE, value(row.availability_zone.as_deref())),
        (texts::CREATED, moment(Some(row.created_at))),
        (texts::UPDATED, moment(Some(row.updated_at))),
        (texts::LAUNCHED, rest(moment(detail.and_then(|detail| detail.launched_at)))),
        (texts::POWER, of(|detail| Some(power_word(detail.power_state)))),
        (texts::VM_STATE, of(|detail| detail.vm_state.as_deref())),
        (texts::LOCKED, value(Some(&locked))),
        (texts::KEY, of(|detail| detail.key_name.as_deref())),
        (texts::CONFIG_DRIVE, rest(value(drive))),
        (texts::USER, rest(copied(detail.and_then(|detail| detail.user_id.as_deref())))),
        (texts::HOST, rest(copied(detail.and_then(|detail| detail.host_id.as_deref())))),
    ]);
    section(texts::SERVER, facts)
}

fn flavor(flavor: Option<&Flavor>) -> El {
    let Some(flavor) = flavor else { return section(texts::FLAVOR, nothing(texts::NO_FLAVOR)) };
    let disk = match flavor.disk_gib {
        0 => texts::NO_DISK.to_owned(),
        disk => format!("{} GiB", format::number(u64::from(disk))),
    };
    let facts = description(vec![
        (texts::NAME, value(Some(&flavor.name))),
        (texts::VCPUS, value(Some(&flavor.vcpus.to_string()))),
        (texts::RAM, value(Some(&format::memory(flavor.ram_mib.into())))),
        (texts::DISK, value(Some(&disk))),
    ]);
    section(texts::FLAVOR, facts)
}

/// The region's own words win: the list may know an image by its id only.
fn image(row: &ServerRow, detail: Option<&ServerDetail>) -> El {
    let (name, id) = match detail.map_or(&row.image, |detail| &detail.row.image) {
        Image::Volume => return section(texts::IMAGE, nothing(texts::FROM_VOLUME)),
        Image::Named { id, name } => (name.as_str(), id),
        Image::Unnamed { id } => (texts::IMAGE_GONE, id),
    };
    let facts = description(vec![(texts::NAME, value(Some(name))), (texts::IMAGE_ID, copied(Some(id)))]);
    section(texts::IMAGE, facts)
}

fn value(text: Option<&str>) -> El {
    el("span").class("foreign").text(text.filter(|text| !text.trim().is_empty()).unwrap_or(texts::UNKNOWN))
}

/// A value on its way.
fn pending() -> El {
    el("span").class("skeleton fact-skeleton").child(el("span").class("unseen").text(texts::ON_ITS_WAY))
}

/// A value one may want elsewhere.
fn copied(text: Option<&str>) -> El {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            let button = copy_button(text.to_owned(), texts::copy(text));
            el("span").class("foreign mono").text(text).text(" ").child(button)
        }
        None => value(None),
    }
}

/// Seconds since 1970; 0 means not said.
fn moment(at: Option<u32>) -> El {
    match at {
        Some(at @ 1..) => relative_time(i64::from(at)),
        _ => value(None),
    }
}

fn nothing(text: &str) -> El {
    el("p").class("nothing").text(text)
}
