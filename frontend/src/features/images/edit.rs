//! Changing an image: its name, who may use it, what a server needs for it, and what else is said of it.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde_json::{Value, json};
use web_sys::Event;

use super::acting::{Acting, OFFERED, Placed, patch_image};
use crate::{
    cloud_fault::Trouble,
    offers::Image,
    ui::{
        El, Held, Icon, Sending,
        choice::{button, check_with, labelled, line, select, text_input},
        dialog::titled_dialog,
        effect::after,
        el,
        element::icon,
        use_toasts,
    },
};

/// What the form holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Edited {
    name: String,
    visibility: String,
    min_disk: String,
    min_ram: String,
    is_protected: bool,
    tags: String,
    properties: Vec<(String, String)>,
}

impl Edited {
    fn of(image: &Image) -> Self {
        let properties = image.properties.iter().filter(|(key, _)| !is_reserved(key));
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        Self {
            name: image.name.clone().unwrap_or_default(),
            visibility: image.visibility.clone(),
            min_disk: image.min_disk_gib.to_string(),
            min_ram: image.min_ram_mib.to_string(),
            is_protected: image.protected,
            tags: image.tags.join(", "),
            properties: properties.filter_map(text).collect(),
        }
    }

    fn tag_list(&self) -> Vec<String> {
        let tags = self.tags.split(',').map(|tag| tag.trim().to_owned());
        tags.filter(|tag| !tag.is_empty()).collect()
    }

    /// The steps from one to the other. Source: image API, update image (a JSON patch of its own kind).
    ///
    /// Errors: what cannot be sent, in words.
    fn steps_from(&self, before: &Self) -> Result<Vec<Value>, String> {
        let mut steps = Vec::new();
        let mut replace = |key: &str, value: Value| {
            steps.push(json!({"op": "replace", "path": format!("/{key}"), "value": value}));
        };
        if self.name.trim() != before.name {
            replace("name", json!(self.name.trim()));
        }
        if self.visibility != before.visibility {
            replace("visibility", json!(self.visibility));
        }
        for (key, now, then) in
            [("min_disk", &self.min_disk, &before.min_disk), ("min_ram", &self.min_ram, &before.min_ram)]
        {
            if now.trim() != then {
                let number: u32 =
                    now.trim().parse().map_err(|_| "The least disk and RAM are whole numbers.".to_owned())?;
                replace(key, json!(number));
            }
        }
        if self.is_protected != before.is_protected {
            replace("protected", json!(self.is_protected));
        }
        if self.tag_list() != before.tag_list() {
            replace("tags", json!(self.tag_list()));
        }
        let now: BTreeMap<&str, &str> = self
            .properties
            .iter()
            .map(|(key, value)| (key.trim(), value.as_str()))
            .filter(|(key, value)| !(key.is_empty() && value.is_empty()))
            .collect();
        let then: BTreeMap<&str, &str> =
            before.properties.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        for (key, value) in &now {
            if key.is_empty() || is_reserved(key) {
                return Err(format!("A property cannot be called \u{201c}{key}\u{201d}."));
            }
            let op = match then.get(key) {
                Some(before) if before == value => continue,
                Some(_) => "replace",
                None => "add",
            };
            steps.push(json!({"op": op, "path": pointer(key), "value": value}));
        }
        let gone = then.keys().filter(|key| !now.contains_key(*key));
        steps.extend(gone.map(|key| json!({"op": "remove", "path": pointer(key)})));
        Ok(steps)
    }
}

