//! What works the store: takes in what arrives, lets the view catch up, asks for frames. In turns, between those of
//! everybody else.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
    time::Duration,
};

use js_sys::Uint8Array;
use leptos::prelude::*;

use super::Servers;
use crate::{
    client_log::{Kind, Level, log},
    features::servers::{
        connection::{Connection, Happening, Health},
        live::{self, Link},
        receive::Receiver,
        rows::Step,
        turns::{Deadline, TURN_MS, Turns, now_ms},
    },
};

/// What a store is made of; [`live`] works on it.
pub struct Inner {
    pub servers: RefCell<Servers>,
    pub connection: RefCell<Option<Connection>>,
    pub link: RefCell<Link>,
    pub inbox: RefCell<VecDeque<Arrived>>,
    receiver: RefCell<Receiver>,
    turns: RefCell<Option<Turns>>,
    pub(super) is_frame_asked: Cell<bool>,
    is_frame_waited_for: Cell<bool>,
    /// What a person asked for is drawn and not painted yet.
    pub(super) is_answer_unpainted: Cell<bool>,
    /// When the page was drawn last.
    shown_at: Cell<f64>,
    rest_timer: Cell<Option<TimeoutHandle>>,
    view_stepped_at: Cell<f64>,
    /// When the server said something last.
    heard_at: Cell<f64>,
    pub(super) is_beside_asked: Cell<bool>,
    on_frame: Box<dyn Fn(Drawn)>,
    pub this: Weak<Inner>,
}

/// What is drawn with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    Rows,
    /// What stands beside the rows and follows from them: counts, regions.
    Beside,
}

/// What came over the connection, in order.
pub enum Arrived {
    /// A new connection begins: nothing of an earlier one is whole.
    Start,
    Bytes(Uint8Array),
    End(Happening),
}

/// The server pings every 20 s: two that are missing are no accident.
const SILENCE_MS: f64 = 50_000.0;
/// While rows pour in, the view catches up with them no more often than this: each time it sorts and counts.
const VIEW_EVERY_MS: f64 = 50.0;
/// So long after the last rows the others are not waited for.
const RESTS_AFTER: Duration = Duration::from_millis(700);
/// And the page shows them no more often than this: drawing a frame takes the browser as long as reading some ten
/// thousand rows, and nobody reads a list that is replaced with the next one.
const LOADING_FRAME_MS: f64 = 100.0;

impl Inner {
    pub(super) fn new(on_frame: impl Fn(Drawn) + 'static) -> Rc<Self> {
        let inner = Rc::new_cyclic(|this| Self {
            servers: RefCell::new(Servers::new(None)),
            connection: RefCell::new(None),
            link: RefCell::new(Link::None),
            inbox: RefCell::new(VecDeque::new()),
            receiver: RefCell::new(Receiver::default()),
            turns: RefCell::new(None),
            is_frame_asked: Cell::new(false),
            is_frame_waited_for: Cell::new(false),
            is_answer_unpainted: Cell::new(false),
            shown_at: Cell::new(f64::MIN),
            rest_timer: Cell::new(None),
            view_stepped_at: Cell::new(0.0),
            heard_at: Cell::new(0.0),
            is_beside_asked: Cell::new(false),
            on_frame: Box::new(on_frame),
            this: this.clone(),
        });
        let this = inner.this.clone();
        let turns =
            Turns::new(TURN_MS, move |deadline| this.upgrade().is_some_and(|inner| inner.turn(deadline)));
        *inner.turns.borrow_mut() = turns;
        inner
    }

    /// Puts something into the inbox, to be worked off in turns.
    pub fn arrive(&self, arrived: Arrived) {
        self.heard_at.set(now_ms());
        self.inbox.borrow_mut().push_back(arrived);
        self.ask_turn();
    }

    pub fn happen(&self, happening: Happening) {
        let Some(inner) = self.this.upgrade() else { return };
        let act = match &mut *self.connection.borrow_mut() {
            Some(connection) => connection.on(happening, js_sys::Math::random()),
            None => None,
        };
        self.refresh_health();
        if let Some(act) = act {
            live::act(&inner, act);
        }
    }

    pub fn refresh_health(&self) {
        let health = self.connection.borrow().as_ref().map_or(Health::Live, Connection::health);
        let mut servers = self.servers.borrow_mut();
        if servers.connection != health {
            servers.connection = health;
            drop(servers);
            match health {
                Health::Live => {
                    log(Level::Info, Kind::Connection, "The list of servers is connected again.", &[])
                }
                // Why it was given up was logged with the call that was refused.
                Health::Ended => {
                    log(Level::Info, Kind::Connection, "The list of servers is not asked for again.", &[])
                }
                _ => log(Level::Warn, Kind::Connection, "The list of servers lost its connection.", &[]),
            }
            self.ask_frame();
        }
    }

    pub fn ask_frame(&self) {
        if self.is_frame_asked.replace(true) {
            return;
        }
        let this = self.this.clone();
        request_animation_frame(move || {
            if let Some(inner) = this.upgrade() {
                inner.is_frame_asked.set(false);
                inner.show_now();
            }
        });
    }

    /// Draws what a person asked for within the event that asked, so that the very next frame has it; the work goes on
    /// when that frame is out.
    pub(super) fn show_answer(&self) {
        self.shown_at.set(now_ms());
        (self.on_frame)(Drawn::Rows);
        self.is_answer_unpainted.set(true);
        let this = self.this.clone();
        let go_on = move || {
            if let Some(inner) = this.upgrade() {
                inner.is_answer_unpainted.set(false);
                inner.ask_turn();
            }
        };
        // By a timer, so that the frame is out: a message may come before it.
        request_animation_frame(move || set_timeout(go_on, Duration::ZERO));
    }

