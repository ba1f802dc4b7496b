//! Choosing a file and saying what it is; below, what is on its way.

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, File, HtmlInputElement};

use super::{
    detect::{Content, ENOUGH, FORMATS, content_of},
    upload::{Phase, size_text, speed},
    uploads::{self, NewImage, Upload},
};
use crate::{
    across::Across,
    cloud::Cloud,
    cloud_fault::cloud_fault,
    offers::Image,
    ui::{
        El, Held, Icon,
        choice::{button, labelled, line, select},
        dialog::titled_dialog,
        el,
        element::icon,
        format,
        time::use_seconds,
    },
};

pub fn upload_dialog(images: Across<Vec<Image>>, is_open: RwSignal<bool>) -> El {
    titled_dialog(is_open, "dialog", || "Upload an image".to_owned(), move || form(images, is_open))
}

const RESUME: &str = "If the connection is lost, the upload begins again by itself, from the first byte: the cloud\u{2019}s image \
                      service cannot go on in the middle of a file. It goes on while you use other pages of the panel, as \
                      long as this tab stays open.";

fn form(images: Across<Vec<Image>>, is_open: RwSignal<bool>) -> El {
    let clouds: Vec<Cloud> =
        images.with(|answers| answers.iter().map(|answer| answer.cloud.clone()).collect());
    let region = RwSignal::new(clouds.first().map(|cloud| cloud.region.to_string()).unwrap_or_default());
    let (name, format_key) = (RwSignal::new(String::new()), RwSignal::new("qcow2".to_owned()));
    let (min_disk, min_ram) = (RwSignal::new("0".to_owned()), RwSignal::new("0".to_owned()));
    let (family, version) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let file = Held::new(None::<File>);
    let content = Held::new(None::<Content>);
    let wrong = Held::new(None::<String>);
    let choose = move |event: Event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
            return;
        };
        let Some(chosen) = input.files().and_then(|files| files.get(0)) else { return };
        if name.with_untracked(String::is_empty) {
            let full = chosen.name();
            name.set(full.rsplit_once('.').map_or(full.clone(), |(stem, _)| stem.to_owned()));
        }
        wrong.set(None);
        file.set(Some(chosen.clone()));
        spawn_local(async move {
            let Ok(start) = chosen.slice_with_f64_and_f64(0.0, ENOUGH as f64) else { return };
            let Ok(bytes) = JsFuture::from(start.array_buffer()).await else { return };
            let found = content_of(&js_sys::Uint8Array::new(&bytes).to_vec());
            match found {
                Content::Disk(key) => _ = format_key.try_set(key.to_owned()),
                // All other formats begin with a mark of theirs.
                Content::Unknown => _ = format_key.try_set("raw".to_owned()),
                Content::Packed(_) => {}
            }
            content.set(Some(found));
        });
    };
    let by_name = clouds.clone();
    let send = move |event: Event| {
        event.prevent_default();
        let Some(chosen) = file.get_untracked() else { return wrong.set(Some("Choose a file.".to_owned())) };
        if chosen.size() < 1.0 {
            return wrong.set(Some("This file is empty.".to_owned()));
        }
        if let Some(Content::Packed(kind)) = content.get_untracked() {
            return wrong.set(Some(packed(kind)));
        }
        let number = |text: RwSignal<String>| text.get_untracked().trim().parse::<u32>();
        let (Ok(min_disk_gib), Ok(min_ram_mib)) = (number(min_disk), number(min_ram)) else {
            return wrong.set(Some("The least disk and memory are whole numbers.".to_owned()));
        };
        let name = name.get_untracked().trim().to_owned();
        if name.is_empty() {
            return wrong.set(Some("Give it a name.".to_owned()));
        }
        let cloud = by_name.iter().find(|cloud| cloud.region.as_str() == region.get_untracked());
        let Some(cloud) = cloud.cloned() else { return };
        let image = NewImage {
            name: name.clone(),
            disk_format: format_key.get_untracked(),
            visibility: "private",
            min_disk_gib,
            min_ram_mib,
            family: family.get_untracked().to_lowercase(),
            version: version.get_untracked(),
        };
        uploads::start(cloud, name, image.body(), chosen);
        is_open.set(false);
    };
    let file_input = el("input")
        .attr("type", "file")
        .attr("data-testid", "image-file")
        .class("input file-input")
        .attr("autofocus", "")
        .on("change", choose);
    let found = move || {
        let size = file.with(|file| file.as_ref().map(|file| size_text(file.size() as u64)));
        let told = match (content.get(), size) {
            (_, None) => return Vec::new(),
            (Some(Content::Packed(kind)), _) => el("p").class("field-note error").text(&packed(kind)),
            (Some(Content::Disk(key)), Some(size)) => {
                let kind = FORMATS.iter().find(|(known, _)| *known == key).map_or(key, |(_, words)| *words);
                el("p").class("field-note").text(&format!("{size} · {kind}, as the file itself says"))
            }
            (_, Some(size)) => {
                el("p").class("field-note").text(&format!("{size} · its format cannot be told from the file"))
            }
        };
        vec![told]
    };
    let text =
        |limit: &str| el("input").attr("type", "text").attr("maxlength", limit).attr("autocomplete", "off");
    let region_options: Vec<_> =
        clouds.iter().map(|cloud| (cloud.region.to_string(), cloud.region.to_string())).collect();
    let formats = || FORMATS.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect();
    let field = |label: &str, input: El, value: RwSignal<String>| {
        line(label, None, input, move || value.get(), move |text| value.set(text))
    };
    el("form")
        .class("form")
        .attr("novalidate", "")
        .child(labelled("File", None, file_input))
        .child(el("div").attr("aria-live", "polite").live_children(found))
        .child(field("Name", text("255"), name))
        .child(
            el("div")
                .class("pair-of-fields")
                .child(labelled(
                    "Region",
                    None,
                    select(move || region_options.clone(), move || region.get(), move |v| region.set(v)),
                ))
                .child(labelled(
                    "Format",
                    None,
                    select(formats, move || format_key.get(), move |v| format_key.set(v)),
                )),
        )
        .child(
            el("div")
                .class("pair-of-fields")
                .child(field("System (optional)", text("60").attr("placeholder", "debian"), family))
                .child(field("Version (optional)", text("60").attr("placeholder", "13"), version)),
        )
        .child(
            el("div")
                .class("pair-of-fields")
                .child(field("Least disk in GiB", text("9").attr("inputmode", "numeric"), min_disk))
                .child(field("Least memory in MiB", text("9").attr("inputmode", "numeric"), min_ram)),
        )
        .child(el("p").class("field-note").text(RESUME))
        .child(el("div").attr("role", "alert").live_children(move || {
            wrong.with(|wrong| {
                wrong.iter().map(|words| el("p").class("field-note error").text(words)).collect()
            })
        }))
        .child(
            el("div")
                .class("form-actions")
                .child(el("button").attr("type", "submit").class("button primary").text("Upload"))
                .child(button("button", "Cancel", move || is_open.set(false))),
        )
        .on("submit", send)
}

