//! Work in turns that leave the browser time to answer: a few milliseconds, then everybody else, then on.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{MessageChannel, MessagePort};

/// How long a turn works before it gives way. A frame has 16.7 ms, of which the browser needs some to draw.
pub const TURN_MS: f64 = 8.0;

/// Milliseconds since the page began, by the browser's monotonic clock.
pub fn now_ms() -> f64 {
    thread_local! {
        static CLOCK: Option<web_sys::Performance> = web_sys::window().and_then(|window| window.performance());
    }
    CLOCK.with(|clock| clock.as_ref().map_or(0.0, web_sys::Performance::now))
}

/// A deadline that is cheap to ask about: looks at the clock only every few questions.
pub struct Deadline {
    ends_at: f64,
    asked: u32,
    is_over: bool,
}

impl Deadline {
    pub fn in_ms(ms: f64) -> Self {
        Self { ends_at: now_ms() + ms, asked: 0, is_over: false }
    }

    /// True once time is up; for work of which each piece is worth a look at the clock.
    pub fn is_over_now(&mut self) -> bool {
        self.is_over = self.is_over || now_ms() >= self.ends_at;
        self.is_over
    }

    /// True while there is time left.
    pub fn has_time(&mut self) -> bool {
        self.asked = self.asked.wrapping_add(1);
        if !self.is_over && self.asked.is_multiple_of(4) {
            self.is_over = now_ms() >= self.ends_at;
        }
        !self.is_over
    }
}

/// Runs its work in turns, one after the other, for as long as there is some. Turns come by message rather than by
/// frame: they go on in a hidden tab, and between two frames there is room for more than one.
#[derive(Clone)]
pub struct Turns(Rc<Inner>);

struct Inner {
    port: MessagePort,
    is_asked_for: Cell<bool>,
    /// Kept for as long as messages may come.
    _listener: Closure<dyn FnMut(JsValue)>,
}

impl Turns {
    /// `work` is given its deadline, `turn_ms` from the beginning of a turn, and says whether more is left.
    pub fn new(turn_ms: f64, work: impl FnMut(&mut Deadline) -> bool + 'static) -> Option<Self> {
        let channel = MessageChannel::new().ok()?;
        let work = RefCell::new(work);
        let turns = Rc::new_cyclic(|weak: &std::rc::Weak<Inner>| {
            let weak = weak.clone();
            let listener = Closure::<dyn FnMut(JsValue)>::new(move |_| {
                let Some(inner) = weak.upgrade() else { return };
                inner.is_asked_for.set(false);
                // Taken already: the work itself asked for a turn and the browser is not to nest them.
                let Ok(mut work) = work.try_borrow_mut() else { return };
                if work(&mut Deadline::in_ms(turn_ms)) {
                    inner.ask();
                }
            });
            channel.port1().set_onmessage(Some(listener.as_ref().unchecked_ref()));
            Inner { port: channel.port2(), is_asked_for: Cell::new(false), _listener: listener }
        });
        Some(Self(turns))
    }

    /// Asks for a turn soon; asking twice gives one.
    pub fn ask(&self) {
        self.0.ask();
    }
}

impl Inner {
    fn ask(&self) {
        if !self.is_asked_for.replace(true) && self.port.post_message(&JsValue::NULL).is_err() {
            self.is_asked_for.set(false);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.port.close();
    }
}
