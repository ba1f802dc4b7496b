//! Beginning a support view: of what, for whom, and why. It opens by a load of the page, since the server says over
//! every page what it is.

use api_types::operator::{
    customers::CustomerProject,
    support_views::{LONGEST_REASON, OpenSupportView, SHORTEST_REASON},
};
use leptos::prelude::*;
use web_sys::Event;

use super::{refusal, texts};
use crate::{
    api_client::ApiError,
    ui::{
        El, Held, Sending,
        choice::{button, labelled, line, text_area},
        dialog::titled_dialog,
        el,
    },
};

/// The dialog and what it is about.
#[derive(Clone, Copy)]
pub struct Support {
    is_open: RwSignal<bool>,
    wanted: Held<Option<(OpenSupportView, String)>>,
}

impl Support {
    pub fn new() -> Self {
        Self { is_open: RwSignal::new(false), wanted: Held::new(None) }
    }

    /// The button for a project. Without a role there it says so, and asking for it tells who can help.
    pub fn button(self, project: &CustomerProject, customer: Option<&str>) -> El {
        let name = if project.name.is_empty() { project.id.to_string() } else { project.name.clone() };
        let wanted = OpenSupportView {
            project: project.id.clone(),
            customer: customer.map(str::to_owned),
            reason: String::new(),
        };
        let label = format!("{} {name}", texts::VIEW.trim_end_matches('…'));
        let open = button("button quiet", texts::VIEW, move || {
            self.wanted.set(Some((wanted.clone(), name.clone())));
            self.is_open.set(true);
        })
        .attr("aria-label", &label);
        let note = (!project.may_view).then(|| el("span").class("customer-note").text(texts::NO_ROLE));
        el("span").class("customer-view").child(open).child_if(note)
    }

    pub fn dialog(self) -> El {
        let title = move || {
            self.wanted
                .with(|wanted| wanted.as_ref().map(|(_, name)| texts::view_of(name)).unwrap_or_default())
        };
        titled_dialog(self.is_open, "dialog", title, move || match self.wanted.get_untracked() {
            Some((wanted, _)) => self.form(wanted),
            None => el("div"),
        })
    }

    fn form(self, wanted: OpenSupportView) -> El {
        let sending: Sending<ApiError> = Sending::of_form();
        let wanted = Held::new(wanted);
        let customer = line(
            texts::CUSTOMER,
            Some(texts::CUSTOMER_HINT),
            el("input").attr("type", "text").attr("autocomplete", "off").attr("maxlength", "255"),
            move || wanted.with(|wanted| wanted.customer.clone().unwrap_or_default()),
            move |name| wanted.update(|wanted| wanted.customer = Some(name).filter(|name| !name.is_empty())),
        );
        let area = el("textarea")
            .attr("rows", "3")
            .attr("required", "")
            .attr("autofocus", "")
            .attr("maxlength", &LONGEST_REASON.to_string());
        let reason = text_area(
            area,
            move || wanted.with(|wanted| wanted.reason.clone()),
            // On one line, as it is written down.
            move |text| wanted.update(|wanted| wanted.reason = text.replace(['\n', '\r', '\t'], " ")),
        );
        let is_ready = move || wanted.with(|wanted| wanted.reason.trim().chars().count() >= SHORTEST_REASON);
        // Nobody is told that a reason is missing before they had the time to write one.
        let was_tried = Held::new(false);
        let is_missing = move || was_tried.get() && !is_ready();
        let missing = el("p")
            .class("field-note error")
            .attr("role", "alert")
            .live_attr("hidden", move || (!is_missing()).then(String::new))
            .live_text(move || if is_missing() { texts::REASON_MISSING.to_owned() } else { String::new() });
        let reason = reason.live_attr("aria-invalid", move || is_missing().then(|| "true".to_owned()));
        let submit = move || {
            if sending.is_busy_untracked() {
                return;
            }
            if !untrack(is_ready) {
                was_tried.set(true);
                return;
            }
            let view = wanted.get_untracked();
            let there = format!("/projects/{}/servers", view.project);
            sending.send(texts::BEGIN.to_owned(), super::api::open_support_view(view), move |_, is_here| {
                if is_here {
                    _ = window().location().assign(&there);
                }
            });
        };
        let begin = el("button").attr("type", "submit").class("button primary").text(texts::BEGIN);
        let cancel = button("button", texts::CANCEL, move || self.is_open.set(false));
        el("form")
            .class("form")
            .attr("novalidate", "")
            .child(el("p").text(texts::VIEW_ABOUT))
            .child(customer)
            .child(labelled(texts::REASON, Some(texts::REASON_HINT), reason))
            .child(missing)
            .child(refusal(sending))
            .child(el("div").class("form-actions").child(sending.marked(begin)).child(cancel))
            .on("submit", move |event: Event| {
                event.prevent_default();
                submit();
            })
    }
}
