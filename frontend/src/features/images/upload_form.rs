//! Choosing a file and saying what it is; below, what is on its way.

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, File, HtmlInputElement};

use super::{
    detect::{Content, ENOUGH, FORMATS, content_of},
    texts,
    upload::{Phase, Upload},
    uploads::{self, NewImage},
};
use crate::{
    across::Across,
    cloud::Cloud,
    cloud_fault::cloud_fault,
    offers::Image,
    ui::{
        El, Held, Icon,
        choice::{button, labelled, line, select},
        derived,
        dialog::titled_dialog,
        dom, el,
        element::icon,
        time::use_seconds,
    },
    usage_bar::bar,
};

pub fn upload_dialog(images: Across<Vec<Image>>, is_open: RwSignal<bool>) -> El {
    titled_dialog(is_open, "dialog", || texts::UPLOAD_TITLE.to_owned(), move || form(images, is_open))
}

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
        let Some(chosen) = file.get_untracked() else { return wrong.set(Some(texts::NO_FILE.to_owned())) };
        if chosen.size() < 1.0 {
            return wrong.set(Some(texts::EMPTY_FILE.to_owned()));
        }
        if let Some(Content::Packed(kind)) = content.get_untracked() {
            return wrong.set(Some(texts::packed(kind)));
        }
        let number = |text: RwSignal<String>| text.get_untracked().trim().parse::<u32>();
        let (Ok(min_disk_gib), Ok(min_ram_mib)) = (number(min_disk), number(min_ram)) else {
            return wrong.set(Some(texts::NO_NUMBER.to_owned()));
        };
        let name = name.get_untracked().trim().to_owned();
        if name.is_empty() {
            return wrong.set(Some(texts::NO_NAME.to_owned()));
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
        let Some(size) = file.with(|file| file.as_ref().map(|file| file.size() as u64)) else {
            return Vec::new();
        };
        let note = |words: String| el("p").class("field-note").text(&words);
        vec![match content.get() {
            Some(Content::Packed(kind)) => note(texts::packed(kind)).class("field-note error"),
            Some(Content::Disk(key)) => {
                let kind = FORMATS.iter().find(|(known, _)| *known == key).map_or(key, |(_, words)| *words);
                note(texts::found(size, Some(kind)))
            }
            _ => note(texts::found(size, None)),
        }]
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
        .child(labelled(texts::FILE, None, file_input))
        .child(el("div").attr("aria-live", "polite").live_children(found))
        .child(field(texts::NAME, text("255"), name))
        .child(
            el("div")
                .class("pair-of-fields")
                .child(labelled(
                    texts::REGION,
                    None,
                    select(move || region_options.clone(), move || region.get(), move |v| region.set(v)),
                ))
                .child(labelled(
                    texts::FORMAT,
                    None,
                    select(formats, move || format_key.get(), move |v| format_key.set(v)),
                )),
        )
        .child(
            el("div")
                .class("pair-of-fields")
                .child(field(texts::SYSTEM, text("60").attr("placeholder", "debian"), family))
                .child(field(texts::VERSION, text("60").attr("placeholder", "13"), version)),
        )
        .child(
            el("div")
                .class("pair-of-fields")
                .child(field(texts::LEAST_DISK, text("9").attr("inputmode", "numeric"), min_disk))
                .child(field(texts::LEAST_RAM, text("9").attr("inputmode", "numeric"), min_ram)),
        )
        .child(el("p").class("field-note").text(texts::RESUME))
        .child(el("div").attr("role", "alert").live_children(move || {
            wrong.with(|wrong| {
                wrong.iter().map(|words| el("p").class("field-note error").text(words)).collect()
            })
        }))
        .child(
            el("div")
                .class("form-actions")
                .child(el("button").attr("type", "submit").class("button primary").text(texts::UPLOAD))
                .child(button("button", texts::CANCEL, move || is_open.set(false))),
        )
        .on("submit", send)
}

/// What is on its way, and what has just come or failed.
pub fn upload_list() -> El {
    let now = use_seconds();
    let keys = derived(|| {
        uploads::track();
        uploads::keys()
    });
    // A line stays the same element while its upload goes on: a button that is being pressed stays under the pointer.
    let lines = move || keys.get().into_iter().map(|key| untrack(|| upload_line(key, now))).collect();
    el("div").class("uploads").attr("data-testid", "uploads").live_children(lines)
}

fn upload_line(key: u32, now: Signal<i64>) -> El {
    let upload = derived(move || {
        uploads::track();
        uploads::one(key)
    });
    let Some(Upload { name, cloud, .. }) = uploads::one(key) else { return el("div") };
    let of_phase = move |is: fn(&Phase) -> bool| {
        derived(move || upload.with(|upload| upload.as_ref().is_some_and(|upload| is(&upload.phase))))
    };
    let is_going_on = of_phase(Phase::is_going_on);
    let is_done = of_phase(|phase| *phase == Phase::Done);
    let is_failed = of_phase(|phase| matches!(phase, Phase::Failed(_)));
    let is_waiting = of_phase(|phase| matches!(phase, Phase::Waiting { .. }));
    let words = move || {
        // Only a countdown needs the clock.
        if is_waiting.get() {
            now.track();
        }
        upload.with(|upload| upload.as_ref().map(texts::doing).unwrap_or_default())
    };
    let percent = move || upload.with(|upload| upload.as_ref().map_or(0, percent_of));
    let bar = bar(&texts::sent_of(&name), 0, false)
        .class("usage progress")
        .live_attr("value", move || Some(percent().to_string()))
        .live_attr("hidden", move || (!is_going_on.get()).then(String::new));
    let failure = derived(move || {
        let error = upload.with(|upload| upload.as_ref().and_then(|upload| upload.error.clone()));
        error.filter(|_| !is_going_on.get())
    });
    let stop = el("button").attr("type", "button").class("button quiet");
    let stop = stop
        .live_text(move || if is_going_on.get() { texts::CANCEL } else { texts::DISMISS }.to_owned())
        .on("click", move |_| {
            if is_going_on.get_untracked() {
                uploads::cancel(key);
            } else {
                uploads::dismiss(key);
            }
        });
    // It goes with the press; the focus stays in its line.
    let next = send_wrapper::SendWrapper::new(stop.html().clone());
    let again = button("button", texts::TRY_NOW, move || {
        uploads::try_again(key);
        dom::focus(&next);
    });
    let again = again.live_attr("hidden", move || (!is_waiting.get() && !is_failed.get()).then(String::new));
    let mark = move || {
        vec![icon(match (is_done.get(), is_failed.get()) {
            (true, _) => Icon::Check,
            (_, true) => Icon::Alert,
            _ => Icon::Upload,
        })]
    };
    let text = el("div")
        .class("upload-text")
        .child(el("strong").class("foreign").text(&name))
        .child(el("span").class("nothing").text(&texts::to_region(cloud.region.as_str())))
        .child(el("p").class("numbers").live_text(words))
        .child(bar)
        .child(
            el("div").live_children(move || failure.with(|error| error.iter().map(cloud_fault).collect())),
        );
    el("div")
        .class("upload")
        .live_class("failed", move || is_failed.get())
        .attr("data-upload", &name)
        .child(el("span").class("upload-mark").live_children(mark))
        .child(text)
        .child(el("div").class("form-actions").child(again).child(stop))
}

fn percent_of(upload: &Upload) -> u64 {
    let sent = match upload.phase {
        Phase::Sending { sent } => sent,
        Phase::Finishing => upload.size,
        _ => 0,
    };
    sent.saturating_mul(100).checked_div(upload.size).unwrap_or_default()
}
