//! Lines as they come, until somebody wants to read in peace.

use api_types::operator::logs::LogLine;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

use super::{address::Asked, api, results::Results, texts};
use crate::ui::{Held, effect::after};

/// The lines that come while the page follows them.
#[derive(Clone, Copy)]
pub struct Following {
    is_paused: RwSignal<bool>,
    /// What came during a pause, the oldest first.
    waiting: Held<Vec<LogLine>>,
    note: Held<Option<String>>,
    results: Results,
}

/// More than these nobody reads after a pause; the oldest go.
const MOST_WAITING: usize = 1_000;

/// Follows while the address says so.
pub fn follow(asked: Held<Asked>, results: Results) -> Following {
    let following = Following {
        is_paused: RwSignal::new(false),
        waiting: Held::new(Vec::new()),
        note: Held::new(None),
        results,
    };
    after(move || {
        let asked = asked.get();
        following.is_paused.set(false);
        following.waiting.set(Vec::new());
        following.note.set(None);
        if asked.is_followed() {
            following.listen(&api::live_address(&asked.query));
        } else {
            results.forget_what_came();
        }
    });
    following
}

impl Following {
    pub fn is_paused(self) -> bool {
        self.is_paused.get()
    }

    pub fn waiting(self) -> usize {
        self.waiting.with(Vec::len)
    }

    /// What is the matter, if something is.
    pub fn note(self) -> Option<String> {
        self.note.get()
    }

    /// Stops adding lines, or adds those that came meanwhile and goes on.
    pub fn pause_or_go_on(self) {
        let is_paused = !self.is_paused.get_untracked();
        self.is_paused.set(is_paused);
        if !is_paused {
            let waiting = self.waiting.get_untracked();
            self.waiting.set(Vec::new());
            waiting.into_iter().for_each(|line| self.results.add(line));
        }
    }

    fn listen(self, address: &str) {
        let Ok(source) = EventSource::new(address) else {
            self.note.set(Some(texts::LOST.to_owned()));
            return;
        };
        let heard = move |event: MessageEvent, take: &dyn Fn(String)| {
            if let Some(text) = event.data().as_string() {
                take(text);
            }
        };
        let line = Closure::<dyn Fn(MessageEvent)>::new(move |event| {
            heard(event, &|text| {
                if let Ok(line) = serde_json::from_str::<LogLine>(&text) {
                    self.take(line);
                }
            });
        });
        let skipped = Closure::<dyn Fn(MessageEvent)>::new(move |event| {
            heard(event, &|count| self.note.set(Some(texts::skipped(&count))));
        });
        let failed = Closure::<dyn Fn(MessageEvent)>::new(move |event| {
            heard(event, &|sentence| self.note.set(Some(sentence)));
        });
        let lost = Closure::<dyn Fn(MessageEvent)>::new(move |_| self.note.set(Some(texts::LOST.to_owned())));
        let well = || Closure::<dyn Fn(MessageEvent)>::new(move |_| self.note.set_if_new(None));
        let listeners = [
            ("line", line),
            ("skipped", skipped),
            ("failed", failed),
            ("caught_up", well()),
            ("error", lost),
            ("open", well()),
        ];
        for (name, listener) in &listeners {
            _ = source.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        }
        let kept = SendWrapper::new((source, listeners));
        on_cleanup(move || {
            let (source, listeners) = kept.take();
            source.close();
            drop(listeners);
        });
    }

    fn take(self, line: LogLine) {
        if !self.is_paused.get_untracked() {
            self.results.add(line);
            return;
        }
        self.waiting.update(|waiting| {
            if waiting.iter().any(|known| known.id == line.id) {
                return;
            }
            if waiting.len() >= MOST_WAITING {
                waiting.remove(0);
            }
            waiting.push(line);
        });
    }
}