/// A key as a piece of a JSON pointer.
fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// What Glance keeps itself, and what the panel shows on its own.
fn is_reserved(key: &str) -> bool {
    key.starts_with("os_glance")
        || key.starts_with("self")
        || matches!(
            key,
            "id" | "status"
                | "owner"
                | "size"
                | "checksum"
                | "created_at"
                | "updated_at"
                | "file"
                | "schema"
                | "direct_url"
                | "locations"
                | "stores"
                | "os_hash_algo"
                | "os_hash_value"
                | "os_hidden"
                | "virtual_size"
                | "name"
                | "visibility"
                | "tags"
                | "protected"
                | "min_disk"
                | "min_ram"
                | "disk_format"
                | "container_format"
                | "image_type"
                | "base_image_ref"
                | "instance_uuid"
                | "boot_roles"
                | "owner_project_name"
                | "owner_user_name"
                | "user_id"
                | "image_state"
                | OFFERED
        )
}

pub fn edit_dialog(acting: Acting) -> El {
    let is_open = RwSignal::new(false);
    after(move || is_open.set(acting.edited.with(Option::is_some)));
    after(move || {
        if !is_open.get() && acting.edited.with_untracked(Option::is_some) {
            acting.edited.set(None);
        }
    });
    let title = move || {
        acting.edited.with(|placed| {
            placed.as_ref().map(|placed| format!("Edit {}", placed.image.shown_name())).unwrap_or_default()
        })
    };
    titled_dialog(is_open, "dialog", title, move || match acting.edited.get_untracked() {
        Some(placed) => form(placed, acting),
        None => el("div"),
    })
}

fn form(placed: Placed, acting: Acting) -> El {
    let toasts = use_toasts();
    let before = Edited::of(&placed.image);
    let edited = Held::new(before.clone());
    let sending = Sending::of_form();
    let name = placed.image.shown_name().to_owned();
    let (cloud, id) = (placed.cloud.clone(), placed.image.id.clone());
    let send = move |event: Event| {
        event.prevent_default();
        if sending.is_busy_untracked() {
            return;
        }
        let steps = match edited.with_untracked(|edited| edited.steps_from(&before)) {
            Ok(steps) if steps.is_empty() => return acting.edited.set(None),
            Ok(steps) => steps,
            Err(words) => return sending.refuse(Trouble::Words(words)),
        };
        let (to, id, name) = (cloud.clone(), id.clone(), name.clone());
        let region = cloud.region.clone();
        let work = async move { patch_image(&to, &id, &steps).await.map_err(Trouble::Cloud) };
        sending.send(format!("Edit {name}"), work, move |(), is_here| {
            toasts.say(format!("{name} was changed."));
            if is_here {
                acting.edited.set(None);
            }
            acting.images.refetch(&region);
        });
    };
    let text =
        |limit: &str| el("input").attr("type", "text").attr("maxlength", limit).attr("autocomplete", "off");
    let visibilities = [
        ("private", "Private: this project only"),
        ("shared", "Can be shared with chosen projects"),
        ("community", "For everybody who knows it"),
    ];
    let current = placed.image.visibility.clone();
    let options = move || {
        let mut options: Vec<(String, String)> =
            visibilities.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect();
        if current == "public" {
            options.push(("public".to_owned(), "For everybody".to_owned()));
        }
        options
    };
    let visibility = select(
        options,
        move || edited.with(|e| e.visibility.clone()),
        move |v| edited.update(|e| e.visibility = v),
    );
    let save = sending.marked(el("button").attr("type", "submit").class("button primary").text("Save"));
    let cancel = button("button", "Cancel", move || acting.edited.set(None));
    el("form")
        .class("form")
        .attr("novalidate", "")
        .child(line(
            "Name",
            None,
            text("255"),
            move || edited.with(|e| e.name.clone()),
            move |v| edited.update(|e| e.name = v),
        ))
        .child(labelled("Who may use it", None, visibility))
        .child(
            el("div")
                .class("pair-of-fields")
                .child(line(
                    "Least disk in GiB",
                    None,
                    text("9").attr("inputmode", "numeric"),
                    move || edited.with(|e| e.min_disk.clone()),
                    move |v| edited.update(|e| e.min_disk = v),
                ))
                .child(line(
                    "Least RAM in MiB",
                    None,
                    text("9").attr("inputmode", "numeric"),
                    move || edited.with(|e| e.min_ram.clone()),
                    move |v| edited.update(|e| e.min_ram = v),
                )),
        )
        .child(line(
            "Tags",
            Some("Separated by commas."),
            text("2000"),
            move || edited.with(|e| e.tags.clone()),
            move |v| edited.update(|e| e.tags = v),
        ))
        .child(check_with(
            "Protect it from being deleted",
            None,
            move || edited.with(|e| e.is_protected),
            move |v| edited.update(|e| e.is_protected = v),
        ))
        .child(properties(edited))
        .child(sending.alert(Trouble::drawn))
        .child(el("div").class("form-actions").child(save).child(cancel))
        .on("submit", send)
}

