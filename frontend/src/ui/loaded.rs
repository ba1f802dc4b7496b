//! Loading, failing and retrying, drawn once for every page.

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

/// What a resource holds, once it does: grey lines before, the failure with Retry instead. A refresh that fails
/// keeps what was there and says so.
#[component]
pub fn Loaded<T, E, C>(resource: LocalResource<Result<T, E>>, children: C) -> impl IntoView
where
    T: Clone + 'static,
    E: Clone + Into<Failure> + 'static,
    C: Fn(T) -> El + 'static,
{
    let latest = RwSignal::new_local(None::<T>);
    let failure = RwSignal::new(None::<Failure>);
    Effect::new(move || match resource.get() {
        Some(Ok(value)) => {
            failure.set(None);
            latest.set(Some(value));
        }
        Some(Err(error)) => failure.set(Some(error.into())),
        None => {}
    });
    let retry = Callback::new(move |()| {
        failure.set(None);
        resource.refetch();
    });
    let is_there = Memo::new(move |_| latest.with(Option::is_some));
    let note = move || match (failure.get(), is_there.get()) {
        (Some(failure), true) => vec![stale_note(&failure, retry)],
        (Some(failure), false) => vec![failure_state(&failure, retry)],
        (None, true) => Vec::new(),
        (None, false) => vec![lines(4)],
    };
    el("div")
        .child(el("div").live_children(note))
        .child(el("div").live_children(move || latest.get().map(&children).into_iter().collect()))
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
fn stale_note(failure: &Failure, retry: Callback<()>) -> El {
    let text = format!("This is what was known before. {}", failure.message);
    text_banner(BannerKind::Warning, None, &text, Some(retry_button(retry)))
}
