//! The page: the form, and beside it what will come of it.

use leptos::prelude::*;

use super::{
    draft::Draft,
    form::{Form, use_form},
    from_server::{Start, begin_with},
    keep::{forget, keep_draft},
    sections::{sections, show_section},
    submit::Tellers,
    summary::{progress, summary},
    texts,
};
use crate::{
    features::servers::list_address::use_list_address,
    router::use_router,
    ui::{
        Above, BannerKind, El, Held, Page, banner::text_banner, el, page::page_header, time::relative_time,
        use_announcer, use_toasts,
    },
};

#[component]
pub fn CreatePage() -> impl IntoView {
    let tellers = Tellers { router: use_router(), toasts: use_toasts(), announcer: use_announcer() };
    let form = use_form();
    let restored = Held::new(None::<i64>);
    let start = tellers.router.search().with_untracked(|search| Start::of(search));
    keep_draft(form, start.is_none(), move |at| restored.set(Some(at)));
    if let Some(start) = start {
        begin_with(form, start, tellers.toasts);
    }
    let title = Signal::stored(texts::TITLE.to_owned());
    let above = Above { label: texts::ABOVE, href: use_list_address() };
    let header = page_header(title, Some(above), Vec::new(), Vec::new());
    let restored_note =
        move || restored.get().map(|at| restored_banner(form, at, restored, tellers)).into_iter().collect();
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
    let body = el("div").class("page-body create").child(main).child(summary(form, tellers));
    view! { <Page title>{vec![header, body]}</Page> }
}

/// Says that a draft came back, and how to begin without it.
fn restored_banner(form: Form, at: i64, restored: Held<Option<i64>>, tellers: Tellers) -> El {
    let press = move |_| {
        // What is being made comes of this draft, and its page has to tell what became of it.
        if untrack(|| form.is_busy()) {
            tellers.announcer.say(texts::NOT_AFRESH);
            return;
        }
        if let Some(project) = form.project.get_untracked() {
            forget(&project);
        }
        form.forget_batch();
        let region = form.draft.with_untracked(|draft| draft.region.clone());
        form.draft.set(Draft { region, ..Draft::default() });
        form.is_checked.set(false);
        restored.set(None);
        // The button that had the focus is gone.
        show_section("Name");
    };
    let afresh = el("button")
        .attr("type", "button")
        .class("button")
        .live_attr("aria-disabled", move || form.is_busy().then(|| "true".to_owned()))
        .live_attr("title", move || form.is_busy().then(|| texts::NOT_AFRESH.to_owned()))
        .text(texts::START_AFRESH)
        .on("click", press);
    let text = el("div")
        .class("banner-text")
        .text(texts::RESTORED)
        .child(relative_time(at))
        .text(".")
        .text(texts::KEPT_UNTIL);
    el("div")
        .class("banner")
        .attr("role", "status")
        .attr("data-testid", "draft-restored")
        .child(text)
        .child(afresh)
}
