//! The server's screen, by the RFB protocol.

use std::{cell::RefCell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, split},
    sync::mpsc,
};
use vnc::{
    ClientKeyEvent, ClientMouseEvent, PixelFormat, Rect, VncClient, VncConnector, VncEncoding, VncEvent,
    X11Event,
};
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{
    CanvasRenderingContext2d, HtmlCanvasElement, ImageData, KeyboardEvent, MouseEvent, WheelEvent,
};

use super::{
    frame::status,
    keys::{KeysDown, Pressed, keysym, keysyms, leaves},
    link::{Event, Link},
    texts,
    touch_keyboard::{keyboard_button, touch_keyboard},
};
use crate::ui::{BannerKind, El, banner::text_banner, copy_button::clipboard_text, el, use_toasts};

/// The screen behind an own path.
pub fn screen(path: String) -> El {
    let canvas = el("canvas")
        .class("screen")
        .attr("tabindex", "0")
        .attr("role", "img")
        .attr("aria-label", texts::SCREEN_LABEL)
        .attr("data-testid", "screen")
        .attr("width", "720")
        .attr("height", "400");
    let view = Rc::new(View {
        canvas: canvas.element().clone().unchecked_into(),
        session: RefCell::default(),
        keys_down: RefCell::default(),
        buttons: std::cell::Cell::new(0),
        is_babel: RwSignal::new(false),
    });
    let link: Rc<RefCell<Option<Link>>> = Rc::default();
    let (viewed, linked) = (view.clone(), link.clone());
    let opened = Link::open(path, move |event| match event {
        Event::Opened => {
            if let Some(link) = linked.borrow().clone() {
                viewed.begin(link);
            }
        }
        Event::Said(bytes) => viewed.take(bytes),
        Event::Lost => viewed.end(),
    });
    *link.borrow_mut() = Some(opened.clone());
    let ending = send_wrapper::SendWrapper::new((view.clone(), link));
    on_cleanup(move || {
        let (view, link) = ending.take();
        view.end();
        // The link's own closure holds this cell: emptied, neither keeps the other.
        link.take();
    });

    let is_babel = view.is_babel;
    let canvas = listen_to_keys(listen_to_pointer(canvas, &view), &view);
    let touched = view.clone();
    let keyboard = touch_keyboard(texts::SCREEN_LABEL, move |typed| touched.type_text(typed));
    let bar = el("div")
        .class("console-bar")
        .child(status(&opened))
        .child(el("div").attr("role", "status").live_children(move || babel(is_babel.get())))
        .child(keys_button(&view))
        .child(paste_button(&view))
        .child(keyboard_button(keyboard.html().clone()))
        .child(el("p").class("hint").text(texts::KEYS_HINT));
    el("div")
        .class("live-console")
        .child(bar)
        .child(el("div").class("screen-holder").child(canvas).child(keyboard))
}

struct View {
    canvas: HtmlCanvasElement,
    session: RefCell<Option<Session>>,
    keys_down: RefCell<KeysDown>,
    /// The mouse's buttons that are down, as RFB counts them.
    buttons: std::cell::Cell<u8>,
    /// What the server's side says could not be understood.
    is_babel: RwSignal<bool>,
}

/// One connection's conversation. Ends when dropped.
struct Session {
    said: mpsc::UnboundedSender<Vec<u8>>,
    input: mpsc::UnboundedSender<X11Event>,
}

/// What waits between the socket and the protocol.
const PIPE_BYTES: usize = 1 << 20;

impl View {
    fn begin(self: &Rc<Self>, link: Link) {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let (said, from_console) = mpsc::unbounded_channel();
        let (input, inputs) = mpsc::unbounded_channel();
        *self.session.borrow_mut() = Some(Session { said, input });
        carry(near, from_console, link);
        spawn_local(run(self.clone(), far, inputs));
    }

    fn end(&self) {
        self.session.take();
        // Another session knows of none of them.
        self.keys_down.take();
        self.buttons.set(0);
    }

    fn take(&self, bytes: Vec<u8>) {
        if let Some(session) = &*self.session.borrow() {
            _ = session.said.send(bytes);
        }
    }

    fn input(&self, event: X11Event) {
        if let Some(session) = &*self.session.borrow() {
            _ = session.input.send(event);
        }
    }

    fn key(&self, keysym: u32, is_down: bool) {
        self.input(X11Event::KeyEvent(ClientKeyEvent { keycode: keysym, down: is_down }));
    }

