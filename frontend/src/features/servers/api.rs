//! The servers' calls to the server: the stream of frames in its two forms, and asking a region again.

use api_types::{
    ProjectId, Region, ServerId, routes,
    servers::{ServerDetail, ServerHistory},
};
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, BinaryType, CloseEvent, MessageEvent, Response, WebSocket};

use crate::{
    api_client::{ApiError, Call, log_answer, refusal_of},
    cloud::calls::note_for_page,
    ui::format,
};

/// A streaming answer, received by `assets/scripts/boot.js` as fast as it comes.
pub struct Stream {
    feed: Feed,
    path: String,
    asked_at_ms: f64,
}

/// Everything known now, and what changes until the socket is there: what the page asked for while this program was still on its way, else asked for here.
///
/// Errors: the boot script is missing, as on no page of ours.
pub fn open_snapshot(project: &ProjectId) -> Result<Stream, ApiError> {
    if let Ok(Some(feed)) = boot_take_early(project.as_str()) {
        return Ok(Stream::of(feed, &routes::servers(project)));
    }
    if let Some(performance) = window().performance() {
        _ = performance.mark("servers:fetch");
    }
    open_stream(&format!("{}?follow=briefly", routes::servers(project)))
}

/// What changes from `position` on, for where sockets are refused.
///
/// Errors: as for [`open_snapshot`].
pub fn follow(project: &ProjectId, position: &str) -> Result<Stream, ApiError> {
    let position = js_sys::encode_uri_component(position);
    open_stream(&format!("{}?follow=true&position={position}", routes::servers(project)))
}

impl Stream {
    fn of(feed: Feed, path: &str) -> Self {
        Self { feed, path: path.to_owned(), asked_at_ms: format::now_ms() }
    }

    /// Waits for the head of the answer. The log hears of a refusal; that nothing came at all is told as the connection's
    /// loss, and a page that is left loses none.
    ///
    /// Errors: what the server refused with, or that it could not be reached.
    pub async fn opened(&self) -> Result<(), ApiError> {
        let answer = JsFuture::from(self.feed.answer()).await.map_err(|_| ApiError::Unreachable)?;
        let response: Response = answer.unchecked_into();
        log_answer("GET", &self.path, &response, self.asked_at_ms);
        if response.ok() { Ok(()) } else { Err(refusal_of(&response).await) }
    }

    /// The next piece; `None` at the end.
    ///
    /// Errors: it broke off.
    pub async fn read(&self) -> Result<Option<Uint8Array>, ApiError> {
        match JsFuture::from(self.feed.read()).await {
            Ok(piece) => Ok(piece.dyn_into().ok()),
            Err(_) => Err(ApiError::Unreachable),
        }
    }

    /// Lets go of it; the server stops working for it.
    pub fn cancel(&self) {
        self.feed.cancel();
    }
}

/// A WebSocket of frames. Closes when dropped.
pub struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

/// How a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketEnd {
    /// The server says that the session is over.
    SignedOut,
    Lost,
}

impl Socket {
    /// Opens the live stream from `position` on. `on_frame` is given each message, `on_end` comes once.
    ///
    /// Errors: the browser refuses to open it.
    pub fn open(
        project: &ProjectId,
        position: &str,
        mut on_frame: impl FnMut(Uint8Array) + 'static,
        mut on_end: impl FnMut(SocketEnd) + 'static,
    ) -> Result<Self, ApiError> {
        let url = socket_url(project, position).map_err(|_| ApiError::Unreachable)?;
        let socket = WebSocket::new(&url).map_err(|_| ApiError::Unreachable)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() {
                on_frame(Uint8Array::new(&buffer));
            }
        });
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            on_end(if event.code() == CLOSED_SESSION_ENDED { SocketEnd::SignedOut } else { SocketEnd::Lost });
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { socket, _on_message: on_message, _on_close: on_close })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        _ = self.socket.close();
    }
}

/// Asks a region again now, before its back-off is over.
///
/// Errors: all of [`ApiError`].
pub async fn retry_region(project: &ProjectId, region: &Region) -> Result<(), ApiError> {
    Call::post(routes::servers_retry(project, region)).done().await
}

/// Everything its region says about one server. Given up when `until` says so.
///
/// Errors: all of [`ApiError`]; 404 when it is no more.
pub async fn show_server(
    project: &ProjectId,
    region: &Region,
    server: &ServerId,
    until: Option<&AbortSignal>,
) -> Result<ServerDetail, ApiError> {
    let call = Call::get(routes::server(project, region, server));
    let call = match until {
        Some(signal) => call.until(signal),
        None => call,
    };
    let sent_at = format::now();
    let detail: ServerDetail = call.json().await?;
    note_for_page(region, sent_at, &detail.calls);
    Ok(detail)
}

/// What was done to a server through the panel. Given up when `until` says so.
///
/// Errors: all of [`ApiError`].
pub async fn server_history(
    project: &ProjectId,
    region: &Region,
    server: &ServerId,
    until: Option<&AbortSignal>,
) -> Result<ServerHistory, ApiError> {
    let call = Call::get(routes::server_history(project, region, server));
    match until {
        Some(signal) => call.until(signal).json().await,
        None => call.json().await,
    }
}

/// The close code by which the server says that the session is over.
const CLOSED_SESSION_ENDED: u16 = 4401;

fn socket_url(project: &ProjectId, position: &str) -> Result<String, JsValue> {
    let location = window().location();
    let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
    let (host, path) = (location.host()?, routes::servers_live(project));
    let position = js_sys::encode_uri_component(position);
    Ok(format!("{scheme}://{host}{path}?position={position}"))
}

fn open_stream(url: &str) -> Result<Stream, ApiError> {
    boot_open(url).map(|feed| Stream::of(feed, url)).map_err(|_| ApiError::Unreachable)
}

#[wasm_bindgen]
extern "C" {
    /// What the boot script offers as `window.meridian`.
    #[wasm_bindgen(js_namespace = ["window", "meridian"], js_name = open, catch)]
    fn boot_open(url: &str) -> Result<Feed, JsValue>;

    #[wasm_bindgen(js_namespace = ["window", "meridian"], js_name = takeEarly, catch)]
    fn boot_take_early(project: &str) -> Result<Option<Feed>, JsValue>;

    /// What its `open` gives.
    type Feed;

    #[wasm_bindgen(method, getter)]
    fn answer(this: &Feed) -> Promise;

    #[wasm_bindgen(method)]
    fn read(this: &Feed) -> Promise;

    #[wasm_bindgen(method)]
    fn cancel(this: &Feed);
}
