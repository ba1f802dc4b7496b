//! The uploads of this document: they go on while other pages are looked at, and the browser asks before the document
//! is closed over them.

use std::{cell::RefCell, rc::Rc};

use leptos::{
    prelude::{ArcRwSignal, GetUntracked, Set, Track, set_timeout, window},
    task::spawn_local,
};
use send_wrapper::SendWrapper;
use serde::Deserialize;
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Event, File, ProgressEvent, XmlHttpRequest};

use super::{
    texts,
    upload::{Found, Next, Phase, Upload, found_of, next_after, pause_ms},
};
use crate::{
    api_client::log_call,
    cloud::{
        ANSWER_HEADER, Cloud, CloudError, PROJECT_HEADER, Service, UPSTREAM_REQUEST_ID_HEADER,
        calls::{MadeCall, note},
        encoded,
    },
    csrf_token::csrf_token,
    ui::format,
};

struct Running {
    upload: Upload,
    file: File,
    body: Value,
    request: Option<XmlHttpRequest>,
}

/// Follows what the uploads do.
pub fn track() {
    VERSION.with(|version| version.track());
}

/// The keys of all of this document, the latest first.
pub fn keys() -> Vec<u32> {
    RUNNING.with_borrow(|running| running.iter().rev().map(|running| running.upload.key).collect())
}

/// One of them, as long as it is on the list.
pub fn one(key: u32) -> Option<Upload> {
    RUNNING.with_borrow(|running| {
        running.iter().find(|running| running.upload.key == key).map(|running| running.upload.clone())
    })
}

/// Begins an upload. `body` is what the image's record is made of.
pub fn start(cloud: Cloud, name: String, body: Value, file: File) {
    let key = RUNNING
        .with_borrow(|running| running.iter().map(|running| running.upload.key + 1).max().unwrap_or(0));
    let size = file.size() as u64;
    let upload = Upload {
        key,
        name,
        cloud,
        phase: Phase::Creating,
        size,
        restarts: 0,
        began_ms: format::now_ms(),
        error: None,
        image: None,
        tries: 0,
    };
    RUNNING.with_borrow_mut(|running| running.push(Running { upload, file, body, request: None }));
    changed();
    hold_document();
    create(key);
}

/// Stops an upload and takes its record away.
pub fn cancel(key: u32) {
    let stopped = change(key, |running| {
        running.upload.phase = Phase::Cancelled;
        (running.request.take(), running.upload.cloud.clone(), running.upload.image.clone())
    });
    let Some((request, cloud, image)) = stopped else { return };
    if let Some(request) = request {
        _ = request.abort();
    }
    if let Some(image) = image {
        spawn_local(async move {
            let deleted = cloud.delete(Service::Image, &format!("images/{}", encoded(&image))).done().await;
            if let Err(error) = deleted
                && error.status() != Some(404)
            {
                change(key, |running| running.upload.error = Some(error));
            }
            FINISHED.with(|finished| finished.set(finished.get_untracked().wrapping_add(1)));
        });
    }
}

/// Tries again now, whether it waits or has given up.
pub fn try_again(key: u32) {
    let has_image = change(key, |running| {
        running.upload.tries = 0;
        running.upload.error = None;
        running.upload.image.is_some()
    });
    match has_image {
        Some(true) => look(key),
        Some(false) => create(key),
        None => {}
    }
}

/// Takes one that is over off the list.
pub fn dismiss(key: u32) {
    RUNNING.with_borrow_mut(|running| {
        running.retain(|running| running.upload.key != key || running.upload.phase.is_going_on())
    });
    changed();
}

/// Counts up when an upload has changed what a region has.
pub fn finished() {
    FINISHED.with(|finished| finished.track());
}

