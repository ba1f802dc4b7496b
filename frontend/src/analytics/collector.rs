//! Adds up and sends: from time to time, and when the page is left.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use api_types::{
    analytics::{AnalyticsBatch, AnalyticsItem, Counted, LARGEST_COUNT, MOST_ITEMS, PAGES},
    routes::{ANALYTICS, CSRF_HEADER},
};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

use super::{
    NOTED,
    consent::{self, Answer},
};
use crate::{
    api_client::log_answer,
    csrf_token::csrf_token,
    router::{Router, parts_of},
    ui::{effect::after, format, part_styles::part_styles},
};

/// Begins, where it may; asks before, where it has to.
pub fn start(router: Router) {
    if consent::browser_refuses() {
        return;
    }
    let Some(owner) = Owner::current() else { return };
    // Found no more once something was waited for, and what listens lives as long as it.
    let asker = owner.clone();
    let begin = move || owner.with(|| begin(router));
    match consent::answer() {
        _ if !consent::is_asked() => begin(),
        Answer::Yes => begin(),
        Answer::No => {}
        Answer::NotYet => spawn_local(async move {
            part_styles().await;
            asker.with(|| ask_where_counted(router, begin));
        }),
    }
}

/// Asks once, on the first page that would be counted: never in the operator's console.
fn ask_where_counted(router: Router, begin: impl Fn() + Clone + 'static) {
    let is_asked = Cell::new(false);
    let path = router.path();
    after(move || {
        let is_counted = path.with(|path| page_of(path).is_some());
        if is_counted && !is_asked.replace(true) {
            consent::ask(begin.clone());
        }
    });
}

const SEND_EVERY: Duration = Duration::from_secs(10);

type Sums = Rc<RefCell<Vec<(Counted, &'static str, u32)>>>;

fn begin(router: Router) {
    let sums = Sums::default();
    let path = router.path();
    let pages = sums.clone();
    after(move || {
        if let Some(page) = path.with(|path| page_of(path)) {
            add(&pages, Counted::Page, page);
        }
    });
    let later = send_wrapper::SendWrapper::new(sums.clone());
    if let Ok(timer) = set_interval_with_handle(move || send(&later), SEND_EVERY) {
        on_cleanup(move || timer.clear());
    }
    // Some browsers say only the one, some only the other.
    for event in ["pagehide", "visibilitychange"] {
        let sums = send_wrapper::SendWrapper::new(sums.clone());
        let leave = window_event_listener_untyped(event, move |_| {
            if event == "pagehide" || document().hidden() {
                send(&sums);
            }
        });
        on_cleanup(move || leave.remove());
    }
}

/// The template of an address that is counted.
fn page_of(path: &str) -> Option<&'static str> {
    PAGES.iter().find(|template| parts_of(template, path).is_some()).copied()
}

fn add(sums: &Sums, kind: Counted, name: &'static str) {
    let mut sums = sums.borrow_mut();
    let has_room = sums.len() < MOST_ITEMS;
    match sums.iter_mut().find(|(held, held_name, _)| *held == kind && *held_name == name) {
        Some((.., count)) => *count = (*count + 1).min(LARGEST_COUNT),
        None if has_room => sums.push((kind, name, 1)),
        None => {}
    }
}

/// Sends what there is, in a way that outlives the page. What did not arrive is sent again; what was refused is not.
fn send(sums: &Sums) {
    // An answer may have been taken back meanwhile.
    if consent::is_asked() && consent::answer() != Answer::Yes {
        sums.borrow_mut().clear();
        NOTED.take();
        return;
    }
    for (kind, name) in NOTED.take() {
        if let Some(name) = kind.known(&name) {
            add(sums, kind, name);
        }
    }
    let sent = std::mem::take(&mut *sums.borrow_mut());
    if sent.is_empty() {
        return;
    }
    let item = |(kind, name, count): &(Counted, &'static str, u32)| AnalyticsItem {
        kind: *kind,
        name: (*name).to_owned(),
        count: *count,
    };
    let batch = AnalyticsBatch { consented: true, items: sent.iter().map(item).collect() };
    let Ok(request) = request(&batch) else { return };
    let sent_at = format::now_ms();
    let answer = JsFuture::from(window().fetch_with_str_and_init(ANALYTICS, &request));
    let sums = sums.clone();
    spawn_local(async move {
        let is_worth_another_try = match answer.await {
            Ok(answer) => {
                let answer = answer.unchecked_into::<Response>();
                // What went well is nothing that anybody did.
                if !answer.ok() {
                    log_answer("POST", ANALYTICS, &answer, sent_at);
                }
                answer.status() >= 500
            }
            // Left or offline: the connection's own messages say so.
            Err(_) => true,
        };
        if is_worth_another_try {
            let mut sums = sums.borrow_mut();
            let room = MOST_ITEMS.saturating_sub(sums.len());
            sums.extend(sent.into_iter().take(room));
        }
    });
}

fn request(batch: &AnalyticsBatch) -> Result<RequestInit, JsValue> {
    let body = serde_json::to_string(batch).map_err(|_| JsValue::UNDEFINED)?;
    let headers = Headers::new()?;
    headers.set("content-type", "application/json")?;
    headers.set(CSRF_HEADER, &csrf_token())?;
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(&JsValue::from_str(&body));
    js_sys::Reflect::set(&request, &JsValue::from_str("keepalive"), &JsValue::TRUE)?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_counted_by_its_template() {
        assert_eq!(page_of("/projects/4f1d/servers"), Some("/projects/{project}/servers"));
        assert_eq!(page_of("/projects/4f1d/servers/new"), Some("/projects/{project}/servers/new"));
        assert_eq!(
            page_of("/projects/4f1d/servers/RegionOne/7d9f"),
            Some("/projects/{project}/servers/{region}/{server}")
        );
        assert_eq!(page_of("/operator/logs"), None);
        assert_eq!(page_of("/"), None);
    }

    #[test]
    fn sums_are_bounded() {
        let sums = Sums::default();
        for _ in 0..2 * LARGEST_COUNT {
            add(&sums, Counted::Shown, "delete");
        }
        assert_eq!(*sums.borrow(), [(Counted::Shown, "delete", LARGEST_COUNT)]);
    }
}
