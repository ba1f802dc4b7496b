//! Sends what waits, one batch at a time, over a socket that is opened when there is something to send; takes over what
//! other pages have left; and at the page's end hands the rest to the browser.

use std::{cell::RefCell, rc::Rc, time::Duration};

use api_types::{
    client_log::{
        Answer, Batch, Beacon, Kind, LARGEST_BATCH, Level, MOST_BATCHES, Refusal, TOO_FAST_WAIT_MS, close,
    },
    routes,
};
use js_sys::Promise;
use leptos::{
    prelude::{set_interval, set_timeout, window},
    task::spawn_local,
};
use serde_json::Map;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{
    early::EarlyMessage,
    js::{self, listener},
    log,
    socket::Socket,
    state::{MOST_OF_ALL_BYTES, Stream, drop_of_all},
    storage, watch,
};
use crate::{csrf_token::csrf_token, ui::format};

/// Begins to send what is logged, for as long as the document lives.
pub fn start() {
    let named = |name: &str| js::boot(name, &[]).as_string().unwrap_or_default();
    let own = Stream::new(&named("logStream"), &named("logRelease"), format::now_ms());
    let sender = Sender(Rc::new(RefCell::new(State {
        streams: vec![own],
        set_aside: Vec::new(),
        sent: None,
        socket: None,
        is_open: false,
        failures: 0,
        not_before_ms: 0.0,
        outage: Outage::default(),
    })));
    let on_log = sender.clone();
    js::boot("onLog", &[listener(move |_| on_log.take()).into_js_value()]);
    sender.take();
    sender.clone().listen(watch::start());
    let adopting = sender.clone();
    set_timeout(move || adopting.adopt(), ADOPT_AFTER);
    set_interval(move || sender.adopt(), ADOPT_EVERY);
}

#[derive(Clone)]
struct Sender(Rc<RefCell<State>>);

struct State {
    /// Our own first, then those that other pages have left.
    streams: Vec<Stream>,
    /// Those of other people who used this browser: they wait for them.
    set_aside: Vec<Stream>,
    /// What was sent and is not answered: stream and first number, and which one it was.
    sent: Option<Sent>,
    socket: Option<Socket>,
    is_open: bool,
    failures: u32,
    /// Nothing is tried before.
    not_before_ms: f64,
    outage: Outage,
}

/// What the socket's next opening ends.
#[derive(Default)]
struct Outage {
    is_lost: bool,
    /// When the first attempt failed, to send or to connect. A page that has nothing to say tries neither.
    began_at_ms: Option<f64>,
}

#[derive(Clone, PartialEq, Eq)]
struct Sent {
    stream: String,
    first: u64,
}

/// Pages that are just being opened have their streams by then.
const ADOPT_AFTER: Duration = Duration::from_secs(1);
const ADOPT_EVERY: Duration = Duration::from_secs(60);
/// A batch that is not answered for so long went nowhere.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);
/// While nobody is signed in.
const SIGNED_OUT_WAIT_MS: f64 = 60_000.0;
/// What JSON needs of a beacon besides its batches.
const AROUND_BATCHES: usize = 2 << 10;

impl Sender {
    /// Takes in what was logged, and sends it.
    fn take(&self) {
        let Some(text) = js::boot("takeLog", &[]).as_string() else { return };
        let messages =
            serde_json::from_str::<Vec<EarlyMessage>>(&text).unwrap_or_else(|_| vec![unreadable()]);
        let path = window().location().pathname().unwrap_or_default();
        let project = path.strip_prefix("/projects/").and_then(|rest| rest.split('/').next());
        {
            let mut state = self.0.borrow_mut();
            let own = &mut state.streams[0];
            messages.into_iter().for_each(|message| own.push(message, project));
            own.forget_early();
            storage::keep(own);
        }
        self.go_on();
    }

    /// Sends the next batch, if it is time to; sees to it that somebody comes back otherwise.
    fn go_on(&self) {
        let wait_ms = {
            let mut state = self.0.borrow_mut();
            if state.sent.is_some() || state.streams.iter().all(Stream::is_empty) {
                return;
            }
            let wait_ms = state.not_before_ms - format::now_ms();
            match (&state.socket, wait_ms > 0.0) {
                (_, true) => wait_ms,
                (None, false) => {
                    state.socket = self.open();
                    if state.socket.is_some() {
                        return;
                    }
                    state.fail()
                }
                // It says when it is open.
                (Some(_), false) if !state.is_open => return,
                (Some(_), false) => {
                    let sent = state.send_next();
                    drop(state);
                    if let Some(sent) = sent {
                        self.give_up_later(sent);
                    }
                    return;
                }
            }
        };
        let sender = self.clone();
        set_timeout(move || sender.go_on(), Duration::from_millis(wait_ms.max(0.0) as u64 + 1));
    }

