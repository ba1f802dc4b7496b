//! Whether the person at this browser agreed. Their answer stays in the browser.

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;
use web_sys::{Element, Storage};

use super::{MARK, texts};
use crate::ui::{
    El,
    choice::{button, check_with},
    el, use_announcer,
};

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    NotYet,
}

/// The panel asks people before it counts.
pub fn is_asked() -> bool {
    attribute(MARK).as_deref() == Some("ask")
}

/// Do Not Track or Global Privacy Control.
pub fn browser_refuses() -> bool {
    let said = |name: &str| js_sys::Reflect::get(&window().navigator(), &JsValue::from_str(name)).ok();
    let dnt = said("doNotTrack").and_then(|value| value.as_string());
    let gpc = said("globalPrivacyControl").and_then(|value| value.as_bool());
    dnt.as_deref() == Some("1") || gpc == Some(true)
}

pub fn answer() -> Answer {
    match storage().and_then(|kept| kept.get_item(KEY).ok().flatten()).as_deref() {
        Some("yes") => Answer::Yes,
        Some("no") => Answer::No,
        _ => Answer::NotYet,
    }
}

/// Asks below the page, and stands in nobody's way. `done` hears of a yes.
pub fn ask(done: impl Fn() + Clone + 'static) {
    let place: SendWrapper<std::cell::RefCell<Option<Element>>> = SendWrapper::new(None.into());
    let place = std::rc::Rc::new(place);
    let decide = |answer: &'static str| {
        let (place, done) = (place.clone(), done.clone());
        move || {
            keep(answer);
            if let Some(notice) = place.borrow_mut().take() {
                notice.remove();
            }
            if answer == "yes" {
                done();
            }
        }
    };
    let buttons = el("div")
        .class("form-actions")
        .child(button("button", texts::ALLOW, decide("yes")))
        .child(button("button", texts::REFUSE, decide("no")));
    let note = [texts::kept(&days()), texts::CHANGE.to_owned()].join(" ");
    let asked = el("div")
        .class("analytics-asked")
        .child(el("p").text(texts::ASK))
        .child(el("p").class("field-note").text(&note));
    let notice = el("section")
        .class("analytics-notice")
        .attr("role", "region")
        .attr("aria-label", texts::TITLE)
        .attr("data-testid", "analytics-notice")
        .child(asked)
        .child(buttons);
    if let Ok(Some(frame)) = document().query_selector(".frame")
        && frame.append_child(notice.element()).is_ok()
    {
        *place.borrow_mut() = Some(notice.element().clone());
        // It takes nobody's focus, so it is said where it is to be found.
        use_announcer().say([texts::TITLE, texts::ASK].join(". "));
    }
}

/// The choice, for a page of one's own settings; `None` where nothing is counted, or nobody is asked.
pub fn consent_choice() -> Option<El> {
    if !is_asked() {
        return None;
    }
    if browser_refuses() {
        return Some(el("p").class("page-about").text(texts::BROWSER_REFUSES));
    }
    let is_given = RwSignal::new(answer() == Answer::Yes);
    let choose = move |is_on: bool| {
        is_given.set(is_on);
        keep(if is_on { "yes" } else { "no" });
    };
    let note = texts::kept(&days());
    Some(
        el("section")
            .class("card analytics-choice")
            .attr("data-testid", "analytics-choice")
            .child(el("h2").text(texts::TITLE))
            .child(check_with(texts::CHOICE, Some(&note), move || is_given.get(), choose)),
    )
}

const KEY: &str = "meridian.analytics";

fn days() -> String {
    attribute("data-analytics-days").unwrap_or_default()
}

fn keep(answer: &str) {
    if let Some(kept) = storage() {
        _ = kept.set_item(KEY, answer);
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn attribute(name: &str) -> Option<String> {
    document().document_element()?.get_attribute(name)
}
