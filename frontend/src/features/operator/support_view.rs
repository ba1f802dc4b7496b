//! What the server wrote over every page of a support view, kept true: the time left, its end, and which pages were
//! opened, for the log.

use std::time::Duration;

use api_types::{operator::support_views::SupportViewPage, routes};
use leptos::{prelude::*, task::spawn_local};
use web_sys::Element;

use super::texts;
use crate::{
    api_client::Call,
    router::Router,
    ui::{effect::after, format},
};

/// Where the server put it.
const PLACE: &str = "support-view";

/// Follows the time and the pages for as long as the document lives.
pub fn watch(router: Router) {
    let Some(place) = document().get_element_by_id(PLACE) else { return };
    let left = place.get_attribute("data-seconds").and_then(|left| left.parse::<i64>().ok());
    let Some(left) = left else { return };
    let until = format::now() + left;
    show_left(&place, until);
    let tick = {
        let place = send_wrapper::SendWrapper::new(place);
        move || show_left(&place, until)
    };
    if let Ok(timer) = set_interval_with_handle(tick, Duration::from_secs(1)) {
        on_cleanup(move || timer.clear());
    }
    let path = router.path();
    after(move || {
        let path = path.get();
        spawn_local(async move {
            // The view may be over; then there is nothing to write down.
            _ = Call::post(routes::OPERATOR_SUPPORT_VIEW_PAGES).body(&SupportViewPage { path }).done().await;
        });
    });
}

fn show_left(place: &Element, until: i64) {
    let left = u64::try_from(until - format::now()).unwrap_or_default();
    let text = if left > 0 { texts::time_left(&format::countdown(left)) } else { texts::OVER.to_owned() };
    // Said aloud each second it would be noise: the whole is a status, this part of it is not.
    if let Ok(Some(shown)) = place.query_selector("[data-left]") {
        _ = shown.set_attribute("aria-live", "off");
        if shown.text_content().as_deref() != Some(&text) {
            shown.set_text_content(Some(&text));
        }
    }
    if left == 0 {
        _ = place.set_attribute("data-over", "");
    }
}
