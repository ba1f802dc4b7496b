//! What the server is told on its first start: how large it is and whether cloud-init can read it.

use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, HtmlInputElement};

use super::card;
use crate::{
    features::servers::create::{
        draft::Section,
        form::Form,
        user_data::{Finding, Kind, MOST_ENCODED, check, encoded_len, kind_of},
    },
    ui::{
        El, Icon,
        choice::{labelled, text_area},
        derived, el,
        element::icon,
        format::number,
        use_toasts,
    },
};

pub fn section(form: Form) -> El {
    let text = move || form.draft.with(|draft| draft.user_data.clone());
    let area = el("textarea")
        .attr("rows", "8")
        .attr("spellcheck", "false")
        .attr("autocomplete", "off")
        .attr("placeholder", "#cloud-config\npackages:\n  - nginx");
    let area = text_area(area, text, move |text| form.change(|draft| draft.user_data = text));
    let area = area.class("input area mono");
    let findings = derived(move || form.draft.with(|draft| check(&draft.user_data)));
    let size = derived(move || form.draft.with(|draft| encoded_len(draft.user_data.len())));
    let kind = derived(move || form.draft.with(|draft| kind_of(&draft.user_data)));
    let told = move || {
        let (size, kind) = (size.get(), kind.get());
        if size == 0 {
            return Vec::new();
        }
        let what = kind.map(|kind| format!("{} · ", kind_name(kind))).unwrap_or_default();
        let most = number(MOST_ENCODED as u64);
        let text = format!("{what}{} of {most} characters as base64", number(size as u64));
        vec![el("p").class("field-note numbers").text(&text)]
    };
    let list = move || findings.with(|findings| findings.iter().map(finding).collect());
    let file = file_button(form);
    let content = vec![
        labelled("Cloud-config or script (optional)", Some("What the server does on its first start."), area),
        file,
        el("div").live_children(told),
        el("ul")
            .class("findings")
            .attr("data-testid", "user-data-findings")
            .attr("aria-live", "polite")
            .live_children(list),
    ];
    card(form, Section::UserData, "User data", content)
}

fn file_button(form: Form) -> El {
    let toasts = use_toasts();
    let input =
        el("input").attr("type", "file").class("unseen").attr("aria-label", "Load user data from a file");
    let input = input.on("change", move |event: Event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
            return;
        };
        let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
        // The same file chosen again is a change too.
        input.set_value("");
        if file.size() > 1_000_000.0 {
            return toasts.fail("This file is far larger than user data may be (48 KiB).", None);
        }
        spawn_local(async move {
            let Ok(bytes) = JsFuture::from(file.array_buffer()).await else {
                return toasts.fail("The file could not be read.", None);
            };
            match String::from_utf8(js_sys::Uint8Array::new(&bytes).to_vec()) {
                Ok(text) => form.change(|draft| draft.user_data = text),
                Err(_) => toasts.fail("This file is no text in UTF-8.", None),
            }
        });
    });
    el("label")
        .class("button file-button")
        .child(icon(Icon::Download))
        .child(el("span").text("From a file…"))
        .child(input)
}

fn finding(finding: &Finding) -> El {
    let class = if finding.is_problem() { "finding bad" } else { "finding" };
    let mark = if finding.is_problem() { Icon::Alert } else { Icon::Info };
    el("li").class(class).child(icon(mark)).child(el("span").class("foreign").text(&words(finding)))
}

fn words(finding: &Finding) -> String {
    match finding {
        Finding::TooLarge { encoded } => format!(
            "Too large: {} characters as base64, Nova takes {}. Put the rest where the server can fetch it.",
            number(*encoded as u64),
            number(MOST_ENCODED as u64)
        ),
        Finding::NoYaml { line, column, why } => {
            format!("Line {line}, column {column}: this is not YAML ({why}). cloud-init would ignore all of it.")
        }
        Finding::NoMapping => "A cloud-config is made of names and values: \u{201c}packages: […]\u{201d}.".to_owned(),
        Finding::UnknownKind => {
            "cloud-init does not know what this is, and ignores it: begin with #cloud-config, or #! for a script."
                .to_owned()
        }
        Finding::NearlyCloudConfig => {
            "The very first line has to be #cloud-config, exactly so; otherwise cloud-init ignores all of it.".to_owned()
        }
        Finding::UnknownKey { line, key, meant } => {
            let meant = meant.map(|meant| format!(" Is {meant} meant?")).unwrap_or_default();
            format!("Line {line}: cloud-init knows no \u{201c}{key}\u{201d}.{meant}")
        }
        Finding::TwiceTheSame { line, key } => {
            format!("Line {line}: \u{201c}{key}\u{201d} stands there twice; only the last one counts.")
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::CloudConfig => "cloud-config",
        Kind::Script => "Script",
        Kind::Include => "List of addresses to include",
        Kind::Boothook => "Boothook",
        Kind::Template => "Template",
        Kind::Multipart => "Several parts (MIME)",
        Kind::PartHandler => "Part handler",
        Kind::PowerShell => "Script for Windows",
    }
}
