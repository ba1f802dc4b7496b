//! The rows of the list, and what can be done with each.

use std::rc::Rc;

use leptos::task::spawn_local;

use super::{
    acting::{Acting, OFFERED, Placed},
    share::answer_offer,
    upload::size_text,
};
use crate::{
    across::NONE_SO_FAR,
    cloud::{Service, encoded},
    confirm::Question,
    offers::{Origin, family_name},
    project::{changing, new_server_path, why_only_looked_at},
    ui::{
        Align, El, Icon, Opener, el,
        element::icon,
        empty_state::empty_state,
        menu::{menu, menu_item, menu_item_off, menu_link},
        table::{Cell, table},
        use_toasts,
    },
};

/// An image as it is shown.
#[derive(Clone, PartialEq)]
pub struct Row {
    placed: Placed,
    /// Offered by another project, without an answer yet.
    is_offered: bool,
}

impl Row {
    pub fn of(placed: Placed) -> Self {
        let is_offered = placed.image.property(OFFERED).is_some();
        Self { placed, is_offered }
    }
}

/// The table of a tab, or why it is empty. `missing` are the regions whose images are not known.
pub fn image_table(rows: &[Row], tab: Origin, is_searching: bool, missing: &[String], acting: Acting) -> El {
    if rows.is_empty() {
        let (title, text) = nothing(tab, is_searching, missing);
        return empty_state(Icon::Image, title, "no-images").child(el("p").text(&text));
    }
    let heads = &["Name", "Region", "System", "Size", "State", "Created", "Actions"];
    table(heads, rows.iter().map(|row| cells(row, acting)).collect())
        .class("table stacked framed")
        .attr("data-testid", "image-table")
}

fn nothing(tab: Origin, is_searching: bool, missing: &[String]) -> (&'static str, String) {
    if !missing.is_empty() {
        return (NONE_SO_FAR, format!("The images of {} are not known yet.", missing.join(", ")));
    }
    let (title, text) = match (is_searching, tab) {
        (true, _) => ("No image matches", "Search for a part of a name, a region, a system or a tag."),
        (false, Origin::Provided) => ("No image is provided", "Your provider offers none in these regions."),
        (false, Origin::Mine) => {
            ("This project has no image yet", "Upload one, or make a snapshot from the page of a server.")
        }
        (false, Origin::Shared) => {
            ("Nothing is shared with this project", "Images that other projects share with it appear here.")
        }
    };
    (title, text.to_owned())
}

fn cells(row: &Row, acting: Acting) -> Vec<Cell> {
    let image = &row.placed.image;
    let mut name = el("span").class("image-name").child(el("span").class("foreign").text(image.shown_name()));
    let mut badge = |words: &str| {
        name = name.clone().child(el("span").class("badge plain").text(words));
    };
    if image.is_snapshot() {
        badge("Snapshot");
    }
    if row.placed.origin == Origin::Mine && image.visibility != "private" {
        badge(visibility_name(&image.visibility));
    }
    if image.protected {
        badge("Protected");
    }
    let size = match (image.size, image.virtual_size) {
        (Some(size), Some(full)) if full > size => {
            format!("{} ({} on disk)", size_text(size), size_text(full))
        }
        (Some(size), _) => size_text(size),
        (None, _) => String::new(),
    };
    let created = image.created().map_or(Cell::Text(String::new()), Cell::Moment);
    let system =
        [image.family().map(|family| family_name(&family)), image.property("os_version").map(str::to_owned)];
    vec![
        Cell::El(name),
        Cell::Text(row.placed.cloud.region.to_string()),
        Cell::Text(system.into_iter().flatten().collect::<Vec<_>>().join(" ")),
        Cell::Text(size),
        Cell::El(state(row)),
        created,
        Cell::El(actions(row, acting)),
    ]
}

pub fn visibility_name(visibility: &str) -> &'static str {
    match visibility {
        "public" => "For everybody",
        "community" => "For everybody who knows it",
        "shared" => "Can be shared",
        _ => "Private",
    }
}

fn state(row: &Row) -> El {
    let (words, mark, class) = match row.placed.image.status.as_str() {
        _ if row.is_offered => ("Offered to you", Icon::StatusWaiting, "outcome"),
        "active" => ("Ready", Icon::StatusRunning, "outcome good"),
        "queued" => ("Waits for its data", Icon::StatusWaiting, "outcome"),
        "saving" | "importing" | "uploading" => ("Being stored", Icon::StatusChanging, "outcome"),
        "deactivated" => ("Switched off by the operator", Icon::Lock, "outcome"),
        "killed" | "deleted" | "pending_delete" => ("Unusable", Icon::StatusFailed, "outcome bad"),
        _ => ("Unknown", Icon::StatusUnknown, "outcome"),
    };
    el("span").class(class).child(icon(mark)).text(words)
}

