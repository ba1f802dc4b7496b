//! A part of a server's page that was asked for separately: there, on its way, or a gap of its own.

use api_types::servers::{ServerDetail, detail::Part};
use leptos::prelude::*;

use crate::{
    api_client::ApiError,
    features::servers::{detail_page::ShownServer, detail_texts as texts},
    ui::{Banner, BannerKind, Button, Failure, loaded::Lines},
};

/// A titled block of the page.
#[component]
pub fn Section(#[prop(into)] title: Signal<String>, children: Children) -> impl IntoView {
    view! {
        <section class="card">
            <h2>{move || title.get()}</h2>
            {children()}
        </section>
    }
}

/// A titled block whose content comes with the rest of the server. A missing one says why and asks again.
#[component]
pub fn PartSection<T, V, C>(
    title: &'static str,
    server: ShownServer,
    /// Which part.
    pick: fn(&ServerDetail) -> &Part<T>,
    children: C,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
    C: Fn(T) -> V + Send + Sync + 'static,
{
    let part = Memo::new(move |_| server.detail.read().as_ref().map(|detail| pick(detail).clone()));
    view! {
        <Section title>
            {move || match part.get() {
                None => view! { <Lines count=2 /> }.into_any(),
                Some(Part::Known(content)) => children(content).into_any(),
                Some(Part::Missing(body)) => {
                    let failure = Failure::from(ApiError::Refused { status: 503, body });
                    view! { <Gap title failure retry=server.refresh /> }.into_any()
                }
            }}
        </Section>
    }
}

/// Says that there is nothing, where a table would be.
#[component]
pub fn Nothing(text: &'static str) -> impl IntoView {
    view! { <p class="nothing">{text}</p> }
}

#[component]
fn Gap(title: &'static str, failure: Failure, retry: Callback<()>) -> impl IntoView {
    let actions = move || view! { <Button on_press=retry>{texts::RETRY}</Button> };
    view! {
        <div data-testid="missing-part">
            <Banner kind=BannerKind::Warning actions>
                <strong>{texts::missing(title)}</strong>
                " "
                {failure.message}
            </Banner>
        </div>
    }
}
