//! People and projects: found, looked at, helped.

mod api;
mod find;
mod lines;
mod place;
mod project;
mod support;
mod texts;
mod user;

use leptos::prelude::*;

use crate::{
    api_client::ApiError,
    router::use_router,
    ui::{
        BannerKind, El, Icon, Sending, banner::text_banner, derived, el, empty_state::empty_state,
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
