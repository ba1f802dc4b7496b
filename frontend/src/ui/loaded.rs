//! Loading, failing and retrying, drawn the same on every page.

use leptos::prelude::*;

use super::{
    BannerKind, Icon,
    banner::text_banner,
    element::{El, el, icon},
};

/// A failure as a person is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One sentence.
    pub message: String,
    /// The id under which the log has the cause.
    pub request_id: Option<String>,
    /// Asking again may help.
    pub is_retryable: bool,
}

/// Draws what was asked for, once it is there: grey lines before, the failure with Retry instead. A refresh that
/// fails keeps what was there and says so.
pub fn loaded(
    draw: impl Fn() -> Option<El> + 'static,
    failure: impl Fn() -> Option<Failure> + 'static,
    retry: Callback<()>,
) -> El {
    el("div").live_children(move || match (draw(), failure()) {
        (Some(content), Some(failure)) => vec![stale_note(&failure, retry), content],
        (Some(content), None) => vec![content],
        (None, Some(failure)) => vec![failure_state(&failure, retry)],
        (None, None) => vec![lines(4)],
    })
}

/// A failure where the content would be.
pub fn failure_state(failure: &Failure, retry: Callback<()>) -> El {
    let request = failure.request_id.as_deref();
    let request = request.map(|id| el("p").class("request-id").text("Request ").child(el("code").text(id)));
    el("div")
        .class("empty-state")
        .attr("data-testid", "could-not-load")
        .child(icon(Icon::Alert))
        .child(el("h2").text("This could not be loaded"))
        .child(el("p").text(&failure.message))
        .child_if(request)
        .child_if(failure.is_retryable.then(|| retry_button(retry)))
}

/// "Retry".
pub fn retry_button(retry: Callback<()>) -> El {
    el("button").attr("type", "button").class("button").text("Retry").on("click", move |_| retry.run(()))
}

/// Grey lines in the shape of a text to come.
pub fn lines(count: usize) -> El {
    let line = |_| el("span").class("skeleton line");
    el("div")
        .class("lines")
        .attr("role", "status")
        .attr("aria-label", "Loading")
        .children((0..count).map(line).collect())
}

/// A failed refresh, above what was there before.
pub fn stale_note(failure: &Failure, retry: Callback<()>) -> El {
    let text = format!("This is what was known before. {}", failure.message);
    text_banner(BannerKind::Warning, None, &text, Some(retry_button(retry)))
}
