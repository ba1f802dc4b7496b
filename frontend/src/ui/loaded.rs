//! Loading, failing and retrying, drawn once for every page.

use leptos::prelude::*;

use super::{Banner, BannerKind, Button, EmptyState, Icon};

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
pub fn Loaded<T, E, V, C>(resource: LocalResource<Result<T, E>>, children: C) -> impl IntoView
where
    T: Clone + 'static,
    E: Clone + Into<Failure> + 'static,
    V: IntoView + 'static,
    C: Fn(T) -> V + 'static,
{
    let children = StoredValue::new_local(children);
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
    view! {
        {move || match (failure.get(), latest.with(Option::is_some)) {
            (Some(failure), true) => view! { <StaleNote failure retry /> }.into_any(),
            (Some(failure), false) => view! { <FailureState failure retry /> }.into_any(),
            (None, true) => ().into_any(),
            (None, false) => view! { <Lines /> }.into_any(),
        }}
        {move || latest.get().map(|value| children.with_value(|children| children(value)))}
    }
}

/// A failure where the content would be.
#[component]
pub fn FailureState(failure: Failure, #[prop(into)] retry: Callback<()>) -> impl IntoView {
    view! {
        <EmptyState icon=Icon::Alert title="This could not be loaded" test_id="could-not-load">
            <p>{failure.message}</p>
            {failure.request_id.map(|id| view! { <p class="request-id">"Request " <code>{id}</code></p> })}
            {failure.is_retryable.then(|| view! { <Button icon=Icon::Refresh on_press=retry>"Retry"</Button> })}
        </EmptyState>
    }
}

/// A failed refresh, above what was there before.
#[component]
fn StaleNote(failure: Failure, retry: Callback<()>) -> impl IntoView {
    let actions = move || view! { <Button on_press=retry>"Retry"</Button> };
    view! {
        <Banner kind=BannerKind::Warning actions>
            {format!("This is what was known before. {}", failure.message)}
        </Banner>
    }
}

/// Grey lines in the shape of a text to come.
#[component]
pub fn Lines(#[prop(default = 4)] count: usize) -> impl IntoView {
    view! {
        <div class="lines" role="status" aria-label="Loading">
            {(0..count).map(|_| view! { <span class="skeleton line"></span> }).collect_view()}
        </div>
    }
}