thread_local! {
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
    // Without an owner: no page that is left takes them along.
    static VERSION: ArcRwSignal<u32> = ArcRwSignal::new(0);
    static FINISHED: ArcRwSignal<u32> = ArcRwSignal::new(0);
    static IS_HELD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn changed() {
    VERSION.with(|version| version.set(version.get_untracked().wrapping_add(1)));
}

fn change<T>(key: u32, change: impl FnOnce(&mut Running) -> T) -> Option<T> {
    let result = RUNNING
        .with_borrow_mut(|running| running.iter_mut().find(|running| running.upload.key == key).map(change));
    changed();
    result
}

fn phase_of(key: u32) -> Option<Phase> {
    one(key).map(|upload| upload.phase)
}

/// The browser asks before a document is closed that still sends something.
fn hold_document() {
    if IS_HELD.replace(true) {
        return;
    }
    let ask = Closure::<dyn Fn(Event)>::new(|event: Event| {
        if keys().into_iter().filter_map(one).any(|upload| upload.phase.is_going_on()) {
            event.prevent_default();
        }
    });
    _ = window().add_event_listener_with_callback("beforeunload", ask.as_ref().unchecked_ref());
    let online = Closure::<dyn Fn()>::new(|| {
        for upload in keys().into_iter().filter_map(one) {
            if matches!(upload.phase, Phase::Waiting { .. }) {
                look(upload.key);
            }
        }
    });
    _ = window().add_event_listener_with_callback("online", online.as_ref().unchecked_ref());
    // As long as the document.
    ask.forget();
    online.forget();
}

fn create(key: u32) {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    let order = change(key, |running| {
        running.upload.phase = Phase::Creating;
        (running.upload.cloud.clone(), running.body.clone())
    });
    let Some((cloud, body)) = order else { return };
    spawn_local(async move {
        match cloud.post(Service::Image, "images").body(&body).json::<Made>().await {
            Ok(made) => {
                let phase = change(key, |running| {
                    running.upload.image = Some(made.id.clone());
                    running.upload.phase.clone()
                });
                if phase == Some(Phase::Cancelled) {
                    cancel(key);
                } else {
                    send(key);
                }
            }
            Err(error) => fail(key, error),
        }
    });
}

fn fail(key: u32, error: CloudError) {
    change(key, |running| {
        if running.upload.phase != Phase::Cancelled {
            running.upload.phase = Phase::Failed(error.message());
            running.upload.error = Some(error);
            running.request = None;
        }
    });
}

/// Sends the file from its first byte.
fn send(key: u32) {
    let sending = RUNNING.with_borrow(|running| {
        let running = running.iter().find(|running| running.upload.key == key)?;
        Some((running.upload.cloud.clone(), running.upload.image.clone()?, running.file.clone()))
    });
    let Some((cloud, image, file)) = sending else { return };
    if phase_of(key) == Some(Phase::Cancelled) {
        return;
    }
    let path = format!("images/{}/file", encoded(&image));
    match begin(key, &cloud, &path, &file) {
        Ok(request) => {
            change(key, |running| {
                running.request = Some(request);
                running.upload.phase = Phase::Sending { sent: 0 };
                running.upload.began_ms = format::now_ms();
            });
        }
        Err(_) => lost(key),
    }
}

fn begin(key: u32, cloud: &Cloud, path: &str, file: &File) -> Result<XmlHttpRequest, JsValue> {
    // `fetch` does not tell how much has left.
    let request = XmlHttpRequest::new()?;
    request.open("PUT", &cloud.url(Service::Image, path))?;
    request.set_request_header("content-type", "application/octet-stream")?;
    request.set_request_header("accept", "application/json")?;
    request.set_request_header(PROJECT_HEADER, cloud.project.as_str())?;
    request.set_request_header(api_types::routes::CSRF_HEADER, &csrf_token())?;
    let is_over = Rc::new(std::cell::Cell::new(false));
    let progress = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
        let (sent, total) = (event.loaded() as u64, event.total() as u64);
        change(key, |running| {
            if matches!(running.upload.phase, Phase::Sending { .. }) {
                running.upload.tries = if sent > 0 { 0 } else { running.upload.tries };
                running.upload.phase =
                    if sent >= total && total > 0 { Phase::Finishing } else { Phase::Sending { sent } };
            }
        });
    });
    request.upload()?.set_onprogress(Some(progress.as_ref().unchecked_ref()));
    let sent = Sent {
        made: MadeCall::new("PUT", cloud.region.clone(), Service::Image, path),
        path: cloud.url(Service::Image, path),
        at_ms: format::now_ms(),
    };
    let ended = {
        let (request, is_over) = (request.clone(), is_over.clone());
        // Holds the other closure for as long as it may be called.
        let progress = SendWrapper::new(progress);
        Closure::once(move |_: Event| {
            if is_over.replace(true) {
                return;
            }
            drop(progress);
            answered(key, &request, sent);
        })
    };
    request.set_onloadend(Some(ended.as_ref().unchecked_ref()));
    ended.forget();
    request.send_with_opt_blob(Some(file))?;
    Ok(request)
}