fn actions(row: &Row, acting: Acting) -> El {
    let placed = row.placed.clone();
    let name = placed.image.shown_name().to_owned();
    if row.is_offered {
        return offer_buttons(placed, acting);
    }
    let label = format!("Actions on {name} in {}", placed.cloud.region);
    let opener =
        Opener { align: Align::End, ..Opener::with_face(&label, vec![icon(Icon::ChevronDown)], "menu") };
    let items = move || {
        let image = &placed.image;
        let cloud = &placed.cloud;
        let start = format!(
            "{}?image={}",
            new_server_path(&cloud.project),
            encoded(&format!("{}/{}", cloud.region, image.id))
        );
        let create = if let Some(why) = why_only_looked_at() {
            menu_item_off("Create server from this", why)
        } else if image.is_active() {
            menu_link(Icon::Plus, "Create server from this", &start, false)
        } else {
            menu_item_off("Create server from this", "Only an image that is ready can be started from.")
        };
        let not_mine =
            (placed.origin != Origin::Mine).then_some("Only the project that owns it can do this.");
        let not_mine = why_only_looked_at().or(not_mine);
        let offer = |words: &'static str, mark: Icon, why: Option<&str>, run: Box<dyn Fn()>| match why {
            Some(why) => menu_item_off(words, why),
            None => menu_item(mark, words, run),
        };
        let (edited, shared, deleted) = (placed.clone(), placed.clone(), placed.clone());
        let protected =
            image.protected.then_some("It is protected: take the protection away first, under Edit.");
        vec![
            create,
            offer("Edit", Icon::Flavor, not_mine, Box::new(move || acting.edited.set(Some(edited.clone())))),
            offer("Share", Icon::User, not_mine, Box::new(move || acting.shared.set(Some(shared.clone())))),
            offer(
                "Delete",
                Icon::Close,
                not_mine.or(protected),
                Box::new(move || ask_delete(&deleted, acting)),
            ),
        ]
    };
    menu(opener, items)
}

fn offer_buttons(placed: Placed, acting: Acting) -> El {
    let toasts = use_toasts();
    let name = placed.image.shown_name().to_owned();
    let button = move |words: &'static str, status: &'static str| {
        let placed = placed.clone();
        changing(el("button"))
            .attr("type", "button")
            .class("button quiet")
            .attr("aria-label", &format!("{words} {name}"))
            .text(words)
            .on("click", move |_| {
                let placed = placed.clone();
                spawn_local(async move {
                    match answer_offer(&placed, status).await {
                        Ok(()) => acting.images.refetch(&placed.cloud.region),
                        Err(error) => toasts.fail(error.message(), error.request_ids().first().cloned()),
                    }
                });
            })
    };
    el("span").class("offer-buttons").child(button("Accept", "accepted")).child(button("Reject", "rejected"))
}

fn ask_delete(placed: &Placed, acting: Acting) {
    let (image, cloud) = (&placed.image, placed.cloud.clone());
    let name = image.shown_name().to_owned();
    let path = format!("images/{}", encoded(&image.id));
    let region = cloud.region.clone();
    let shared = if image.visibility == "shared" { " Projects it is shared with lose it too." } else { "" };
    acting.confirm.ask(Question {
        title: format!("Delete image {name}?"),
        text: format!(
            "It is removed from {region} for good. Servers that were made from it go on, but can no longer be rebuilt from \
             it.{shared}"
        ),
        verb: "Delete image",
        done: format!("{name} was deleted in {region}."),
        act: Rc::new(move || {
            let call = cloud.delete(Service::Image, &path);
            Box::pin(async move { call.done().await })
        }),
        after: Rc::new(move || acting.images.refetch(&region)),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_did_not_answer_is_named_where_no_image_is_listed() {
        let missing = ["RegionOne".to_owned(), "RegionTwo".to_owned()];
        for (tab, is_searching) in [(Origin::Provided, false), (Origin::Mine, false), (Origin::Mine, true)] {
            let (title, text) = nothing(tab, is_searching, &missing[1..]);
            assert_eq!((title, &*text), (NONE_SO_FAR, "The images of RegionTwo are not known yet."));
        }
        assert_eq!(
            nothing(Origin::Mine, false, &missing).1,
            "The images of RegionOne, RegionTwo are not known yet."
        );
        assert_eq!(nothing(Origin::Mine, false, &[]).0, "This project has no image yet");
    }
}
