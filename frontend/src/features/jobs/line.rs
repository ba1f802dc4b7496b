//! One job in the tray.

use api_types::jobs::{ControlJob, Job, JobState};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    state::{Control, controls, shares},
    texts,
};
use crate::{
    cloud::{calls::has_asked, shown::use_calls_shown},
    jobs::{Jobs, texts::title},
    ui::{
        El, Held, Icon, PopoverHandle, derived, effect::live, el, element::icon, time::relative_time,
        use_toasts,
    },
};

pub fn job_line(jobs: Jobs, id: String) -> El {
    let own = id.clone();
    let job =
        derived(move || jobs.list().with(|list| list.iter().flatten().find(|job| job.id == own).cloned()));
    let with =
        move |read: fn(&Job) -> String| move || job.with(|job| job.as_ref().map(read).unwrap_or_default());
    let about = move || {
        job.with(|job| {
            let job = job.as_ref();
            let project = job.map(|job| el("span").class("foreign").text(&job.project_name));
            project.into_iter().chain(job.map(|job| relative_time(job.created_at))).collect()
        })
    };
    let offered = derived(move || job.with(|job| job.as_ref().map(controls).unwrap_or_default()));
    let buttons = {
        let id = id.clone();
        move || offered.get().into_iter().map(|control| button(jobs, id.clone(), control)).collect()
    };
    let state = move || job.with(|job| job.as_ref().map(|job| state_key(job.state).to_owned()));
    el("li")
        .class("job")
        .attr("data-job", &id)
        .live_attr("data-state", state)
        .child(el("h3").class("foreign").live_text(with(title)))
        .child(el("p").class("job-about").live_children(about))
        .child(bar(job))
        .child(el("p").class("job-progress numbers").live_text(with(texts::progress)))
        .child(
            el("div")
                .class("job-buttons")
                .child(el("div").class("job-controls").live_children(buttons))
                .child(
                    el("div")
                        .class("job-controls")
                        .child_if(calls_button(&id))
                        .child(result_button(jobs, id)),
                ),
        )
}

fn bar(job: Held<Option<Job>>) -> El {
    let part = |class: &str, share: fn((u32, u32)) -> u32| {
        let part = el("span").class(class);
        let html: HtmlElement = part.element().clone().unchecked_into();
        let html = send_wrapper::SendWrapper::new(html);
        live(move || {
            let share = job.with(|job| job.as_ref().map_or(0, |job| share(shares(job.counts))));
            _ = html.style().set_property("inline-size", &format!("{share}%"));
        });
        part
    };
    // The words below say the same.
    el("div")
        .class("job-bar")
        .attr("aria-hidden", "true")
        .child(part("done", |(done, _)| done))
        .child(part("problems", |(_, problems)| problems))
}

fn button(jobs: Jobs, id: String, control: Control) -> El {
    let toasts = use_toasts();
    let is_busy = RwSignal::new(false);
    let face = match control {
        Control::Pause => Icon::Pause,
        Control::Resume => Icon::Play,
        Control::Cancel => Icon::Close,
        Control::RetryFailed | Control::RetryUncertain => Icon::Refresh,
    };
    el("button")
        .attr("type", "button")
        .class("button quiet")
        .live_class("busy", move || is_busy.get())
        .live_attr("aria-disabled", move || is_busy.get().then(|| "true".to_owned()))
        .child(icon(face))
        .text(texts::control(control))
        .on("click", move |_| {
            if is_busy.get_untracked() {
                return;
            }
            is_busy.set(true);
            let id = id.clone();
            spawn_local(async move {
                if let Err(error) = jobs.control(&id, &asked(control)).await {
                    toasts.fail(error.message(), error.request_id().map(str::to_owned));
                }
                _ = is_busy.try_set(false);
            });
        })
}

fn asked(control: Control) -> ControlJob {
    match control {
        Control::Pause => ControlJob::Pause,
        Control::Resume => ControlJob::Resume,
        Control::Cancel => ControlJob::Cancel,
        Control::RetryFailed => ControlJob::RetryFailed { uncertain_too: false },
        Control::RetryUncertain => ControlJob::RetryFailed { uncertain_too: true },
    }
}

/// Only where this page asked for the job: what exactly it asked for is not told again.
pub fn calls_button(id: &str) -> Option<El> {
    let calls = use_calls_shown().filter(|_| has_asked(id))?;
    let (id, handle) = (id.to_owned(), use_context::<PopoverHandle>());
    let button = el("button").attr("type", "button").class("button quiet").child(icon(Icon::Code));
    Some(button.text(texts::CALLS).on("click", move |_| {
        if let Some(handle) = handle {
            handle.close();
        }
        calls.show_of(&id);
    }))
}

/// Closes the tray first, so that the focus comes back to its button when the result is closed.
fn result_button(jobs: Jobs, id: String) -> El {
    let handle = use_context::<PopoverHandle>();
    el("button").attr("type", "button").class("button quiet").text(texts::RESULT).on("click", move |_| {
        if let Some(handle) = handle {
            handle.close();
        }
        jobs.shown().set(Some(id.clone()));
    })
}

fn state_key(state: JobState) -> &'static str {
    match state {
        JobState::Planned => "planned",
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Canceled => "canceled",
        JobState::Done => "done",
    }
}