    /// Lets go of everything that is held down: from now on nobody hears when it goes up.
    fn release_keys(&self) {
        let down = self.keys_down.borrow_mut().release_all();
        down.into_iter().for_each(|keysym| self.key(keysym, false));
    }

    fn type_text(&self, text: &str) {
        for keysym in keysyms(text) {
            self.key(keysym, true);
            self.key(keysym, false);
        }
    }

    fn pointer(&self, event: &MouseEvent, buttons: u8) {
        let shown = self.canvas.get_bounding_client_rect();
        let (width, height) = (f64::from(self.canvas.width()), f64::from(self.canvas.height()));
        let place = |offset: f64, shown: f64, real: f64| {
            (offset / shown.max(1.0) * real).clamp(0.0, (real - 1.0).max(0.0)) as u16
        };
        let x = place(f64::from(event.client_x()) - shown.left(), shown.width(), width);
        let y = place(f64::from(event.client_y()) - shown.top(), shown.height(), height);
        self.buttons.set(buttons);
        self.input(X11Event::PointerEvent(ClientMouseEvent {
            position_x: x,
            position_y: y,
            bottons: buttons,
        }));
    }

    fn context(&self) -> Option<CanvasRenderingContext2d> {
        self.canvas.get_context("2d").ok().flatten()?.dyn_into().ok()
    }

    fn draw(&self, event: VncEvent) {
        match event {
            VncEvent::SetResolution(size) => {
                self.canvas.set_width(u32::from(size.width));
                self.canvas.set_height(u32::from(size.height));
            }
            VncEvent::RawImage(rect, mut pixels) => self.draw_pixels(rect, &mut pixels),
            VncEvent::Copy(to, from) => {
                let Some(context) = self.context() else { return };
                _ = context.draw_image_with_html_canvas_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                    &self.canvas,
                    f64::from(from.x),
                    f64::from(from.y),
                    f64::from(from.width),
                    f64::from(from.height),
                    f64::from(to.x),
                    f64::from(to.y),
                    f64::from(to.width),
                    f64::from(to.height),
                );
            }
            _ => {}
        }
    }

    fn draw_pixels(&self, rect: Rect, pixels: &mut [u8]) {
        // The fourth byte is padding to RFB and opacity to the canvas.
        for pixel in pixels.chunks_exact_mut(4) {
            if let Some(opacity) = pixel.get_mut(3) {
                *opacity = 255;
            }
        }
        let (width, height) = (u32::from(rect.width), u32::from(rect.height));
        let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(pixels), width, height);
        if let (Ok(image), Some(context)) = (image, self.context()) {
            _ = context.put_image_data(&image, f64::from(rect.x), f64::from(rect.y));
        }
    }
}

fn babel(is_babel: bool) -> Vec<El> {
    let note = || text_banner(BannerKind::Failure, None, texts::NOT_UNDERSTOOD, None);
    is_babel.then(note).into_iter().collect()
}

