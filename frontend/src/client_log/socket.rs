//! The socket: what it says, said to whoever opened it.

use api_types::{client_log::Answer, routes};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::js::{self, Listener, listener};

/// An open socket, or one that is about to be. Closes when dropped.
pub struct Socket {
    socket: WebSocket,
    _opened: Listener,
    _said: Handler<MessageEvent>,
    _closed: Handler<CloseEvent>,
}

type Handler<E> = Closure<dyn FnMut(E)>;

impl Socket {
    /// Begins to open it. `None` where the browser refuses to.
    pub fn open(
        mut on_open: impl FnMut() + 'static,
        mut on_answer: impl FnMut(Answer) + 'static,
        mut on_close: impl FnMut(u16) + 'static,
    ) -> Option<Self> {
        let location = window().location();
        let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}", location.host().ok()?, routes::CLIENT_LOG);
        let socket = WebSocket::new(&url).ok()?;
        let opened = listener(move |_| on_open());
        let said = Handler::<MessageEvent>::new(move |event: MessageEvent| {
            if let Some(answer) = event.data().as_string().and_then(|text| serde_json::from_str(&text).ok()) {
                on_answer(answer);
            }
        });
        let closed = Handler::<CloseEvent>::new(move |event: CloseEvent| on_close(event.code()));
        _ = socket.add_event_listener_with_callback("open", opened.as_ref().unchecked_ref());
        socket.set_onmessage(Some(said.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Some(Self { socket, _opened: opened, _said: said, _closed: closed })
    }

    /// Lost while it is not open; it says itself that it closed.
    pub fn send(&self, text: String) {
        js::call(&self.socket, "send", &[text.into()]);
    }

    pub fn close(&self) {
        _ = self.socket.close();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        self.close();
    }
}