fn properties(edited: Held<Edited>) -> El {
    let count = crate::ui::derived(move || edited.with(|edited| edited.properties.len()));
    let row = move |at: usize| {
        let field = move |label: &str, is_key: bool| {
            let input = el("input")
                .attr("type", "text")
                .attr("maxlength", "255")
                .attr("autocomplete", "off")
                .attr("placeholder", label)
                .attr("aria-label", &format!("{label} of property {}", at + 1));
            text_input(
                input,
                move || {
                    edited.with(|edited| {
                        let pair = edited.properties.get(at);
                        pair.map(|(key, value)| if is_key { key } else { value }.clone()).unwrap_or_default()
                    })
                },
                move |text| {
                    edited.update(|edited| {
                        if let Some((key, value)) = edited.properties.get_mut(at) {
                            *(if is_key { key } else { value }) = text;
                        }
                    });
                },
            )
        };
        let remove = el("button")
            .attr("type", "button")
            .class("button quiet icon-only")
            .attr("aria-label", &format!("Remove property {}", at + 1))
            .child(icon(Icon::Close))
            .on("click", move |_| {
                edited.update(|edited| {
                    if at < edited.properties.len() {
                        edited.properties.remove(at);
                    }
                });
            });
        el("div").class("pair").child(field("Name", true)).child(field("Value", false)).child(remove)
    };
    let add = button("button", "Add property", move || {
        edited.update(|edited| edited.properties.push((String::new(), String::new())));
    });
    el("div")
        .class("form")
        .child(el("h3").text("Properties"))
        .child(el("div").class("pairs").live_children(move || (0..count.get()).map(row).collect()))
        .child(el("div").child(add))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited() -> Edited {
        Edited {
            name: "web".into(),
            visibility: "private".into(),
            min_disk: "0".into(),
            min_ram: "0".into(),
            properties: vec![("os_distro".into(), "debian".into()), ("old".into(), "x".into())],
            ..Edited::default()
        }
    }

    #[test]
    fn only_what_was_changed_is_sent() {
        assert_eq!(edited().steps_from(&edited()), Ok(Vec::new()));
        let now = Edited {
            name: " base ".into(),
            min_disk: "10".into(),
            tags: "a, b,".into(),
            properties: vec![("os_distro".into(), "ubuntu".into()), ("a/b".into(), "1".into())],
            ..edited()
        };
        assert_eq!(
            now.steps_from(&edited()),
            Ok(vec![
                json!({"op": "replace", "path": "/name", "value": "base"}),
                json!({"op": "replace", "path": "/min_disk", "value": 10}),
                json!({"op": "replace", "path": "/tags", "value": ["a", "b"]}),
                json!({"op": "add", "path": "/a~1b", "value": "1"}),
                json!({"op": "replace", "path": "/os_distro", "value": "ubuntu"}),
                json!({"op": "remove", "path": "/old"}),
            ])
        );
    }

    #[test]
    fn what_glance_keeps_itself_is_refused_before_it_is_sent() {
        let with = |key: &str| {
            Edited { properties: vec![(key.into(), "x".into())], ..edited() }.steps_from(&edited())
        };
        assert!(with("status").is_err());
        assert!(with("").is_err());
        assert!(Edited { min_ram: "much".into(), ..edited() }.steps_from(&edited()).is_err());
    }
}
