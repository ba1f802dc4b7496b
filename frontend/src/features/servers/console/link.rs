//! The socket to a console, kept up: a lost one is opened again, with a token of its own each time.

use std::{cell::RefCell, rc::Rc, time::Duration};

use api_types::servers::console::{CONSOLE_ENDED, ConsoleGreeting, NOT_OPENED, SESSION_OVER};
use js_sys::{ArrayBuffer, Uint8Array};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::ui::Held;

/// How it stands with a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    Connecting,
    Open,
    /// It was open, was lost, and is being opened again.
    Again,
    Refused(Why),
    /// The console itself has ended.
    Ended,
    /// The session has.
    Over,
}

/// Why a console was not opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    /// The cloud's own words.
    pub words: String,
}

/// What comes from a console.
pub enum Event {
    /// A new connection: what was shown before is over.
    Opened,
    Said(Vec<u8>),
    /// The connection is gone.
    Lost,
}

/// A console's connection. Closes when the owner it was made under goes. Cheap to clone.
#[derive(Clone)]
pub struct Link(Rc<Inner>);

struct Inner {
    path: String,
    state: Held<LinkState>,
    on_event: Box<dyn Fn(Event)>,
    socket: RefCell<Option<Socket>>,
    waiting: RefCell<Option<TimeoutHandle>>,
    failures: std::cell::Cell<u32>,
}

struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Link {
    /// Connects to an own path, for as long as the calling component lives.
    pub fn open(path: String, on_event: impl Fn(Event) + 'static) -> Self {
        let link = Self(Rc::new(Inner {
            path,
            state: Held::new(LinkState::Connecting),
            on_event: Box::new(on_event),
            socket: RefCell::default(),
            waiting: RefCell::default(),
            failures: std::cell::Cell::default(),
        }));
        link.connect();
        let closing = send_wrapper::SendWrapper::new(link.clone());
        on_cleanup(move || closing.close());
        link
    }

    pub fn state(&self) -> Held<LinkState> {
        self.0.state
    }

    /// Says something to the console; lost while it is not open.
    pub fn send(&self, bytes: &[u8]) {
        if let Some(socket) = &*self.0.socket.borrow() {
            // The panel takes at most 64 KiB at once.
            for piece in bytes.chunks(32 << 10) {
                _ = socket.socket.send_with_u8_array(piece);
            }
        }
    }

    /// Connects anew, because somebody asked to.
    pub fn again(&self) {
        self.close();
        self.0.failures.set(0);
        self.0.state.set_if_new(LinkState::Connecting);
        self.connect();
    }

    fn close(&self) {
        if let Some(waiting) = self.0.waiting.take() {
            waiting.clear();
        }
        // Out of the cell first: closing may call back.
        let socket = self.0.socket.take();
        drop(socket);
    }

    fn connect(&self) {
        let Ok(socket) = url_of(&self.0.path).and_then(|url| WebSocket::new(&url)) else {
            self.lost();
            return;
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let inner = Rc::downgrade(&self.0);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(inner) = inner.upgrade() {
                Self(inner).take(&event.data());
            }
        });
        let inner = Rc::downgrade(&self.0);
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            if let Some(inner) = inner.upgrade() {
                Self(inner).closed(event.code());
            }
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        *self.0.socket.borrow_mut() = Some(Socket { socket, _on_message: on_message, _on_close: on_close });
    }

    fn take(&self, data: &JsValue) {
        if let Some(text) = data.as_string() {
            match serde_json::from_str(&text) {
                Ok(ConsoleGreeting::Open) => {
                    self.0.failures.set(0);
                    self.0.state.set_if_new(LinkState::Open);
                    (self.0.on_event)(Event::Opened);
                }
                Ok(ConsoleGreeting::Refused { error, upstream_message }) => {
                    let request_id = Some(error.request_id).filter(|id| !id.is_empty());
                    let words = upstream_message.unwrap_or_default();
                    let why = Why { code: error.code, message: error.message, request_id, words };
                    self.0.state.set_if_new(LinkState::Refused(why));
                }
                Err(_) => {}
            }
        } else if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
            (self.0.on_event)(Event::Said(Uint8Array::new(buffer).to_vec()));
        }
    }

    fn closed(&self, code: u16) {
        let socket = self.0.socket.take();
        (self.0.on_event)(Event::Lost);
        match code {
            SESSION_OVER => self.0.state.set_if_new(LinkState::Over),
            CONSOLE_ENDED => self.0.state.set_if_new(LinkState::Ended),
            NOT_OPENED => {}
            _ => self.lost(),
        }
        // The closure that runs now is in it: it goes when this task is over.
        leptos::task::spawn_local(async move { drop(socket) });
    }

    fn lost(&self) {
        let failures = self.0.failures.get();
        self.0.failures.set(failures.saturating_add(1));
        self.0.state.set_if_new(LinkState::Again);
        let inner = Rc::downgrade(&self.0);
        let connect = move || {
            if let Some(inner) = inner.upgrade() {
                inner.waiting.take();
                Self(inner).connect();
            }
        };
        let wait = wait_ms(failures, js_sys::Math::random());
        let waiting = set_timeout_with_handle(connect, Duration::from_millis(u64::from(wait)));
        *self.0.waiting.borrow_mut() = waiting.ok();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        _ = self.socket.close();
    }
}

/// Twice as long each time, up to half a minute, and never all browsers at the same moment.
fn wait_ms(failures: u32, random: f64) -> u32 {
    let longest = 500_u32.saturating_mul(1 << failures.min(6)).min(30_000);
    (f64::from(longest) * (0.5 + random / 2.0)) as u32
}

fn url_of(path: &str) -> Result<String, JsValue> {
    let location = window().location();
    let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
    Ok(format!("{scheme}://{}{path}", location.host()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connecting_again_takes_its_time_and_never_more_than_half_a_minute() {
        assert_eq!(wait_ms(0, 0.0), 250);
        assert_eq!(wait_ms(0, 1.0), 500);
        assert_eq!(wait_ms(3, 1.0), 4_000);
        assert_eq!(wait_ms(u32::MAX, 1.0), 30_000);
    }
}
