//! The parts of the form, in their order.

mod disk;
mod flavor;
mod image;
mod key_pair;
mod labels;
mod name;
mod network;
mod placement;
mod region;
mod user_data;

use leptos::prelude::*;

use super::{draft::Section, form::Form, texts};
use crate::{
    api_client::ApiError,
    asked::Asked,
    ui::{
        El, Failure, derived,
        dom::{self, unique_id},
        el,
        loaded::lines,
    },
};

/// All of them.
pub fn sections(form: Form) -> Vec<El> {
    vec![
        name::section(form),
        region::section(form),
        image::section(form),
        flavor::section(form),
        disk::section(form),
        network::section(form),
        key_pair::section(form),
        user_data::section(form),
        labels::section(form),
        placement::section(form),
    ]
}

/// Brings a part of the form into view and puts the focus on its first field.
pub fn show_section(name: &str) {
    let Ok(Some(section)) = document().query_selector(&format!("[data-section={name}]")) else { return };
    section.scroll_into_view();
    let fields = dom::query_all(&section, "input:not([type=file]), select, textarea, button");
    if let Some(field) = fields.first() {
        dom::focus(field);
    }
}

/// A part of the form: its title, what is wrong with it once that is told, its content.
fn card(form: Form, section: Section, title: &str, content: Vec<El>) -> El {
    let id = unique_id("section");
    let problem = derived(move || form.problem(section));
    let wrong = el("p")
        .class("field-note error")
        .attr("role", "alert")
        .live_attr("hidden", move || problem.with(Option::is_none).then(String::new))
        .live_text(move || problem.get().unwrap_or_default());
    el("section")
        .class("card create-section")
        .attr("aria-labelledby", &id)
        .attr("data-section", &format!("{section:?}"))
        .live_class("wrong", move || problem.with(Option::is_some))
        .child(el("h2").attr("id", &id).text(title))
        .child(wrong)
        .children(content)
}

/// What a region offers, once it is there; a failure stays in its part of the form, with a way to ask again.
fn offered<T: 'static>(asked: Asked<T>, draw: impl Fn(&T) -> Vec<El> + 'static) -> El {
    el("div").class("offered").live_children(move || {
        match (asked.with(|value| value.map(&draw)), asked.failure()) {
            (Some(content), _) => content,
            (None, Some(error)) => vec![failed(&error, Callback::new(move |()| asked.refetch()))],
            (None, None) => vec![lines(3)],
        }
    })
}

fn failed(error: &ApiError, retry: Callback<()>) -> El {
    let failure = Failure::from(error.clone());
    let text = el("p").class("foreign").text(texts::NOT_LOADED).text(&failure.message);
    let again = el("button")
        .attr("type", "button")
        .class("button")
        .text(texts::RETRY)
        .on("click", move |_| retry.run(()));
    el("div").class("offer-failed").attr("role", "status").child(text).child(again)
}