/// A file on its way.
struct Sent {
    made: MadeCall,
    /// The panel's own.
    path: String,
    at_ms: f64,
}

fn answered(key: u32, request: &XmlHttpRequest, Sent { mut made, path, at_ms }: Sent) {
    let status = request.status().unwrap_or_default();
    let header =
        |name: &str| request.get_response_header(name).ok().flatten().filter(|text| !text.is_empty());
    made.status = (status > 0).then_some(status);
    made.request_id = header(api_types::routes::REQUEST_ID_HEADER);
    made.upstream_request_id = header(UPSTREAM_REQUEST_ID_HEADER);
    made.duration_ms = (format::now() - made.sent_at).max(0) as u32 * 1000;
    let ids = [made.request_id.clone(), made.upstream_request_id.clone()];
    note(made);
    if phase_of(key).is_none_or(|phase| phase == Phase::Cancelled) {
        return;
    }
    log_call("PUT", &path, status, ids[0].as_deref(), at_ms);
    match status {
        200..300 => done(key),
        // Nothing came back, or something on the way gave up.
        0 | 408 | 429 | 500.. => lost(key),
        _ => {
            let text = request.response_text().ok().flatten().unwrap_or_default();
            fail(key, CloudError::of_answer(status, &text, header(ANSWER_HEADER).is_some(), ids));
        }
    }
}

fn done(key: u32) {
    change(key, |running| {
        running.upload.phase = Phase::Done;
        running.request = None;
    });
    FINISHED.with(|finished| finished.set(finished.get_untracked().wrapping_add(1)));
}

/// Waits, then asks what became of it.
fn lost(key: u32) {
    let pause = change(key, |running| {
        running.request = None;
        let pause = pause_ms(running.upload.tries);
        running.upload.tries += 1;
        running.upload.phase = Phase::Waiting { until_ms: format::now_ms() + pause };
        pause
    });
    let Some(pause) = pause else { return };
    set_timeout(
        move || {
            if matches!(phase_of(key), Some(Phase::Waiting { until_ms }) if until_ms <= format::now_ms() + 5.0)
            {
                look(key);
            }
        },
        std::time::Duration::from_millis(pause as u64),
    );
}

fn look(key: u32) {
    let place = RUNNING.with_borrow(|running| {
        let running = running.iter().find(|running| running.upload.key == key)?;
        Some((running.upload.cloud.clone(), running.upload.image.clone()?, running.upload.tries))
    });
    let Some((cloud, image, tries)) = place else { return };
    spawn_local(async move {
        #[derive(Deserialize)]
        struct State {
            status: String,
        }
        let shown = cloud.get(Service::Image, &format!("images/{}", encoded(&image))).json::<State>().await;
        let found = match &shown {
            Ok(state) => found_of(&state.status),
            Err(error) if error.status() == Some(404) => Found::Lost,
            Err(_) => Found::Unknown,
        };
        if !phase_of(key).is_some_and(|phase| matches!(phase, Phase::Waiting { .. } | Phase::Failed(_))) {
            return;
        }
        match next_after(found, tries) {
            Next::Send => {
                change(key, |running| running.upload.restarts += 1);
                send(key);
            }
            Next::Wait => lost(key),
            Next::Done => done(key),
            Next::GiveUp => {
                change(key, |running| {
                    let words = match found {
                        Found::Lost => texts::NO_LONGER_THERE,
                        _ => texts::LOST_TOO_OFTEN,
                    };
                    running.upload.phase = Phase::Failed(words.to_owned());
                    running.upload.error = shown.err();
                });
            }
        }
    });
}

/// What the record of an image is made of.
pub struct NewImage {
    pub name: String,
    pub disk_format: String,
    pub visibility: &'static str,
    pub min_disk_gib: u32,
    pub min_ram_mib: u32,
    pub family: String,
    pub version: String,
}

impl NewImage {
    /// Source: image API, create image.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "name": self.name,
            "disk_format": self.disk_format,
            "container_format": "bare",
            "visibility": self.visibility,
            "min_disk": self.min_disk_gib,
            "min_ram": self.min_ram_mib,
        });
        for (key, value) in [("os_distro", &self.family), ("os_version", &self.version)] {
            if !value.trim().is_empty() {
                body[key] = json!(value.trim());
            }
        }
        body
    }
}
