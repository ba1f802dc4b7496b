//! Taking over the page in two tasks instead of one. What the views ask to be run once they are there (leptos's
//! effects) would run right after them, before the browser may do anything else: a click would wait for both.

use std::cell::RefCell;

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageChannel;

thread_local! {
    /// What waits for the second task; `None` once it has begun.
    static WAITING: RefCell<Option<Vec<PinnedLocalFuture<()>>>> = const { RefCell::new(None) };
}

/// Runs `first` now, and in a task of its own what it has spawned.
pub fn in_two_tasks(first: impl FnOnce()) {
    // Refused only where there is one already, which then runs everything at once.
    _ = Executor::init_custom_executor(Tasks);
    WAITING.set(Some(Vec::new()));
    first();
    next_task(|| WAITING.take().into_iter().flatten().for_each(spawn_local));
}

/// By message: a timer would let a frame go first, which draws a page without its rows.
fn next_task(run: impl FnOnce() + 'static) {
    let Ok(channel) = MessageChannel::new() else { return run() };
    let sender = channel.port2();
    channel.port1().set_onmessage(Some(Closure::once_into_js(run).unchecked_ref()));
    _ = sender.post_message(&JsValue::NULL);
}

struct Tasks;

impl CustomExecutor for Tasks {
    fn spawn(&self, future: PinnedFuture<()>) {
        self.spawn_local(future);
    }

    fn spawn_local(&self, future: PinnedLocalFuture<()>) {
        let at_once = WAITING.with_borrow_mut(|waiting| match waiting {
            Some(waiting) => {
                waiting.push(future);
                None
            }
            None => Some(future),
        });
        if let Some(future) = at_once {
            spawn_local(future);
        }
    }

    fn poll_local(&self) {}
}
