//! The page: the form, and beside it what will come of it.

use leptos::prelude::*;

use super::{
    draft::Draft,
    form::use_form,
    from_server::{Start, begin_with},
    keep::{forget, keep_draft},
    sections::sections,
    submit::Tellers,
    summary::{progress, summary},
};
use crate::{
    features::servers::list_address::use_list_address,
    router::use_router,
    ui::{
        Above, BannerKind, El, Held, Page, banner::text_banner, choice::button, el, page::page_header,
        time::relative_time, use_announcer, use_toasts,
    },
};

#[component]
pub fn CreatePage() -> impl IntoView {
    let (router, toasts, announcer) = (use_router(), use_toasts(), use_announcer());
    let form = use_form();
    let restored = Held::new(None::<i64>);
    let start = router.search().with_untracked(|search| Start::of(search));
    keep_draft(form, start.is_none(), move |at| restored.set(Some(at)));
    if let Some(start) = start {
        begin_with(form, start, toasts);
    }
    let title = Signal::stored(TITLE.to_owned());
    let above = Above { label: "Servers", href: use_list_address() };
    let header = page_header(title, Some(above), Vec::new(), Vec::new());
    let restored_note = move || {
        let Some(at) = restored.get() else { return Vec::new() };
        let afresh = button("button", "Start afresh", move || {
            if let Some(project) = form.project.get_untracked() {
                forget(&project);
            }
            let region = form.draft.with_untracked(|draft| draft.region.clone());
            form.draft.set(Draft { region, ..Draft::default() });
            form.is_checked.set(false);
            form.makings.set(Vec::new());
            restored.set(None);
        });
        let text = el("div")
            .class("banner-text")
            .text("Your draft was restored. Last changed ")
            .child(relative_time(at));
        vec![
            el("div")
                .class("banner")
                .attr("role", "status")
                .attr("data-testid", "draft-restored")
                .child(text)
                .child(afresh),
        ]
    };
    let notes = move || {
        let note = |text: &String| text_banner(BannerKind::Note, None, text, None);
        form.notes.with(|notes| notes.iter().map(note).collect::<Vec<El>>())
    };
    let main = el("div")
        .class("create-form")
        .child(el("div").class("notes").live_children(restored_note))
        .child(el("div").class("notes").live_children(notes))
        .child(progress(form))
        .children(sections(form));
    let body = el("div")
        .class("page-body create")
        .child(main)
        .child(summary(form, Tellers { router, toasts, announcer }));
    view! { <Page title>{vec![header, body]}</Page> }
}

const TITLE: &str = "Create servers";