    fn open(&self) -> Option<Socket> {
        let (opened, answered, closed) = (self.clone(), self.clone(), self.clone());
        Socket::open(
            move || opened.opened(),
            move |answer| answered.answered(answer),
            move |code| closed.closed(code),
        )
    }

    fn opened(&self) {
        let outage = {
            let mut state = self.0.borrow_mut();
            state.is_open = true;
            std::mem::take(&mut state.outage)
        };
        if outage.is_lost {
            let away_ms =
                outage.began_at_ms.map(|began_at_ms| format!("{:.0}", format::now_ms() - began_at_ms));
            let field = away_ms.as_deref().map(|away_ms| ("away_ms", away_ms));
            log(Level::Info, Kind::Connection, "The log is connected again.", field.as_slice());
        }
        self.go_on();
    }

    fn answered(&self, answer: Answer) {
        self.0.borrow_mut().take_answer(answer);
        self.go_on();
    }

    fn closed(&self, code: u16) {
        let socket = {
            let mut state = self.0.borrow_mut();
            let was_open = std::mem::take(&mut state.is_open);
            let has_failed = !was_open || state.sent.is_some();
            state.outage.closed(was_open, has_failed.then(format::now_ms));
            state.take_close(code);
            state.socket.take()
        };
        // The closure that runs now is in it: it goes when this task is over.
        spawn_local(async move { drop(socket) });
        self.go_on();
    }

    /// A network that is gone says nothing: the socket is given up, and the batch sent again over another one.
    fn give_up_later(&self, sent: Sent) {
        let sender = self.clone();
        let give_up = move || {
            let state = sender.0.borrow();
            if let (true, Some(socket)) = (state.sent.as_ref() == Some(&sent), &state.socket) {
                socket.close();
            }
        };
        set_timeout(give_up, ANSWER_WITHIN);
    }

    /// Takes over what pages have left that are no more.
    fn adopt(&self) {
        let left: Vec<String> = {
            let mut state = self.0.borrow_mut();
            state.make_room();
            storage::streams().into_iter().filter(|id| !state.knows(id)).collect()
        };
        for id in left {
            let sender = self.clone();
            spawn_local(async move {
                let Ok(hold) = js::boot("holdLog", &[id.as_str().into()]).dyn_into::<Promise>() else {
                    return;
                };
                if JsFuture::from(hold).await.is_ok_and(|held| held.is_truthy()) {
                    sender.adopt_one(&id);
                }
            });
        }
    }

    fn adopt_one(&self, id: &str) {
        match Stream::found(id, &storage::of_stream(id), format::now_ms()) {
            Some(stream) => {
                let mut state = self.0.borrow_mut();
                if !state.knows(id) {
                    state.streams.push(stream);
                    state.make_room();
                }
            }
            None => storage::forget(id),
        }
        self.go_on();
    }

    /// `tell` is what the page still has to say at its end.
    fn listen(self, tell: impl Fn() + 'static) {
        let sender = self.clone();
        let online = listener(move |_| sender.try_now());
        _ = window().add_event_listener_with_callback("online", online.into_js_value().unchecked_ref());
        let hide = listener(move |event: JsValue| {
            tell();
            self.take();
            self.0.borrow_mut().end(js::get(&event, "persisted").is_truthy());
        });
        _ = window().add_event_listener_with_callback("pagehide", hide.into_js_value().unchecked_ref());
    }

    fn try_now(&self) {
        {
            let mut state = self.0.borrow_mut();
            state.failures = 0;
            state.not_before_ms = 0.0;
        }
        self.go_on();
    }
}

impl State {
    fn send_next(&mut self) -> Option<Sent> {
        let stream = self.streams.iter_mut().find(|stream| !stream.is_empty())?;
        let batch = stream.next_batch();
        // Before it is sent: its numbers are its own from now on.
        storage::keep(stream);
        let batch = batch?;
        let sent = Sent { stream: batch.stream.clone(), first: batch.first };
        let text = serde_json::to_string(&batch).ok()?;
        self.socket.as_ref()?.send(text);
        self.sent = Some(sent.clone());
        Some(sent)
    }