    fn show_now(&self) {
        self.shown_at.set(now_ms());
        (self.on_frame)(Drawn::Rows);
        if self.is_beside_asked.replace(true) {
            return;
        }
        let this = self.this.clone();
        request_animation_frame(move || {
            if let Some(inner) = this.upgrade() {
                inner.is_beside_asked.set(false);
                (inner.on_frame)(Drawn::Beside);
            }
        });
    }

    /// A frame of many on the way to a whole list.
    fn ask_frame_of_loading(&self) {
        let wait_ms = self.shown_at.get() + LOADING_FRAME_MS - now_ms();
        if wait_ms <= 0.0 {
            return self.ask_frame();
        }
        if self.is_frame_waited_for.replace(true) {
            return;
        }
        let this = self.this.clone();
        let ask = move || {
            if let Some(inner) = this.upgrade() {
                inner.is_frame_waited_for.set(false);
                inner.ask_frame();
            }
        };
        set_timeout(ask, Duration::from_millis(wait_ms as u64));
    }

    pub(super) fn ask_turn(&self) {
        if let Some(turns) = &*self.turns.borrow() {
            turns.ask();
        }
    }

    /// Counts anew with every piece that comes.
    fn rest_after_a_while(&self) {
        let this = self.this.clone();
        let rest = move || {
            let Some(inner) = this.upgrade() else { return };
            let Ok(mut servers) = inner.servers.try_borrow_mut() else { return };
            servers.is_resting = servers.is_caught_up;
            servers.has_been_complete |= servers.is_at_rest() && servers.is_whole_but_for_silent_regions();
            drop(servers);
            inner.ask_frame();
        };
        let timer = set_timeout_with_handle(rest, RESTS_AFTER).ok();
        if let Some(before) = self.rest_timer.replace(timer) {
            before.clear();
        }
    }

    fn ask_turn_after_frame(&self) {
        let this = self.this.clone();
        request_animation_frame(move || {
            if let Some(inner) = this.upgrade() {
                inner.ask_turn();
            }
        });
    }

    /// A connection that should say something now and then, and did not for long, is gone without saying so.
    pub(super) fn check_silence(&self) {
        let is_open = matches!(&*self.link.borrow(), Link::Socket { .. } | Link::Stream(_));
        if is_open && now_ms() - self.heard_at.get() > SILENCE_MS {
            *self.link.borrow_mut() = Link::None;
            self.arrive(Arrived::End(Happening::Lost));
        }
    }

    pub(super) fn close(&self) {
        *self.connection.borrow_mut() = None;
        *self.link.borrow_mut() = Link::None;
        self.inbox.borrow_mut().clear();
    }

    /// One turn of work: takes in what arrived, then lets the view catch up. True while there is more to do.
    fn turn(&self, deadline: &mut Deadline) -> bool {
        if self.is_answer_unpainted.get() {
            // Comes again once it is.
            return false;
        }
        if let Some(has_more) = self.answer() {
            return has_more;
        }
        let mut happened = Vec::new();
        let has_more = self.take_in(deadline, &mut happened);
        for happening in happened {
            if happening == Happening::Heard && live::waits_for_socket(self) {
                continue;
            }
            self.happen(happening);
        }
        let Ok(mut servers) = self.servers.try_borrow_mut() else { return true };
        let now = now_ms();
        let is_first = servers.is_first_sight();
        let is_settled = servers.is_settled && !servers.view.is_counting();
        if is_settled || (has_more && !is_first && now - self.view_stepped_at.get() < VIEW_EVERY_MS) {
            return has_more;
        }
        self.view_stepped_at.set(now);
        let is_done = servers.step(deadline) == Step::Done;
        servers.is_settled = is_done && !has_more;
        servers.has_been_complete |= servers.is_complete();
        let is_loading = !servers.has_been_complete;
        drop(servers);
        if is_loading {
            self.rest_after_a_while();
        }
        if is_first && is_done {
            // Drawn with the very next frame, not in the one after it; and nothing is read before that frame is out.
            self.show_now();
            self.ask_turn_after_frame();
            return false;
        } else if is_loading {
            self.ask_frame_of_loading();
        } else {
            self.ask_frame();
        }
        has_more || !is_done
    }

    /// Looks on for what a person asked for, before anything else is taken in. It shows all at once: a frame before would
    /// only put it off. True while there is more to do, `None` if nothing was asked for.
    fn answer(&self) -> Option<bool> {
        let mut servers = self.servers.try_borrow_mut().ok().filter(|servers| servers.is_asked)?;
        let mut own = Deadline::in_ms(servers.typing_ms());
        servers.is_asked = servers.find(&mut own) == Step::More;
        let is_found = !servers.is_asked;
        drop(servers);
        if is_found {
            self.show_answer();
        }
        Some(!is_found)
    }

    fn take_in(&self, deadline: &mut Deadline, happened: &mut Vec<Happening>) -> bool {
        let mut inbox = self.inbox.borrow_mut();
        let Ok(mut servers) = self.servers.try_borrow_mut() else { return true };
        let mut receiver = self.receiver.borrow_mut();
        while let Some(arrived) = inbox.front() {
            let is_used_up = match arrived {
                Arrived::Start => {
                    receiver.start();
                    true
                }
                Arrived::Bytes(bytes) => receiver.take_in(bytes, &mut servers, deadline, happened),
                Arrived::End(happening) => {
                    happened.push(happening.clone());
                    true
                }
            };
            if is_used_up {
                inbox.pop_front();
            }
            // The first rows are shown before the next ones are read.
            if !deadline.has_time() || servers.is_first_sight() {
                break;
            }
        }
        !inbox.is_empty()
    }
}