/// Between the socket and the pipe that the protocol reads and writes.
fn carry(near: DuplexStream, mut from_console: mpsc::UnboundedReceiver<Vec<u8>>, link: Link) {
    let (mut reader, mut writer) = split(near);
    spawn_local(async move {
        while let Some(bytes) = from_console.recv().await {
            if writer.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // The end of the socket is the end of the conversation.
        _ = writer.shutdown().await;
    });
    spawn_local(async move {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(read @ 1..) = reader.read(&mut buffer).await {
            link.send(buffer.get(..read).unwrap_or_default());
        }
    });
}

/// Talks RFB until the connection ends.
async fn run(view: Rc<View>, pipe: DuplexStream, mut inputs: mpsc::UnboundedReceiver<X11Event>) {
    let Some(client) = connect(pipe).await else {
        // A connection that was lost meanwhile says so itself.
        let is_here = view.session.borrow().is_some();
        _ = view.is_babel.try_set(is_here);
        return;
    };
    _ = view.is_babel.try_set(false);
    loop {
        tokio::select! {
            event = client.recv_event() => {
                let Ok(event) = event else { break };
                let is_picture = matches!(event, VncEvent::RawImage(..) | VncEvent::Copy(..));
                view.draw(event);
                // What is drawn may be followed by what changed since; the server answers when something did.
                if is_picture && client.input(X11Event::Refresh).await.is_err() {
                    break;
                }
            }
            input = inputs.recv() => match input {
                Some(input) => if client.input(input).await.is_err() { break },
                // The view has gone.
                None => break,
            },
        }
    }
    _ = client.close().await;
}

async fn connect(pipe: DuplexStream) -> Option<VncClient> {
    // Nova's proxy has done the authentication; a console asks for none.
    let state = VncConnector::new(pipe)
        .set_auth_method(async { Ok(String::new()) })
        .add_encoding(VncEncoding::Zrle)
        .add_encoding(VncEncoding::CopyRect)
        .add_encoding(VncEncoding::Raw)
        .add_encoding(VncEncoding::DesktopSizePseudo)
        .allow_shared(true)
        .set_pixel_format(PixelFormat::rgba())
        .build()
        .ok()?;
    state.try_start().await.ok()?.finish().ok()
}

fn listen_to_keys(canvas: El, view: &Rc<View>) -> El {
    let (down, up, left) = (view.clone(), view.clone(), view.clone());
    canvas
        .on("keydown", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            let key = event.key();
            event.prevent_default();
            event.stop_propagation();
            if leaves(Pressed::of(event, &key)) {
                _ = down.canvas.blur();
            } else if let Some(keysym) = keysym(&key) {
                let keysym = down.keys_down.borrow_mut().press(&place(event), keysym);
                down.key(keysym, true);
            }
        })
        .on("keyup", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            event.prevent_default();
            let keysym = up.keys_down.borrow_mut().release(&place(event));
            if let Some(keysym) = keysym {
                up.key(keysym, false);
            }
            // While Command is down, macOS tells of no other key that goes up.
            if event.key() == "Meta" {
                up.release_keys();
            }
        })
        .on("blur", move |_| left.release_keys())
}

/// Where a key is on the keyboard; its name where the browser does not tell.
fn place(event: &KeyboardEvent) -> String {
    let code = event.code();
    if code.is_empty() { event.key() } else { code }
}

fn listen_to_pointer(mut canvas: El, view: &Rc<View>) -> El {
    for name in ["mousedown", "mouseup", "mousemove"] {
        let view = view.clone();
        canvas = canvas.on(name, move |event| {
            let event: &MouseEvent = event.unchecked_ref();
            if event.type_() == "mousedown" {
                event.prevent_default();
                _ = view.canvas.focus();
            }
            view.pointer(event, rfb_buttons(event.buttons()));
        });
    }
    let wheeled = view.clone();
    canvas = canvas.on("wheel", move |event| {
        event.prevent_default();
        let event: &WheelEvent = event.unchecked_ref();
        // A wheel is two more buttons, pressed and let go.
        let button = if event.delta_y() < 0.0 { 8 } else { 16 };
        let held = wheeled.buttons.get();
        wheeled.pointer(event, held | button);
        wheeled.pointer(event, held);
    });
    canvas.on("contextmenu", |event| event.prevent_default())
}

/// The browser counts left, right, middle; RFB left, middle, right.
fn rfb_buttons(buttons: u16) -> u8 {
    let bit = |from: u16, to: u8| if buttons & from != 0 { to } else { 0 };
    bit(1, 1) | bit(4, 2) | bit(2, 4)
}

fn keys_button(view: &Rc<View>) -> El {
    let view = view.clone();
    el("button").attr("type", "button").class("button").text(texts::CTRL_ALT_DEL).on("click", move |_| {
        let keys = ["Control", "Alt", "Delete"].map(keysym);
        for key in keys.iter().flatten() {
            view.key(*key, true);
        }
        for key in keys.iter().rev().flatten() {
            view.key(*key, false);
        }
    })
}

/// Types the clipboard's text: an installer's screen has no clipboard of its own.
fn paste_button(view: &Rc<View>) -> El {
    let toasts = use_toasts();
    let view = view.clone();
    el("button").attr("type", "button").class("button").text(texts::PASTE).on("click", move |_| {
        let view = view.clone();
        spawn_local(async move {
            let Some(text) = clipboard_text().await else {
                toasts.fail(texts::CANNOT_PASTE, None);
                return;
            };
            view.type_text(&text.chars().take(MOST_TYPED).collect::<String>());
        });
    })
}

/// More than a person wants to see typed.
const MOST_TYPED: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_button_is_the_third() {
        assert_eq!(rfb_buttons(0), 0);
        assert_eq!(rfb_buttons(1), 1);
        assert_eq!(rfb_buttons(2), 4);
        assert_eq!(rfb_buttons(4), 2);
        assert_eq!(rfb_buttons(7), 7);
    }
}
