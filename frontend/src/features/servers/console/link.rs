//! The socket to a console, kept up: a lost one is opened again, with a token of its own each time.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use api_types::{
    ErrorBody,
    servers::console::{CONSOLE_ENDED, ConsoleGreeting, NOT_OPENED, SESSION_OVER},
};
use js_sys::{ArrayBuffer, Uint8Array};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::{
    api_client::{ApiError, Call},
    client_log::{Kind, Level, log},
    session::use_session,
    ui::{Held, effect::after_change, format},
};

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
    failures: Cell<u32>,
    /// When the panel said that the present connection is open, in milliseconds.
    opened_at: Cell<Option<f64>>,
    has_been_open: Cell<bool>,
    /// Another one each time a connection is begun or given up: what was asked about an earlier one is void.
    attempt: Cell<u32>,
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
            failures: Cell::default(),
            opened_at: Cell::default(),
            has_been_open: Cell::default(),
            attempt: Cell::default(),
        }));
        link.connect();
        let (renewals, renewed) = (use_session().renewals(), link.clone());
        after_change(
            move || renewals.track(),
            move || {
                if renewed.0.state.get_untracked() == LinkState::Over {
                    renewed.again();
                }
            },
        );
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
        self.next_attempt();
        self.0.opened_at.take();
        if let Some(waiting) = self.0.waiting.take() {
            waiting.clear();
        }
        // Out of the cell first: closing may call back.
        let socket = self.0.socket.take();
        drop(socket);
    }

    /// The number of what begins now.
    fn next_attempt(&self) -> u32 {
        let attempt = self.0.attempt.get().wrapping_add(1);
        self.0.attempt.set(attempt);
        attempt
    }

    fn connect(&self) {
        self.next_attempt();
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
                    self.0.opened_at.set(Some(format::now_ms()));
                    if self.0.has_been_open.replace(true) {
                        log(Level::Info, Kind::Connection, "A console is connected again.", &[]);
                    }
                    self.0.state.set_if_new(LinkState::Open);
                    (self.0.on_event)(Event::Opened);
                }
                Ok(ConsoleGreeting::Refused { error, upstream_message }) => {
                    let why = Why { words: upstream_message.unwrap_or_default(), ..Why::of(error) };
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
        let opened_at = self.0.opened_at.take();
        (self.0.on_event)(Event::Lost);
        match (code, opened_at) {
            (SESSION_OVER, _) => self.0.state.set_if_new(LinkState::Over),
            (CONSOLE_ENDED, _) => self.0.state.set_if_new(LinkState::Ended),
            (NOT_OPENED, _) => {}
            (_, Some(opened_at)) => {
                // One that breaks at once each time is not to be asked for at once each time.
                if format::now_ms() - opened_at >= STEADY_MS {
                    self.0.failures.set(0);
                }
                self.lost();
            }
            (_, None) => self.ask_why(),
        }
        // The closure that runs now is in it: it goes when this task is over.
        spawn_local(async move { drop(socket) });
    }

    /// No script is told why a socket was refused. The same, asked without one, is answered with the reason.
    fn ask_why(&self) {
        let attempt = self.next_attempt();
        let asking = Call::get(self.0.path.clone()).done();
        let inner = Rc::downgrade(&self.0);
        spawn_local(async move {
            let answer = asking.await;
            let Some(link) = inner.upgrade().map(Self).filter(|link| link.0.attempt.get() == attempt) else {
                return;
            };
            match refusal(answer) {
                None => link.lost(),
                Some(state) => link.0.state.set_if_new(state),
            }
        });
    }

    fn lost(&self) {
        log(Level::Warn, Kind::Connection, "A console has no connection.", &[]);
        let failures = self.0.failures.get();
        self.0.failures.set(failures.saturating_add(1));
        let has_been_open = self.0.has_been_open.get();
        self.0.state.set_if_new(if has_been_open { LinkState::Again } else { LinkState::Connecting });
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

impl Why {
    fn of(error: ErrorBody) -> Self {
        Self {
            code: error.code,
            message: error.message,
            request_id: Some(error.request_id).filter(|id| !id.is_empty()),
            words: String::new(),
        }
    }
}

/// What it means for a console that the panel answered so; `None` where connecting again may help.
fn refusal(answer: Result<(), ApiError>) -> Option<LinkState> {
    match answer {
        // The session has been told, and asks.
        Err(ApiError::Refused { status: 401, .. }) => Some(LinkState::Over),
        // It would have been opened by now.
        Err(ApiError::Refused { status: 426, .. }) => None,
        Err(ApiError::Refused { status: 400..500, body }) => Some(LinkState::Refused(Why::of(body))),
        Ok(()) | Err(_) => None,
    }
}

/// A connection that held so long was a good one.
const STEADY_MS: f64 = 10_000.0;

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

    fn refused(status: u16, code: &str) -> Result<(), ApiError> {
        let body = ErrorBody {
            code: code.to_owned(),
            message: "No.".to_owned(),
            request_id: "r-1".to_owned(),
            retry_after_secs: None,
        };
        Err(ApiError::Refused { status, body })
    }

    #[test]
    fn a_refusal_that_stays_one_is_told_and_all_else_is_tried_again() {
        let why = Why {
            code: "too_many_streams".to_owned(),
            message: "No.".to_owned(),
            request_id: Some("r-1".to_owned()),
            words: String::new(),
        };
        assert_eq!(refusal(refused(429, "too_many_streams")), Some(LinkState::Refused(why)));
        assert_eq!(refusal(refused(401, "session_ended")), Some(LinkState::Over));
        for passing in
            [refused(426, "upgrade_required"), refused(503, "x"), Err(ApiError::Unreachable), Ok(())]
        {
            assert_eq!(refusal(passing), None);
        }
    }

    #[test]
    fn connecting_again_takes_its_time_and_never_more_than_half_a_minute() {
        assert_eq!(wait_ms(0, 0.0), 250);
        assert_eq!(wait_ms(0, 1.0), 500);
        assert_eq!(wait_ms(3, 1.0), 4_000);
        assert_eq!(wait_ms(u32::MAX, 1.0), 30_000);
    }
}
