//! People and projects: found, looked at, helped.

mod api;
mod failures;
mod find;
mod lines;
mod place;
mod project;
mod rows;
mod support;
mod texts;
mod user;

use leptos::prelude::*;

use crate::{
    api_client::ApiError,
    asked::Asked,
    router::use_router,
    ui::{
        BannerKind, El, Failure, Icon, Sending,
        banner::text_banner,
        derived,
        dom::{focus, focused},
        effect::live,
        el,
        empty_state::empty_state,
        loaded::{failure_state, lines, stale_note},
        sending::Told,
    },
};
use place::Place;

/// The page of the address.
pub fn customers_page() -> impl IntoView {
    let path = use_router().path();
    let place = derived(move || path.with(|path| Place::of(path)));
    let page = move || {
        let place = place.get();
        Some(untrack(|| match place {
            Some(Place::Find) => find::find_page().into_any(),
            Some(Place::User(id)) => user::user_page(id).into_any(),
            Some(Place::Project(id)) => project::project_page(id).into_any(),
            None => empty_state(Icon::Search, "There is nothing at this address", "not-found").into_any(),
        }))
    };
    el("div").class("page").live_view(page)
}

/// What stands below a page's title once the first answer is there. It is made once and its parts follow the answers, so
/// that whoever reads it, or has a button in focus, is not interrupted.
fn followed<T: 'static>(answer: Asked<T>, parts: impl Fn() -> El + 'static) -> El {
    let is_here = derived(move || answer.with(|answer| answer.is_some()));
    let failure = derived(move || answer.failure().map(Failure::from));
    let first_failure = derived(move || failure.get().filter(|_| !is_here.get()));
    let retry = Callback::new(move |()| answer.refetch());
    let stale = move || {
        let failure = failure.get().filter(|_| is_here.get());
        failure.map(|failure| stale_note(&failure, retry)).into_iter().collect()
    };
    let content = move || match (is_here.get(), first_failure.get()) {
        (true, _) => vec![untrack(&parts)],
        (false, Some(failure)) => vec![failure_state(&failure, retry)],
        (false, None) => vec![lines(4)],
    };
    el("div").child(el("div").live_children(stale)).child(el("div").live_children(content))
}

/// A part of a page with its name, drawn anew when what it shows is another. Whoever had the keyboard on something in it
/// goes on at its name: what they pressed may be gone.
fn live_card<T: PartialEq + 'static>(
    title: &str,
    about: Option<El>,
    shown: impl Fn() -> Option<T> + 'static,
    draw: impl Fn(&T) -> El + 'static,
) -> El {
    let name = el("h2").attr("tabindex", "-1").text(title);
    let content = renewed(&name, shown, draw);
    el("section").class("card customer-part").child(name).child_if(about).child(content)
}

/// A place drawn anew when what it shows is another; the keyboard, where it was in it, goes on at `next`.
fn renewed<T: PartialEq + 'static>(
    next: &El,
    shown: impl Fn() -> Option<T> + 'static,
    draw: impl Fn(&T) -> El + 'static,
) -> El {
    let shown = derived(shown);
    let part = el("div");
    let (place, next) = (part.element().clone(), next.html().clone());
    live(move || {
        let had_focus = focused().is_some_and(|focused| place.contains(Some(&focused)));
        let content = shown.with(|shown| shown.as_ref().map(&draw));
        place.set_text_content(None);
        if let Some(content) = content {
            _ = place.append_child(content.element());
        }
        if had_focus {
            focus(&next);
        }
    });
    part
}

/// A part of a page with its name.
fn card(title: &str, about: Option<&str>, content: El) -> El {
    let about = about.map(|about| el("p").class("page-about").text(about));
    el("section").class("card customer-part").child(el("h2").text(title)).child_if(about).child(content)
}

fn nothing(text: &str) -> El {
    el("p").class("nothing").text(text)
}

/// What Keystone did not tell, and why.
fn keystone_note(refused: Option<&String>) -> Option<El> {
    refused.map(|why| text_banner(BannerKind::Warning, Some(texts::NOT_TOLD), why, None))
}

/// Why something was not done, in the dialog that asked.
fn refusal(sending: Sending<ApiError>) -> El {
    sending.alert(|error| text_banner(BannerKind::Failure, None, &error.message(), None))
}

impl Told for ApiError {
    fn sentence(&self) -> String {
        self.message()
    }

    fn ids(&self) -> Option<String> {
        self.request_id().map(str::to_owned)
    }
}