    fn take_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Stored { stream, first, last } => {
                self.sent = None;
                self.failures = 0;
                self.change(&stream, |stream| stream.stored(first, last));
            }
            Answer::Later { retry_after_ms, .. } => {
                self.sent = None;
                self.not_before_ms = format::now_ms() + retry_after_ms as f64;
            }
            Answer::Refused { stream, reason: Refusal::OtherUser } => {
                self.sent = None;
                // Our own, where another person has signed in beside this page: it is about to be opened anew.
                match self.streams.iter().position(|other| other.id() == stream) {
                    Some(0) => self.not_before_ms = format::now_ms() + SIGNED_OUT_WAIT_MS,
                    Some(at) => self.set_aside.push(self.streams.remove(at)),
                    None => {}
                }
            }
            Answer::Refused { stream, reason: Refusal::Sequence } => {
                if let Some(sent) = self.sent.take() {
                    self.change(&stream, |stream| stream.refused(sent.first));
                }
            }
            Answer::Bye { within_ms } => {
                self.not_before_ms = format::now_ms() + within_ms as f64 * js_sys::Math::random();
            }
        }
    }

    fn take_close(&mut self, code: u16) {
        let sent = self.sent.take();
        match (code, sent) {
            // The same again would be refused again.
            (close::MALFORMED | close::TOO_LARGE | 1003 | 1007, Some(sent)) => {
                self.change(&sent.stream, |stream| stream.refused(sent.first));
                self.fail();
            }
            (close::TOO_FAST, _) => {
                let wait_ms = TOO_FAST_WAIT_MS as f64 * (1.0 + js_sys::Math::random());
                self.not_before_ms = format::now_ms() + wait_ms;
            }
            (close::SESSION_ENDED, _) => self.not_before_ms = format::now_ms() + SIGNED_OUT_WAIT_MS,
            // It has said before when to come back.
            (close::RESTARTS, _) => {}
            _ => _ = self.fail(),
        }
    }

    /// Waits twice as long each time, up to a minute, and never all browsers at the same moment.
    fn fail(&mut self) -> f64 {
        let wait_ms = wait_ms(self.failures, js_sys::Math::random());
        self.failures = self.failures.saturating_add(1);
        self.not_before_ms = self.not_before_ms.max(format::now_ms() + wait_ms);
        wait_ms
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Stream)) {
        let Some(at) = self.streams.iter().position(|stream| stream.id() == id) else { return };
        let stream = &mut self.streams[at];
        change(stream);
        // One that was left behind is over once it is stored.
        if at > 0 && stream.is_empty() {
            storage::forget(id);
            self.streams.remove(at);
            return;
        }
        storage::keep(stream);
    }

    fn knows(&self, id: &str) -> bool {
        self.streams.iter().chain(&self.set_aside).any(|stream| stream.id() == id)
    }

    /// Leaves the storage to others as well, however many pages have left something there.
    fn make_room(&mut self) {
        let excess = storage::size().saturating_sub(MOST_OF_ALL_BYTES);
        let Some((own, left)) = self.streams.split_first_mut().filter(|_| excess > 0) else { return };
        drop_of_all(own, left.iter_mut().chain(&mut self.set_aside).collect(), excess);
        self.streams.iter_mut().chain(&mut self.set_aside).for_each(storage::keep);
    }

    /// The page ends, or goes to sleep: the browser sends the rest for us. What it cannot send is still written down.
    fn end(&mut self, may_come_back: bool) {
        let mut batches: Vec<Batch> = Vec::new();
        let mut bytes = LARGEST_BATCH - AROUND_BATCHES;
        for stream in &mut self.streams {
            let some = stream.all_batches(bytes, MOST_BATCHES - batches.len());
            let taken: usize = some
                .iter()
                .filter_map(|batch| serde_json::to_string(batch).ok())
                .map(|text| text.len())
                .sum();
            bytes = bytes.saturating_sub(taken);
            batches.extend(some);
            storage::keep(stream);
        }
        let own = &mut self.streams[0];
        if !may_come_back && own.is_empty() {
            own.end();
            storage::keep(own);
        }
        if batches.is_empty() {
            return;
        }
        let beacon = Beacon { token: csrf_token(), batches };
        if let Ok(text) = serde_json::to_string(&beacon) {
            let with = [routes::CLIENT_LOG_BEACON.into(), text.into()];
            js::call(&window().navigator(), "sendBeacon", &with);
        }
    }
}

impl Outage {
    /// The socket is closed. `failed_at_ms` is now, where something was tried.
    fn closed(&mut self, was_open: bool, failed_at_ms: Option<f64>) {
        self.is_lost |= was_open;
        self.began_at_ms = self.began_at_ms.or(failed_at_ms);
    }
}

fn unreadable() -> EarlyMessage {
    EarlyMessage {
        at: format::now_ms(),
        level: Level::Warn,
        kind: Kind::Log,
        description: "Some messages could not be read.".to_owned(),
        fields: Map::new(),
    }
}

fn wait_ms(failures: u32, random: f64) -> f64 {
    let longest = 1_000_u32.saturating_mul(1 << failures.min(6)).min(60_000);
    f64::from(longest) * (0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connecting_again_takes_its_time_and_never_more_than_a_minute() {
        assert_eq!(wait_ms(0, 0.0), 500.0);
        assert_eq!(wait_ms(0, 1.0), 1_000.0);
        assert_eq!(wait_ms(u32::MAX, 1.0), 60_000.0);
    }
}
