//! The button in the top bar that opens the tray.

use leptos::prelude::*;

use super::{content, texts};
use crate::{
    jobs::use_jobs,
    ui::{Align, El, Icon, Opener, el, element::icon, part::part, popover},
};

pub fn jobs_button() -> El {
    let jobs = use_jobs();
    let badge = el("span")
        .class("jobs-badge numbers")
        .live_attr("hidden", move || (jobs.running() == 0).then(String::new))
        .live_text(move || jobs.running().to_string());
    let face = el("span").class("icon-holder").child(icon(Icon::Jobs)).child(badge);
    let opener = Opener {
        label: Signal::derive(move || texts::button(jobs.running())),
        align: Align::End,
        panel_label: texts::TITLE.into(),
        ..Opener::with_face(texts::TITLE, vec![face], "dialog")
    };
    el("div").class("jobs").child(popover(opener, || part(content())))
}
