//! What the server is told on its first start: how large it is and whether cloud-init can read it.

use leptos::{prelude::request_animation_frame, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, HtmlInputElement};

use super::{card, show_section};
use crate::{
    features::servers::create::{
        draft::{DataFile, Section},
        form::Form,
        texts,
        user_data::{Finding, base64},
    },
    ui::{
        El, Icon,
        choice::{button, labelled, text_area},
        derived, el,
        element::icon,
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
    let findings = derived(move || form.draft.with(|draft| draft.user_data_findings()));
    let size = derived(move || form.draft.with(|draft| (draft.user_data_kind(), draft.user_data_len())));
    let told = move || {
        let (kind, size) = size.get();
        let line = |size| el("p").class("field-note numbers").text(&texts::user_data_size(kind, size));
        Some(size).filter(|size| *size > 0).map(line).into_iter().collect()
    };
    let list = move || findings.with(|findings| findings.iter().map(finding).collect());
    let file =
        derived(move || form.draft.with(|draft| draft.user_data_file.as_ref().map(|file| file.name.clone())));
    // A file that is no text stands in place of the text.
    let field = labelled(texts::USER_DATA_LABEL, Some(texts::USER_DATA_HINT), area)
        .live_attr("hidden", move || file.with(Option::is_some).then(String::new));
    let held = move || file.get().map(|name| held_file(form, &name)).into_iter().collect();
    let content = vec![
        field,
        el("div").attr("data-testid", "user-data-file").live_children(held),
        file_button(form),
        el("div").live_children(told),
        el("ul")
            .class("findings")
            .attr("data-testid", "user-data-findings")
            .attr("aria-live", "polite")
            .live_children(list),
    ];
    card(form, Section::UserData, texts::USER_DATA, content)
}

fn held_file(form: Form, name: &str) -> El {
    let remove = button("button quiet", texts::REMOVE_FILE, move || {
        form.change(|draft| draft.user_data_file = None);
        // The button that had the focus is gone; the text is back by the next frame.
        request_animation_frame(|| show_section("UserData"));
    });
    el("div").class("form-actions").child(el("strong").class("foreign").text(name)).child(remove)
}

fn file_button(form: Form) -> El {
    let toasts = use_toasts();
    let input = el("input").attr("type", "file").class("unseen").attr("aria-label", texts::FROM_FILE_LABEL);
    let input = input.on("change", move |event: Event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
            return;
        };
        let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
        // The same file chosen again is a change too.
        input.set_value("");
        if file.size() > 1_000_000.0 {
            return toasts.fail(texts::FILE_TOO_LARGE, None);
        }
        spawn_local(async move {
            let Ok(bytes) = JsFuture::from(file.array_buffer()).await else {
                return toasts.fail(texts::FILE_UNREADABLE, None);
            };
            form.change(|draft| match String::from_utf8(js_sys::Uint8Array::new(&bytes).to_vec()) {
                Ok(text) => {
                    draft.user_data = text;
                    draft.user_data_file = None;
                }
                Err(no_text) => {
                    let base64 = base64(no_text.as_bytes());
                    draft.user_data_file = Some(DataFile { name: file.name(), base64 });
                }
            });
        });
    });
    el("label")
        .class("button file-button")
        .child(icon(Icon::Download))
        .child(el("span").text(texts::FROM_FILE))
        .child(input)
}

fn finding(finding: &Finding) -> El {
    let class = if finding.is_problem() { "finding bad" } else { "finding" };
    let mark = if finding.is_problem() { Icon::Alert } else { Icon::Info };
    el("li").class(class).child(icon(mark)).child(el("span").class("foreign").text(&texts::finding(finding)))
}
