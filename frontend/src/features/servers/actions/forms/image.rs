//! Images to rebuild from, or to rescue with.

use api_types::{
    ProjectId,
    servers::action::{Password, ServerAction},
};
use leptos::prelude::*;

use super::{
    About, Form,
    choices::{Choice, Chosen, choices},
    text::Secret,
};
use crate::{
    api_client::ApiError,
    asked::{Asked, ask},
    offers::{Image, Origin, list_images},
    ui::{El, choice::check_with, el, format},
};

/// In two tabs: what the operator provides, and what the project saved.
pub fn rebuild(about: &About) -> Form {
    let images = Images::new();
    let fields = vec![images.drawn(about)];
    Form::new(fields, move || Some(ServerAction::Rebuild { image_id: images.read()? }))
}

/// The region's own rescue image, unless another is chosen.
pub fn rescue(about: &About) -> Form {
    let images = Images::new();
    let password = Secret::new();
    let is_other = RwSignal::new(false);
    let other = check_with(OTHER, None, move || is_other.get(), move |other| is_other.set(other));
    let table = images.drawn(about).live_attr("hidden", move || (!is_other.get()).then(String::new));
    let note = el("p").class("field-note").text(PASSWORD_ABOUT);
    let fields = vec![password.field(PASSWORD, false), note, other, table];
    Form::new(fields, move || {
        let image_id = match is_other.get_untracked() {
            true => Some(images.read()?),
            false => None,
        };
        let password = password.text();
        let password = (!password.is_empty()).then_some(Password(password));
        Some(ServerAction::Rescue { image_id, password })
    })
}

/// Two tables of images, of which one is seen. Each has a choice of its own: what was chosen in a tab one does not see
/// is not what one means.
#[derive(Clone, Copy)]
struct Images {
    is_saved: RwSignal<bool>,
    provided: Chosen,
    saved: Chosen,
}

impl Images {
    /// An image takes the place of what is on the disk, so it is chosen by hand.
    fn new() -> Self {
        Self { is_saved: RwSignal::new(false), provided: Chosen::by_hand(), saved: Chosen::by_hand() }
    }

    fn of_tab(self, is_saved: bool) -> Chosen {
        if is_saved { self.saved } else { self.provided }
    }

    fn read(self) -> Option<String> {
        self.of_tab(self.is_saved.get_untracked()).read(MISSING)
    }

    fn drawn(self, about: &About) -> El {
        let cloud = about.cloud();
        let project = about.project.clone();
        let images: Asked<Vec<Image>> = ask(move |until| {
            let cloud = cloud.clone();
            Some(Box::pin(
                async move { list_images(&cloud, false, until.as_ref()).await.map_err(ApiError::from) },
            ))
        });
        let is_saved = self.is_saved;
        let tab = |saved: bool, label: &'static str| {
            el("button")
                .attr("type", "button")
                .class("tab")
                .attr("role", "tab")
                .live_attr("aria-selected", move || Some((is_saved.get() == saved).to_string()))
                .text(label)
                .on("click", move |_| is_saved.set(saved))
        };
        let tabs = el("div")
            .class("tabs")
            .attr("role", "tablist")
            .attr("aria-label", IMAGES)
            .child(tab(false, PROVIDED))
            .child(tab(true, SAVED));
        let lists = [(false, NONE_PROVIDED), (true, NONE_SAVED)].map(|(saved, nothing)| {
            let project = project.clone();
            let lines = move |images: &Vec<Image>| lines(images, &project, saved);
            choices(IMAGES, HEADS, images, lines, nothing, self.of_tab(saved))
                .attr("role", "tabpanel")
                .live_attr("hidden", move || (is_saved.get() != saved).then(String::new))
        });
        el("div").class("field").child(tabs).children(lists.into())
    }
}

fn lines(images: &[Image], project: &ProjectId, is_saved: bool) -> Vec<Choice> {
    let of_tab = images
        .iter()
        .filter(|image| image.is_active() && (image.origin(project) == Origin::Provided) != is_saved);
    let line = |image: &Image| Choice {
        value: image.id.clone(),
        cells: vec![
            image.shown_name().to_owned(),
            image.size.map(size).unwrap_or_default(),
            image.created().map(format::day).unwrap_or_default(),
        ],
        off: None,
    };
    of_tab.map(line).collect()
}

fn size(bytes: u64) -> String {
    format::memory(bytes.div_ceil(1 << 20))
}

const IMAGES: &str = "Images";
const PROVIDED: &str = "Provided";
const SAVED: &str = "Saved";
const HEADS: &[&str] = &["Image", "Size", "Created"];
const NONE_PROVIDED: &str = "This region provides no image.";
const NONE_SAVED: &str = "The project has saved no image in this region.";
const MISSING: &str = "Choose an image.";
const OTHER: &str = "Use another image than the region's own rescue image";
const PASSWORD: &str = "Password of the rescue system (may be left empty)";
const PASSWORD_ABOUT: &str =
    "Without one the cloud makes one up that nobody sees; your key pair works all the same.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_in_one_tab_and_only_when_it_can_be_used() {
        let image = |id: &str, visibility: &str, status: &str| Image {
            id: id.to_owned(),
            status: status.to_owned(),
            visibility: visibility.to_owned(),
            ..Image::default()
        };
        let images = [
            image("debian", "public", "active"),
            image("mine", "private", "active"),
            image("half", "private", "saving"),
        ];
        let project: ProjectId = "p".parse().expect("an id");
        let ids =
            |saved| lines(&images, &project, saved).into_iter().map(|line| line.value).collect::<Vec<_>>();
        assert_eq!(ids(false), ["debian"]);
        assert_eq!(ids(true), ["mine"]);
        assert_eq!(size(60_554), "1 MiB");
    }
}
