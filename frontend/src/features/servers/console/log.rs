//! The console's log: its end, followed while somebody looks, and searched.

use std::time::Duration;

use leptos::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::{
    log_lines::{found, lines_of},
    texts,
};
use crate::{
    api_client::ApiError,
    asked::ask,
    cloud::{Cloud, Service},
    features::servers::shown_server::ShownServer,
    project::use_project,
    ui::{
        El,
        copy_button::copy_button,
        derived,
        effect::after,
        el,
        field::{check_box, holds_value},
    },
};

/// The last lines a server wrote to its console.
pub fn console_log(server: ShownServer) -> El {
    let project = use_project();
    let lines_asked = RwSignal::new(FEW);
    let is_following = RwSignal::new(true);
    let wanted = RwSignal::new(String::new());
    let output = ask(move |until| {
        let (project, (region, id)) = (project.get()?, server.address.get()?);
        let length = lines_asked.get();
        Some(Box::pin(async move {
            let call = Cloud::new(&project, &region)
                .post(Service::Compute, &format!("servers/{id}/action"))
                .body(&json!({"os-getConsoleOutput": length_of(length)}));
            let call = match &until {
                Some(signal) => call.until(signal),
                None => call,
            };
            Ok(lines_of(&call.json::<Output>().await.map_err(ApiError::from)?.output))
        }))
    });
    let again = move || {
        let is_wanted = is_following.get_untracked() && !document().hidden() && output.failure().is_none();
        if is_wanted {
            output.refetch();
        }
    };
    if let Ok(timer) = set_interval_with_handle(move || untrack(again), READ_EVERY) {
        on_cleanup(move || timer.clear());
    }

    let shown = el("pre")
        .class("console-log")
        .attr("tabindex", "0")
        .attr("role", "log")
        // Read out by those who ask for it; a booting server says ten lines a second.
        .attr("aria-live", "off")
        .attr("aria-label", texts::LOG)
        .attr("data-testid", "console-log");
    let element = shown.html().clone();
    let element = send_wrapper::SendWrapper::new(element);
    let drawn = output.drawn(move |lines| {
        let text = wanted.get();
        let found = found(lines, &text);
        let words = match (lines.is_empty(), found.is_empty()) {
            (true, _) => texts::EMPTY_LOG.to_owned(),
            (false, true) => texts::NO_LINE.to_owned(),
            (false, false) => found.iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n"),
        };
        el("div").class("console-lines").text(&words)
    });
    let shown = shown.child(drawn);
    // To the end, where the news are, unless somebody reads further up.
    after(move || {
        output.with(|_| {});
        if is_following.get() {
            element.set_scroll_top(element.scroll_height());
        }
    });

    let count = derived(move || {
        let text = wanted.get();
        output.with(|lines| lines.map(|lines| (found(lines, &text).len(), lines.len())))
    });
    let counted = move || count.get().map(|(shown, all)| texts::matches(shown, all)).unwrap_or_default();
    let copy = move || {
        let text = output.with(|lines| lines.map(|lines| lines.join("\n")).unwrap_or_default());
        vec![copy_button(text, texts::COPY_LOG.to_owned())]
    };
    let find = holds_value(
        el("input")
            .class("input")
            .attr("type", "search")
            .attr("aria-label", texts::FIND)
            .attr("placeholder", texts::FIND)
            .attr("maxlength", "200")
            .attr("data-testid", "console-find"),
        wanted,
    );
    let bar = el("div")
        .class("console-bar")
        .child(find)
        .child(length_choice(lines_asked))
        .child(check_box(texts::FOLLOW, is_following))
        .child(el("span").class("numbers").attr("role", "status").live_text(counted))
        .child(el("span").live_children(copy));
    el("div").child(bar).child(shown)
}

#[derive(Deserialize)]
struct Output {
    output: String,
}

/// Lines that are asked for; 0 for all that the cloud keeps.
const FEW: u32 = 200;
const LENGTHS: [u32; 3] = [FEW, 2_000, 0];
const READ_EVERY: Duration = Duration::from_secs(3);

/// Source: compute API, show console output.
fn length_of(lines: u32) -> serde_json::Value {
    if lines == 0 { json!({}) } else { json!({"length": lines}) }
}

fn length_choice(lines: RwSignal<u32>) -> El {
    let option = |length: u32| {
        let label = if length == 0 { texts::ALL_LINES.to_owned() } else { length.to_string() };
        el("option").attr("value", &length.to_string()).text(&label)
    };
    el("label").class("inline-field").text(texts::LINES).text(" ").child(
        el("select").class("input").children(LENGTHS.map(option).into()).on("change", move |event| {
            let chosen = event_target_value(&event);
            lines.set(chosen.parse().unwrap_or(FEW));
        }),
    )
}