fn packed(kind: &str) -> String {
    format!("This file is packed ({kind}). Unpack it first: no server can start from it as it is.")
}

/// What is on its way, and what has just come or failed.
pub fn upload_list() -> El {
    let now = use_seconds();
    el("div").class("uploads").attr("data-testid", "uploads").live_children(move || {
        uploads::track();
        let uploads = uploads::all();
        // Only a countdown needs the clock.
        if uploads.iter().any(|upload| matches!(upload.phase, Phase::Waiting { .. })) {
            now.track();
        }
        uploads.iter().map(drawn).collect()
    })
}

fn drawn(upload: &Upload) -> El {
    let key = upload.key;
    let (words, sent) = words_of(upload);
    let percent = match upload.size {
        0 => 0,
        size => sent.saturating_mul(100) / size,
    };
    let is_going_on = upload.phase.is_going_on();
    let bar = is_going_on.then(|| {
        crate::usage_bar::bar(&format!("{} sent", upload.name), percent, false).class("usage progress")
    });
    let again = matches!(upload.phase, Phase::Waiting { .. } | Phase::Failed(_))
        .then(|| button("button", "Try now", move || uploads::try_again(key)));
    let stop = if is_going_on {
        button("button quiet", "Cancel", move || uploads::cancel(key))
    } else {
        button("button quiet", "Dismiss", move || uploads::dismiss(key))
    };
    let mark = match upload.phase {
        Phase::Done => Icon::Check,
        Phase::Failed(_) => Icon::Alert,
        _ => Icon::Upload,
    };
    let failure = upload.error.as_ref().filter(|_| !is_going_on).map(cloud_fault);
    let class = if matches!(upload.phase, Phase::Failed(_)) { "upload failed" } else { "upload" };
    el("div")
        .class(class)
        .attr("data-upload", &upload.name)
        .child(icon(mark))
        .child(
            el("div")
                .class("upload-text")
                .child(el("strong").class("foreign").text(&upload.name))
                .child(el("span").class("nothing").text(" to ").text(upload.cloud.region.as_str()))
                .child(el("p").class("numbers").text(&words))
                .child_if(bar)
                .child_if(failure),
        )
        .child(el("div").class("form-actions").child_if(again).child(stop))
}

fn words_of(upload: &Upload) -> (String, u64) {
    let size = size_text(upload.size);
    let begun_again = match upload.restarts {
        0 => String::new(),
        1 => " · began again once".to_owned(),
        count => format!(" · began again {count} times"),
    };
    match &upload.phase {
        Phase::Creating => ("Being prepared".to_owned(), 0),
        Phase::Sending { sent } => {
            let speed = speed(*sent, format::now_ms() - upload.began_ms);
            let speed = speed.map(|speed| format!(" · {speed}")).unwrap_or_default();
            (format!("{} of {size}{speed}{begun_again}", size_text(*sent)), *sent)
        }
        Phase::Finishing => (format!("{size} sent, being stored{begun_again}"), upload.size),
        Phase::Waiting { until_ms } => {
            let seconds = ((until_ms - format::now_ms()) / 1000.0).max(0.0) as u64;
            (format!("The connection was lost. It begins again from the start in {seconds} s."), 0)
        }
        Phase::Done => (format!("{size} uploaded{begun_again}"), upload.size),
        // The reason stands below, explained.
        Phase::Failed(_) if upload.error.is_some() => ("Not uploaded".to_owned(), 0),
        Phase::Failed(words) => (words.clone(), 0),
        Phase::Cancelled => ("Cancelled".to_owned(), 0),
    }
}
