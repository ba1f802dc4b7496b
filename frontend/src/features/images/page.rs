//! The page: three tabs over all regions, the uploads on their way, and what is done to an image.

use leptos::prelude::*;

use super::{
    acting::{Acting, Placed},
    edit::edit_dialog,
    rows::{Row, image_table},
    share::share_dialog,
    upload_form::upload_dialog,
    uploads,
};
use crate::{
    across::{ask_regions, missing},
    cloud::{Cloud, CloudError, Service},
    confirm::confirm,
    offers::{Image, Origin, list_images},
    project::{changing, page_path, use_project},
    router::{use_router, value_of},
    ui::{
        El, Held, Icon, Page, Tab, choice::text_input, derived, effect::after_change, el, element::icon,
        page::page_header, tabs,
    },
};

#[component]
pub fn ImagesPage() -> impl IntoView {
    let images = ask_regions(Service::Image, all_images);
    let (confirm, confirm_dialog) = confirm();
    let acting = Acting { images, edited: Held::new(None), shared: Held::new(None), confirm };
    // What was uploaded is there now, or what was cancelled is gone.
    after_change(uploads::finished, move || images.refetch_all());
    let (project, router) = (use_project(), use_router());
    let search_of = router.search();
    let tab = derived(move || search_of.with(|search| tab_of(value_of(search, "tab").as_deref())));
    let rows = derived(move || {
        let Some(project) = project.get() else { return Vec::new() };
        images.with(|answers| {
            let mut rows: Vec<Placed> = Vec::new();
            for answer in answers {
                for image in answer.value.iter().flatten() {
                    let origin = image.origin(&project);
                    rows.push(Placed { image: image.clone(), cloud: answer.cloud.clone(), origin });
                }
            }
            rows.sort_by(|a, b| {
                let key = |row: &Placed| (row.image.shown_name().to_owned(), row.cloud.region.to_string());
                key(a).cmp(&key(b))
            });
            rows
        })
    });
    let count = move |key: &'static str| {
        let origin = tab_of(Some(key));
        rows.with(|rows| (!rows.is_empty()).then(|| rows.iter().filter(|row| row.origin == origin).count()))
    };
    let links = move || {
        let path = project.get().map(|project| page_path(&project, "images")).unwrap_or_default();
        let tab = |(key, label): (&'static str, &'static str)| Tab {
            key,
            label,
            href: format!("{path}?tab={key}"),
        };
        TABS.map(tab).into()
    };
    let search = RwSignal::new(String::new());
    let input = el("input")
        .attr("type", "search")
        .attr("placeholder", "Search images…")
        .attr("aria-label", "Search images")
        .attr("autocomplete", "off")
        .attr("spellcheck", "false");
    let input = text_input(input, move || search.get(), move |text| search.set(text));
    let found = derived(move || {
        let (origin, search) = (tab.get(), search.get().trim().to_lowercase());
        rows.with(|rows| {
            let fits = |row: &&Placed| row.origin == origin && is_found(row, &search);
            rows.iter().filter(fits).map(|row| Row::of(row.clone())).collect::<Vec<_>>()
        })
    });
    let is_searching = derived(move || !search.get().trim().is_empty());
    let table = images.drawn("images", move |answers| {
        let missing = missing(answers);
        el("div").live_children(move || {
            let is_searching = is_searching.get();
            vec![found.with(|rows| image_table(rows, tab.get(), is_searching, &missing, acting))]
        })
    });
    let is_open = RwSignal::new(false);
    let upload = changing(el("button"))
        .attr("type", "button")
        .class("button primary")
        .child(icon(Icon::Upload))
        .text("Upload")
        .on("click", move |_| is_open.set(true));
    let key_of = move || match tab.get() {
        Origin::Provided => "provided",
        Origin::Mine => "mine",
        Origin::Shared => "shared",
    };
    let title = Signal::stored("Images".to_owned());
    let body = el("div")
        .class("page-body")
        .child(super::upload_form::upload_list())
        .child(tabs("Whose images", links, key_of, count))
        .child(el("div").class("search-field page-search").child(icon(Icon::Search)).child(input))
        .child(table);
    let header = page_header(title, None, Vec::new(), vec![upload]);
    let dialogs = [upload_dialog(images, is_open), edit_dialog(acting), share_dialog(acting), confirm_dialog];
    view! { <Page title>{[header, body].into_iter().chain(dialogs).collect::<Vec<El>>()}</Page> }
}

const TABS: [(&str, &str); 3] = [("provided", "Provided"), ("mine", "Mine"), ("shared", "Shared with me")];

fn tab_of(key: Option<&str>) -> Origin {
    match key {
        Some("mine") => Origin::Mine,
        Some("shared") => Origin::Shared,
        _ => Origin::Provided,
    }
}

fn is_found(row: &Placed, search: &str) -> bool {
    let image = &row.image;
    search.split_whitespace().all(|word| {
        image.shown_name().to_lowercase().contains(word)
            || image.id.starts_with(word)
            || row.cloud.region.as_str().to_lowercase().contains(word)
            || image.family().is_some_and(|family| family.contains(word))
            || image.tags.iter().any(|tag| tag.to_lowercase().contains(word))
    })
}

/// Those in use and those that others offer and nobody here has answered to yet.
async fn all_images(cloud: Cloud, until: Option<web_sys::AbortSignal>) -> Result<Vec<Image>, CloudError> {
    let mut images = list_images(&cloud, true, until.as_ref()).await?;
    let offered = super::share::list_offered(&cloud, until.as_ref()).await?;
    for image in offered {
        if !images.iter().any(|known| known.id == image.id) {
            images.push(image);
        }
    }
    Ok(images)
}
